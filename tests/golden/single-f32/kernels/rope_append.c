/* rope_append: rotary positions, then keys and values into the cache. Element i of a head is paired with
 * element i + D / 2 (the hub's half-split layout) and turned by position x theta^(-2 i / D). */
#include "kernel.h"

enum { HALF = HEAD_DIM / 2 };

static void rotate(elem_t *head, const float *cosine, const float *sine) {
    for (int64_t i = 0; i < HALF; ++i) {
        float a = elem_load(head[i]), b = elem_load(head[i + HALF]);
        head[i] = elem_store(a * cosine[i] - b * sine[i]);
        head[i + HALF] = elem_store(b * cosine[i] + a * sine[i]);
    }
}

rt_status kernel_rope_append(rt_rank *rank, const void *args) {
    const struct rope_append_args *a = args;
    const int32_t *positions = rt_at(rank, a->positions);
    elem_t *qkv = rt_at(rank, a->qkv), *keys = rt_at(rank, a->keys);
    elem_t *values = rt_at(rank, a->values);
    const int64_t width = ((int64_t)a->heads + 2 * a->kv_heads) * HEAD_DIM;
    const int64_t cached = (int64_t)a->kv_heads * HEAD_DIM; /* elements a position */
    double frequency[HALF];
    float cosine[HALF], sine[HALF];

    for (int i = 0; i < HALF; ++i)
        frequency[i] = pow(ROPE_THETA, -2.0 * i / HEAD_DIM);
    for (int64_t row = 0; row < (int64_t)a->sequences * a->tokens; ++row, qkv += width) {
        int32_t position = positions[row];
        if (position < 0)
            continue;
        for (int i = 0; i < HALF; ++i) {
            cosine[i] = (float)cos(position * frequency[i]);
            sine[i] = (float)sin(position * frequency[i]);
        }
        elem_t *key = qkv + (int64_t)a->heads * HEAD_DIM;
        for (elem_t *head = qkv; head < key + cached; head += HEAD_DIM)
            rotate(head, cosine, sine);
        int64_t slot = (a->cache_first + row / a->tokens) * CONTEXT + position;
        memcpy(keys + slot * cached, key, (size_t)cached * sizeof *key);
        memcpy(values + slot * cached, key + cached, (size_t)cached * sizeof *key);
    }
    return RT_OK;
}
