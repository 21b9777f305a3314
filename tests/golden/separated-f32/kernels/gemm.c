/* gemm: see the header. Weights of 16 bits are converted a tile at a time, by all threads of the rank. */
#include "gemm.h"
#include "dot.h"

#include <cblas.h>

/* out = in x weight, or its transpose, + keep x out */
static void gemm(const matmul *m, const float *weight, CBLAS_TRANSPOSE transpose, float keep) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, transpose, (blasint)m->rows, (blasint)m->outputs,
                (blasint)m->inputs, 1.0f, m->in, (blasint)m->in_stride, weight,
                (blasint)m->weight_stride, keep, m->out, (blasint)m->out_stride);
}

void gemm_plain_f32(const float *in, const float *weight, float *out, int64_t rows, int64_t inputs,
                    int64_t outputs) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)rows, (blasint)outputs,
                (blasint)inputs, 1.0f, in, (blasint)inputs, weight, (blasint)outputs, 0.0f, out,
                (blasint)outputs);
}

void gemm_f32(const float *in, const float *weight, float *out, int64_t rows, int64_t inputs,
              int64_t outputs) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows, (blasint)outputs,
                (blasint)inputs, 1.0f, in, (blasint)inputs, weight, (blasint)inputs, 0.0f, out,
                (blasint)outputs);
}

void gemm_transposed(const matmul *m) {
    gemm(m, m->weight, CblasTrans, 0.0f);
}

void gemm_plain(const matmul *m) {
    gemm(m, m->weight, CblasNoTrans, 0.0f);
}
