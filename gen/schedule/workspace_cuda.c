/* workspace_cuda: scratch of the kernels for GPUs; see workspace.h. A formula lists the areas of the kernel in the order in
 * which its host side (templates/cuda/KIND.tmpl.c) carves them. Products of cuBLAS are not counted here: their workspace
 * lies behind the program's slab. */
#include "schedule/workspace.h"

int64_t workspace_cuda_bytes(const Plan *plan, const Op *op) {
    (void)plan;
    switch ((OpKind)op->kind) {
    default:
        return 0;
    }
}
