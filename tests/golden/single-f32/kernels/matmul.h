/* matmul: products of float32 rows with weights that lie as elements. Strides are elements between rows. Few rows, and
 * as many as our own loops (dot.h) are good for, read each weight as it is, by all threads of the rank; more rows
 * go to OpenBLAS. */
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

/* The same for up to MATMUL_TOGETHER products of one rank, of which none needs another's result. */
enum { MATMUL_TOGETHER = 2 };
void matmul_together(const matmul *m, int count);

/* out = in x weight */
void matmul_plain(const matmul *m);

/* out [rows][outputs] = in [rows][inputs] x weight [outputs][inputs]^T, all float32 without gaps. */
void matmul_f32(rt_rank *rank, const float *in, const float *weight, float *out, int64_t rows,
                int64_t inputs, int64_t outputs);
