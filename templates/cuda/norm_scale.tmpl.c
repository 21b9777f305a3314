/* norm_scale: a block a row. */
#include "kernel.h"

rt_status kernel_norm_scale(rt_rank *rank, const void *args) {
    const struct norm_scale_args *a = args;
    void *qkv = rt_at(rank, a->qkv);
    const void *squares = rt_at(rank, a->squares);
    const void *query = rt_at(rank, a->query_weight), *key = rt_at(rank, a->key_weight);
    return rt_cuda_launch(
        rank, F_NORM_SCALE, grid_of((uint32_t)a->rows, 256),
        (void *[]){&qkv, &squares, &query, &key, (void *)&a->heads, (void *)&a->kv_heads});
}
