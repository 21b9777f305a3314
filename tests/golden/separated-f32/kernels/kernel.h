/* kernel: what the host kernels share: the element type, rows as float32, areas of the workspace.
 * Elements are stored as f32; all arithmetic is in float32. */
#pragma once

#include "../constants.h"
#include "../ops.h"
#include "../program.h"

#include "rt.h"

#include <math.h>
#include <string.h>

typedef float elem_t;

static inline float elem_load(elem_t value) {
    return value;
}

static inline elem_t elem_store(float value) {
    return value;
}

static inline void load_row(float *restrict to, const elem_t *restrict from, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
        to[i] = elem_load(from[i]);
}

static inline void store_row(elem_t *restrict to, const float *restrict from, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
        to[i] = elem_store(from[i]);
}

/* The sum of squares, in double: it costs nothing beside the memory traffic. Lanes are for the vectorizer, in one
 * order whatever its vectors are. */
static inline double sum_squares(const elem_t *from, int64_t count) {
    enum { LANES = 8 };
    const int64_t whole = count / LANES * LANES;
    double lanes[LANES] = {0}, sum = 0;
    for (int64_t i = 0; i < whole; i += LANES)
        for (int j = 0; j < LANES; ++j)
            lanes[j] += (double)elem_load(from[i + j]) * (double)elem_load(from[i + j]);
    for (int64_t i = whole; i < count; ++i)
        sum += (double)elem_load(from[i]) * (double)elem_load(from[i]);
    for (int j = 0; j < LANES; ++j)
        sum += lanes[j];
    return sum;
}

/* Add a bias to each of `rows` rows; nothing where the bias is absent. */
static inline void add_bias(float *restrict to, const elem_t *restrict bias, int64_t rows,
                            int64_t columns) {
    for (int64_t row = 0; bias && row < rows; ++row)
        for (int64_t i = 0; i < columns; ++i)
            to[row * columns + i] += elem_load(bias[i]);
}

/* The next area of the workspace: `count` floats, aligned. gen sized the workspace by the same rule. */
static inline float *carve(float **workspace, int64_t count) {
    float *area = *workspace;
    *workspace += (count + WORKSPACE_ALIGN - 1) / WORKSPACE_ALIGN * WORKSPACE_ALIGN;
    return area;
}

/* Address of a slab offset; NULL for a buffer that is absent. */
static inline void *at_or_null(const rt_rank *rank, int64_t offset) {
    return offset < 0 ? NULL : rt_at(rank, offset);
}

static inline int64_t min_of(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t max_of(int64_t a, int64_t b) {
    return a > b ? a : b;
}
