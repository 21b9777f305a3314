/* rope_append: a block a row. */
#include "kernel.h"

rt_status kernel_rope_append(rt_rank *rank, const void *args) {
    const struct rope_append_args *a = args;
    void *qkv = rt_at(rank, a->qkv), *keys = rt_at(rank, a->keys), *values = rt_at(rank, a->values);
    const void *positions = rt_at(rank, a->positions);
    return rt_cuda_launch(
        rank, F_ROPE_APPEND, grid_of((uint32_t)a->sequences * (uint32_t)a->tokens, 256),
        (void *[]){&qkv, &positions, &keys, &values, (void *)&a->tokens, (void *)&a->cache_first,
                   (void *)&a->heads, (void *)&a->kv_heads});
}
