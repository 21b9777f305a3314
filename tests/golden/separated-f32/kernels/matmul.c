/* matmul: see the header. Products of a few rows are dealt to the threads by outputs, which changes no sum. */
#include "matmul.h"
#include "dot.h"

#include <cblas.h>

/* FEW_ROWS: beyond it OpenBLAS is faster. SHARED: products of so many weights and rows are worth more threads than
 * one. GRAIN: outputs of a thread, a multiple of what dot takes at once. */
enum { FEW_ROWS = 16, SHARED = 1 << 17, GRAIN = 16 };

/* --- a few rows ------------------------------------------------------------------------------------------ */

typedef struct few {
    void (*product)(const dot *d);
    dot all;
    int64_t weight_step; /* bytes from an output to the next */
} few;

/* Outputs [begin, end). */
static void few_part(const void *context, int64_t begin, int64_t end) {
    const few *f = context;
    dot part = f->all;
    part.weight = (const char *)part.weight + begin * f->weight_step;
    part.out += begin;
    part.outputs = end - begin;
    f->product(&part);
}

static void few_run(rt_rank *rank, const few *f) {
    if (f->all.inputs * f->all.outputs * f->all.rows < SHARED)
        f->product(&f->all);
    else
        rt_parallel(rank, f->all.outputs, GRAIN, few_part, f);
}

static const dot_set *set_of(const matmul *m) {
    return dot_of(rt_vectors_of(m->rank));
}

static dot dot_from(const matmul *m) {
    return (dot){
        .in = m->in,
        .in_stride = m->in_stride,
        .weight = m->weight,
        .weight_stride = m->weight_stride,
        .out = m->out,
        .out_stride = m->out_stride,
        .rows = m->rows,
        .inputs = m->inputs,
        .outputs = m->outputs,
    };
}

/* --- many rows ------------------------------------------------------------------------------------------- */

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

/* --- any number ------------------------------------------------------------------------------------------ */

void matmul_f32(rt_rank *rank, const float *in, const float *weight, float *out, int64_t rows,
                int64_t inputs, int64_t outputs) {
    if (rows <= FEW_ROWS) {
        dot all = {in, inputs, weight, inputs, out, outputs, rows, inputs, outputs};
        few f = {dot_of(rt_vectors_of(rank))->transposed_f32, all, inputs * (int64_t)sizeof(float)};
        few_run(rank, &f);
        return;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows, (blasint)outputs,
                (blasint)inputs, 1.0f, in, (blasint)inputs, weight, (blasint)inputs, 0.0f, out,
                (blasint)outputs);
}

void matmul_transposed(const matmul *m) {
    if (m->rows <= FEW_ROWS) {
        few f = {set_of(m)->transposed, dot_from(m), m->weight_stride * (int64_t)sizeof(elem_t)};
        few_run(m->rank, &f);
        return;
    }
    gemm(m, m->weight, CblasTrans, 0.0f);
}

void matmul_plain(const matmul *m) {
    if (m->rows <= FEW_ROWS) {
        few f = {set_of(m)->plain, dot_from(m), sizeof(elem_t)};
        few_run(m->rank, &f);
        return;
    }
    gemm(m, m->weight, CblasNoTrans, 0.0f);
}
