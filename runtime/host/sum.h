/* sum: elements of any type added in float32, a block at a time, for the files that add what ranks bring. Pure
 * loops for the vectorizer; whoever includes this is compiled at its level (runtime/CMakeLists.txt). */
#pragma once

#include "rt_format.h"

#include <string.h>

enum { SUM_BLOCK = 1024 /* elements summed at a time: the sums stay in the first-level cache */ };

static inline void rt_sum_add(float *restrict sum, const char *source, rt_type type,
                              int64_t count) {
    const float *floats = (const float *)source;
    const uint16_t *halves = (const uint16_t *)source;
    if (type == RT_F32) {
        for (int64_t i = 0; i < count; ++i)
            sum[i] += floats[i];
    } else if (type == RT_BF16) {
        for (int64_t i = 0; i < count; ++i)
            sum[i] += rt_from_bf16(halves[i]);
    } else {
        for (int64_t i = 0; i < count; ++i)
            sum[i] += rt_from_f16(halves[i]);
    }
}

static inline void rt_sum_store(char *target, const float *sum, rt_type type, int64_t count) {
    uint16_t *halves = (uint16_t *)target;
    if (type == RT_F32)
        memcpy(target, sum, (size_t)count * sizeof *sum);
    for (int64_t i = 0; type == RT_BF16 && i < count; ++i)
        halves[i] = rt_to_bf16(sum[i]);
    for (int64_t i = 0; type == RT_F16 && i < count; ++i)
        halves[i] = rt_to_f16(sum[i]);
}
