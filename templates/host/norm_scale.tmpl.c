/* norm_scale: queries of all heads as one vector over its root mean square, times a weight an element; keys likewise.
 * The squares are summed over all heads, of which some are here. */
#include "kernel.h"

static void scale_elements(elem_t *elements, const elem_t *weight, float squares, int64_t all,
                           int64_t count) {
    float scale = (float)(1.0 / sqrt((double)squares / (double)all + NORM_EPS));
    for (int64_t i = 0; i < count; ++i)
        elements[i] = elem_store(elem_load(elements[i]) * scale * elem_load(weight[i]));
}

rt_status kernel_norm_scale(rt_rank *rank, const void *args) {
    const struct norm_scale_args *a = args;
    elem_t *qkv = rt_at(rank, a->qkv);
    const float *squares = rt_at(rank, a->squares);
    const elem_t *query = rt_at(rank, a->query_weight), *key = rt_at(rank, a->key_weight);
    const int64_t queries = (int64_t)a->heads * HEAD_DIM, keys = (int64_t)a->kv_heads * HEAD_DIM;

    for (int64_t row = 0; row < a->rows; ++row, qkv += queries + 2 * keys) {
        scale_elements(qkv, query, squares[2 * row], HEADS * HEAD_DIM, queries);
        scale_elements(qkv + queries, key, squares[2 * row + 1], KV_HEADS * HEAD_DIM, keys);
    }
    return RT_OK;
}
