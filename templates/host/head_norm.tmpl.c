/* head_norm: RMS norm of each query and key head by itself, all query heads by one weight, all key heads by another. */
#include "kernel.h"

static void norm_head(elem_t *head, const elem_t *weight) {
    float scale = (float)(1.0 / sqrt(sum_squares(head, HEAD_DIM) / HEAD_DIM + NORM_EPS));
    for (int64_t i = 0; i < HEAD_DIM; ++i)
        head[i] = elem_store(elem_load(head[i]) * scale * elem_load(weight[i]));
}

rt_status kernel_head_norm(rt_rank *rank, const void *args) {
    const struct head_norm_args *a = args;
    elem_t *qkv = rt_at(rank, a->qkv);
    const elem_t *query = rt_at(rank, a->query_weight), *key = rt_at(rank, a->key_weight);
    const int64_t width = ((int64_t)a->heads + 2 * a->kv_heads) * HEAD_DIM;

    for (int64_t row = 0; row < a->rows; ++row, qkv += width)
        for (int64_t head = 0; head < (int64_t)a->heads + a->kv_heads; ++head)
            norm_head(qkv + head * HEAD_DIM, head < a->heads ? query : key);
    return RT_OK;
}
