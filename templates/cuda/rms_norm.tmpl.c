/* rms_norm: a block a row. */
#include "kernel.h"

rt_status kernel_rms_norm(rt_rank *rank, const void *args) {
    const struct rms_norm_args *a = args;
    const void *in = rt_at(rank, a->in), *weight = rt_at(rank, a->weight);
    void *out = rt_at(rank, a->out);
    return rt_cuda_launch(rank, F_RMS_NORM, grid_of_rows(a->rows), (void *[]){&in, &weight, &out});
}
