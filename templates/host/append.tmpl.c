/* append: keys and values into the cache as they are, for models whose positions are learned. */
#include "kernel.h"

rt_status kernel_append(rt_rank *rank, const void *args) {
    const struct append_args *a = args;
    const int32_t *positions = rt_at(rank, a->positions);
    const elem_t *qkv = rt_at(rank, a->qkv);
    elem_t *keys = rt_at(rank, a->keys), *values = rt_at(rank, a->values);
    const int64_t width = ((int64_t)a->heads + 2 * a->kv_heads) * HEAD_DIM;
    const int64_t cached = (int64_t)a->kv_heads * HEAD_DIM; /* elements a position */

    for (int64_t row = 0; row < (int64_t)a->sequences * a->tokens; ++row, qkv += width) {
        if (positions[row] < 0)
            continue;
        const elem_t *key = qkv + (int64_t)a->heads * HEAD_DIM;
        int64_t slot = (a->cache_first + row / a->tokens) * CONTEXT + positions[row];
        memcpy(keys + slot * cached, key, (size_t)cached * sizeof *key);
        memcpy(values + slot * cached, key + cached, (size_t)cached * sizeof *key);
    }
    return RT_OK;
}
