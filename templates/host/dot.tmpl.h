/* dot: the inner loops of products: rows of float32 with weights that lie as elements, each weight converted in
 * registers. A set of functions for each level of vectors. All sets, and all numbers of rows, add the same products in
 * the same order: every output is a sum of its own, over DOT_LANES running sums where the weight is transposed, so it
 * does not depend on how rows and outputs are dealt into calls. */
#pragma once

#include "kernel.h"

enum { DOT_LANES = 32, DOT_FEW = 16 };

typedef struct dot {
    const float *in; /* [rows][inputs] */
    int64_t in_stride;
    const void *weight; /* transposed: [outputs][inputs]; plain: [inputs][outputs] */
    int64_t weight_stride;
    float *out; /* [rows][outputs] */
    int64_t out_stride;
    int64_t rows, inputs, outputs;
} dot;

typedef struct dot_set {
    int64_t most_rows; /* of long sums, at least DOT_FEW: OpenBLAS is faster beyond */
    void (*transposed)(const dot *d);     /* out = in x weight^T */
    void (*transposed_f32)(const dot *d); /* the same with a weight of floats */
    void (*plain)(const dot *d);          /* out = in x weight */
    void (*load)(float *to, const elem_t *from, int64_t count);
} dot_set;

const dot_set *dot_of(rt_vectors vectors);

#if defined(__x86_64__)
extern const dot_set dot_avx2, dot_avx512;
#endif
