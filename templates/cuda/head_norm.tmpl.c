/* head_norm: a warp a head. */
#include "kernel.h"

rt_status kernel_head_norm(rt_rank *rank, const void *args) {
    enum { THREADS = 128 };
    const struct head_norm_args *a = args;
    void *qkv = rt_at(rank, a->qkv);
    const void *query = rt_at(rank, a->query_weight), *key = rt_at(rank, a->key_weight);
    int64_t count = (int64_t)a->rows * ((int64_t)a->heads + a->kv_heads);
    return rt_cuda_launch(
        rank, F_HEAD_NORM, grid_of(blocks_of(count, THREADS / 32), THREADS),
        (void *[]){&qkv, &query, &key, (void *)&a->heads, (void *)&a->kv_heads, &count});
}
