/* append: a block a row. */
#include "kernel.h"

rt_status kernel_append(rt_rank *rank, const void *args) {
    const struct append_args *a = args;
    void *keys = rt_at(rank, a->keys), *values = rt_at(rank, a->values);
    const void *qkv = rt_at(rank, a->qkv), *positions = rt_at(rank, a->positions);
    return rt_cuda_launch(
        rank, F_APPEND, grid_of((uint32_t)a->sequences * (uint32_t)a->tokens, 256),
        (void *[]){&qkv, &positions, &keys, &values, (void *)&a->tokens, (void *)&a->cache_first,
                   (void *)&a->heads, (void *)&a->kv_heads});
}
