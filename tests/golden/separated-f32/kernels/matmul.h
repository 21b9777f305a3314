/* matmul: products of float32 rows with weights that lie as elements. Strides are elements between rows. A
 * few rows read each weight once, by all threads of the rank (dot.h); more go to OpenBLAS. */
#pragma once

#include "kernel.h"

typedef struct matmul {
    rt_rank *rank;
    const float *in; /* [rows][inputs] */
    int64_t in_stride;
    const elem_t *weight; /* transposed: [outputs][inputs]; plain: [inputs][outputs] */
    int64_t weight_stride;
    float *out; /* [rows][outputs] */
    int64_t out_stride;
    int64_t rows, inputs, outputs;
    float *scratch; /* 16-bit elements: TILE_WEIGHT rows of the weight as float32 */
} matmul;

/* out = in x weight^T */
void matmul_transposed(const matmul *m);

/* out = in x weight */
void matmul_plain(const matmul *m);

/* out [rows][outputs] = in [rows][inputs] x weight [inputs][outputs], all float32 without gaps. */
void matmul_plain_f32(const float *in, const float *weight, float *out, int64_t rows,
                      int64_t inputs, int64_t outputs);

/* out [rows][outputs] = in [rows][inputs] x weight [outputs][inputs]^T, all float32 without gaps. */
void matmul_f32(rt_rank *rank, const float *in, const float *weight, float *out, int64_t rows,
                int64_t inputs, int64_t outputs);
