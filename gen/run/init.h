/* init: what a first project says of the machine that it is for: what is seen of this host, or read from
 * nvidia-smi's text. Texts lie in the run's arena. */
#pragma once

#include "input/gpu.h"
#include "run/command.h"

/* This host as a node whose GPUs are processes. Rates are shares of the machine. */
typedef struct InitHost {
    int64_t sockets, cores, processes;
    double clock;            /* [1/s] */
    int64_t flops_per_cycle; /* of a core, 32 bits, at its widest vectors */
    double memory;           /* [bytes] of the machine, or what its control group allows */
    double copied;           /* [bytes/s] by one core: measured */
} InitHost;

void init_host(InitHost *host);

/* A machine with GPUs. */
typedef struct InitGpus {
    const GpuKind *kind;
    int64_t gpus, nics, all_nics; /* nics: those near a GPU */
    const char *link;             /* "nvlink3", "pcie4" */
    double bandwidth, latency;    /* [bytes/s] a GPU and direction; [s] */
    const char *link_note;        /* where the bandwidth comes from */
} InitGpus;

/* From the text of `nvidia-smi topo -m` at `path`; `type` as given by --gpu, or NULL. E032x. */
Status init_gpus(Run *run, const char *path, const char *type, InitGpus *gpus);
