/* gemm: the same products as matmul.h by OpenBLAS, for many rows. */
#pragma once

#include "matmul.h"

/* out = in x weight^T, out = in x weight */
void gemm_transposed(const matmul *m);
void gemm_plain(const matmul *m);

/* As matmul_f32. */
void gemm_f32(const float *in, const float *weight, float *out, int64_t rows, int64_t inputs,
              int64_t outputs);

/* out [rows][outputs] = in [rows][inputs] x weight [inputs][outputs], all float32 without gaps. */
void gemm_plain_f32(const float *in, const float *weight, float *out, int64_t rows, int64_t inputs,
                    int64_t outputs);
