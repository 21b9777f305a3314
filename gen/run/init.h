/* init: what a first project says of the machine that it is for: what is seen of this host, or read from what
 * nvidia-smi or NCCL writes. Texts lie in the run's arena. */
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
    const char *seen;             /* "`nvidia-smi topo -m` shows it" */
    int64_t gpus, nics, all_nics; /* nics: those near a GPU */
    double nic_bandwidth;         /* [bytes/s] a port and direction; 0: not told */
    const char *nic_note;         /* where it comes from */
    const char *link;             /* "nvlink3", "pcie4" */
    double bandwidth, latency;    /* [bytes/s] a GPU and direction; [s] */
    const char *link_note;        /* where the bandwidth comes from */
} InitGpus;

/* From the text of `nvidia-smi topo -m` at `path`; `type` as given by --gpu, or NULL. E032x. */
Status init_gpus(Run *run, const char *path, const char *type, InitGpus *gpus);

/* From the XML that NCCL dumps. E0324 to E0326, E033x. */
Status init_nccl(Run *run, const char *path, const char *type, InitGpus *gpus);

/* --- shared by the two -------------------------------------------------------------------------------- */

/* How two GPUs of a machine are joined. */
typedef struct InitPair {
    int64_t links;   /* NVLinks */
    double pci;      /* [bytes/s] of the way over PCI; 0: not told */
    bool crosses;    /* that way goes from one processor to another */
    DiagPlace place; /* of what says so */
} InitPair;

typedef enum InitSwitch { INIT_SWITCH_UNKNOWN, INIT_SWITCH_NONE, INIT_SWITCH } InitSwitch;

/* The kind that --gpu names. E0324. */
Status init_kind(Run *run, const char *type, const GpuKind **kind);
const char *init_kinds(Run *run); /* all types, separated by commas */

/* Link and its rate from the pairs [gpus->gpus][gpus->gpus]. E0325, E0326. */
Status init_link(Run *run, const InitPair *pairs, InitSwitch by_switch, InitGpus *gpus);

const char *init_rate(Run *run, double bandwidth); /* "25 GB/s" */
