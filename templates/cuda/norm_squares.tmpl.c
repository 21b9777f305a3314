/* norm_squares: a block a row. */
#include "kernel.h"

rt_status kernel_norm_squares(rt_rank *rank, const void *args) {
    const struct norm_squares_args *a = args;
    const void *qkv = rt_at(rank, a->qkv);
    void *out = rt_at(rank, a->out);
    return rt_cuda_launch(rank, F_NORM_SQUARES, grid_of((uint32_t)a->rows, 256),
                          (void *[]){&qkv, &out, (void *)&a->heads, (void *)&a->kv_heads,
                                     (void *)&a->key_first, (void *)&a->key_count});
}
