/* matmul: see the header. Sums run over LANES accumulators in a fixed order, so that the compiler may use
 * vectors and the result does not depend on how it does. */
#include "matmul.h"

#include <cblas.h>

enum { FEW_ROWS = 4, LANES = 32 };

static float sum_lanes(const float *lanes) {
    float sum = 0;
    for (int i = 0; i < LANES; ++i)
        sum += lanes[i];
    return sum;
}

static float dot(const float *restrict a, const float *restrict b, int64_t count) {
    float lanes[LANES] = {0}, rest = 0;
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; ++j)
            lanes[j] += a[i + j] * b[i + j];
    for (; i < count; ++i)
        rest += a[i] * b[i];
    return sum_lanes(lanes) + rest;
}

/* out = in x weight, or its transpose, + keep x out */
static void gemm(const matmul *m, const float *weight, CBLAS_TRANSPOSE transpose, float keep) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, transpose, (blasint)m->rows, (blasint)m->outputs,
                (blasint)m->inputs, 1.0f, m->in, (blasint)m->in_stride, weight,
                (blasint)m->weight_stride, keep, m->out, (blasint)m->out_stride);
}

void matmul_plain_f32(const float *in, const float *weight, float *out, int64_t rows,
                      int64_t inputs, int64_t outputs) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)rows, (blasint)outputs,
                (blasint)inputs, 1.0f, in, (blasint)inputs, weight, (blasint)outputs, 0.0f, out,
                (blasint)outputs);
}

void matmul_f32(const float *in, const float *weight, float *out, int64_t rows, int64_t inputs,
                int64_t outputs) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows, (blasint)outputs,
                (blasint)inputs, 1.0f, in, (blasint)inputs, weight, (blasint)inputs, 0.0f, out,
                (blasint)outputs);
}

/* A few rows: each weight is read once from memory, and no tile of it is packed. */
static void few_transposed(const matmul *m) {
    for (int64_t o = 0; o < m->outputs; ++o)
        for (int64_t r = 0; r < m->rows; ++r)
            m->out[r * m->out_stride + o] =
                dot(m->in + r * m->in_stride, m->weight + o * m->weight_stride, m->inputs);
}

static void few_plain(const matmul *m) {
    for (int64_t r = 0; r < m->rows; ++r)
        memset(m->out + r * m->out_stride, 0, (size_t)m->outputs * sizeof(float));
    for (int64_t i = 0; i < m->inputs; ++i) {
        const elem_t *weight = m->weight + i * m->weight_stride;
        for (int64_t r = 0; r < m->rows; ++r) {
            float scale = m->in[r * m->in_stride + i];
            float *restrict out = m->out + r * m->out_stride;
            for (int64_t o = 0; o < m->outputs; ++o)
                out[o] += scale * elem_load(weight[o]);
        }
    }
}

void matmul_transposed(const matmul *m) {
    if (m->rows <= FEW_ROWS) {
        few_transposed(m);
        return;
    }
    gemm(m, m->weight, CblasTrans, 0.0f);
}

void matmul_plain(const matmul *m) {
    if (m->rows <= FEW_ROWS) {
        few_plain(m);
        return;
    }
    gemm(m, m->weight, CblasNoTrans, 0.0f);
}
