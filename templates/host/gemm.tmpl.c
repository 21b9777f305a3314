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

//% if view.dtype ~= "f32" then
enum { WORTH = 1 << 17 }; /* weights whose conversion is worth more threads than one */

typedef struct conversion {
    const dot_set *set;
    const elem_t *from;
    float *to;
    int64_t stride, width; /* of `from`, of `to` */
} conversion;

static void convert_part(const void *context, int64_t begin, int64_t end) {
    const conversion *c = context;
    for (int64_t row = begin; row < end; ++row)
        c->set->load(c->to + row * c->width, c->from + row * c->stride, c->width);
}

/* Rows of the weight as floats without gaps. */
static void convert(const matmul *m, const elem_t *from, int64_t rows, int64_t width) {
    conversion c = {dot_of(rt_vectors_of(m->rank)), from, m->scratch, m->weight_stride, width};
    if (rows * width < WORTH)
        convert_part(&c, 0, rows);
    else
        rt_parallel(m->rank, rows, 1, convert_part, &c);
}

//% end
void gemm_f32(const float *in, const float *weight, float *out, int64_t rows, int64_t inputs,
              int64_t outputs) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows, (blasint)outputs,
                (blasint)inputs, 1.0f, in, (blasint)inputs, weight, (blasint)inputs, 0.0f, out,
                (blasint)outputs);
}

void gemm_transposed(const matmul *m) {
//% if view.dtype == "f32" then
    gemm(m, m->weight, CblasTrans, 0.0f);
//% else
    for (int64_t o = 0; o < m->outputs; o += TILE_WEIGHT) {
        matmul part = *m;
        part.outputs = min_of(TILE_WEIGHT, m->outputs - o);
        part.out = m->out + o;
        part.weight_stride = m->inputs;
        convert(m, m->weight + o * m->weight_stride, part.outputs, m->inputs);
        gemm(&part, m->scratch, CblasTrans, 0.0f);
    }
//% end
}

void gemm_plain(const matmul *m) {
//% if view.dtype == "f32" then
    gemm(m, m->weight, CblasNoTrans, 0.0f);
//% else
    for (int64_t i = 0; i < m->inputs; i += TILE_WEIGHT) {
        matmul part = *m;
        part.inputs = min_of(TILE_WEIGHT, m->inputs - i);
        part.in = m->in + i;
        part.weight_stride = m->outputs;
        convert(m, m->weight + i * m->weight_stride, part.inputs, m->outputs);
        gemm(&part, m->scratch, CblasNoTrans, i ? 1.0f : 0.0f);
    }
//% end
}
