/* rope_append: rotary positions, then keys and values into the cache. The first ROPE_DIM elements of a
 * head rotate. */
#include "rotate.h"

rt_status kernel_rope_append(rt_rank *rank, const void *args) {
    const struct rope_append_args *a = args;
    const int32_t *positions = rt_at(rank, a->positions);
    elem_t *qkv = rt_at(rank, a->qkv), *keys = rt_at(rank, a->keys);
    elem_t *values = rt_at(rank, a->values);
    const int64_t width = ((int64_t)a->heads + 2 * a->kv_heads) * HEAD_DIM;
    const int64_t cached = (int64_t)a->kv_heads * HEAD_DIM; /* elements a position */
    struct turn turn;

    turn_begin(&turn);
    for (int64_t row = 0; row < (int64_t)a->sequences * a->tokens; ++row, qkv += width) {
        int32_t position = positions[row];
        if (position < 0)
            continue;
        turn_to(&turn, position);
        elem_t *key = qkv + (int64_t)a->heads * HEAD_DIM;
        for (elem_t *head = qkv; head < key + cached; head += HEAD_DIM)
            rotate(&turn, head);
        int64_t slot = (a->cache_first + row / a->tokens) * CONTEXT + position;
        memcpy(keys + slot * cached, key, (size_t)cached * sizeof *key);
        memcpy(values + slot * cached, key + cached, (size_t)cached * sizeof *key);
    }
    return RT_OK;
}
