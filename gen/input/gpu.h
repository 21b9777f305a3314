/* gpu: what NVIDIA's data sheets say about kinds of GPU, for topologies made from `nvidia-smi` or NCCL's XML. Quantities are
 * texts as a topology writes them. A constant table; it knows neither files nor diagnostics. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { GPU_NAMES = 3 };

typedef struct GpuKind {
    const char *type;                 /* as in topologies: "a100-80gb" */
    const char *names[GPU_NAMES + 1]; /* as nvidia-smi -L prints them */
    int devices[GPU_NAMES + 1];       /* PCI numbers of the product, 0-terminated */
    int sm;                           /* compute capability, 80 for 8.0 */
    const char *memory;               /* as nvidia-smi reports the total */
    const char *flops, *flops_f32;    /* dense: 16 bits with 32-bit accumulation; 32 bits */
    const char *bandwidth;            /* of its memory */
    const char *nvlink;               /* generation; NULL: has none */
    int nvlinks;                      /* the most that one GPU has */
    double nvlink_bandwidth;          /* [bytes/s] of one link, per direction */
    int pcie;                         /* generation, 16 lanes */
    const char *source;               /* of the figures */
} GpuKind;

extern const GpuKind gpu_kinds[]; /* ends with type == NULL */

/* The kind of a type ("a100-80gb"), or of a name as nvidia-smi prints it; NULL if the table has none. */
const GpuKind *gpu_by_type(const char *type);
const GpuKind *gpu_by_name(const char *name, size_t length);
const GpuKind *gpu_by_device(int64_t device); /* by PCI number, e.g. 0x20b2 */

/* What of a PCIe slot's rate a copy reaches, per direction [bytes/s]. */
double gpu_pcie_bandwidth(int generation);
