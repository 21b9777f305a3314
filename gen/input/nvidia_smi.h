/* nvidia_smi: reads the text that `nvidia-smi topo -m` prints: the matrix of connections among the GPUs and
 * NICs of one machine. Lines of `nvidia-smi -L` in the same text name the GPUs' type. Everything lies in the
 * caller's arena. It knows the format, not what a connection is worth. */
#pragma once

#include "base/arena.h"
#include "base/diag.h"

typedef enum NvidiaSmiLink {
    NVIDIA_SMI_SELF,
    NVIDIA_SMI_NVLINK,
    NVIDIA_SMI_PIX,  /* at most one PCIe bridge between the two */
    NVIDIA_SMI_PXB,  /* several PCIe bridges, no host bridge */
    NVIDIA_SMI_PHB,  /* the processor's host bridge */
    NVIDIA_SMI_NODE, /* host bridges of one NUMA node */
    NVIDIA_SMI_SYS,  /* between NUMA nodes */
} NvidiaSmiLink;

typedef struct NvidiaSmiCell {
    NvidiaSmiLink link;
    int links; /* NVIDIA_SMI_NVLINK: how many */
    DiagPlace place;
} NvidiaSmiCell;

typedef struct NvidiaSmi {
    int64_t gpus, nics;
    const NvidiaSmiCell *cells; /* [gpus + nics][gpus + nics], GPUs first */
    const char *name;           /* of the GPUs, from nvidia-smi -L; NULL: the text does not say */
    DiagPlace name_place;
} NvidiaSmi;

enum { NVIDIA_SMI_COLUMNS = 1024 };

/* Read the file, or stdin if `path` is "-". E0320: this is something else; E0321: cut off; E0322: no such
 * connection; E0323: two places contradict each other. */
Status nvidia_smi_read(Arena *arena, const char *path, NvidiaSmi *smi, Diag *diag);

static inline const NvidiaSmiCell *nvidia_smi_cell(const NvidiaSmi *smi, int64_t a, int64_t b) {
    return smi->cells + a * (smi->gpus + smi->nics) + b;
}
