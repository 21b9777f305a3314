/* matmul: see the header. What our own loops do is dealt to the threads by outputs, which changes no sum. */
#include "matmul.h"
#include "dot.h"
#include "gemm.h"

/* SHARED: products of so many weights and rows are worth more threads than one. GRAIN: outputs of a thread, a multiple
 * of what dot takes at once. SHORT: sums of fewer terms are left to OpenBLAS where rows are many. */
enum { SHARED = 1 << 17, GRAIN = 16, SHORT = 256 };

/* --- by our own loops ------------------------------------------------------------------------------------ */

/* Products of one form, whose outputs are dealt as if they were one behind the other. */
typedef struct few {
    void (*product)(const dot *d);
    int count;
    dot all[MATMUL_TOGETHER];
    int64_t weight_step[MATMUL_TOGETHER]; /* bytes from an output to the next */
} few;

/* Outputs [begin, end) of all. */
static void few_part(const void *context, int64_t begin, int64_t end) {
    const few *f = context;
    for (int i = 0; i < f->count && end > 0; ++i) {
        dot part = f->all[i];
        int64_t first = max_of(begin, 0), last = min_of(end, part.outputs);
        begin -= part.outputs;
        end -= part.outputs;
        if (first >= last)
            continue;
        part.weight = (const char *)part.weight + first * f->weight_step[i];
        part.out += first;
        part.outputs = last - first;
        f->product(&part);
    }
}

static void few_run(rt_rank *rank, const few *f) {
    int64_t outputs = 0, work = 0;
    for (int i = 0; i < f->count; ++i) {
        outputs += f->all[i].outputs;
        work += f->all[i].inputs * f->all[i].outputs * f->all[i].rows;
    }
    if (work < SHARED)
        few_part(f, 0, outputs);
    else
        rt_parallel(rank, outputs, GRAIN, few_part, f);
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

/* --- either ---------------------------------------------------------------------------------------------- */

void matmul_f32(rt_rank *rank, const float *in, const float *weight, float *out, int64_t rows,
                int64_t inputs, int64_t outputs) {
    const dot_set *set = dot_of(rt_vectors_of(rank));
    if (rows <= (inputs < SHORT ? DOT_FEW : set->most_rows)) {
        few f = {.product = set->transposed_f32, .count = 1};
        f.all[0] = (dot){in, inputs, weight, inputs, out, outputs, rows, inputs, outputs};
        f.weight_step[0] = inputs * (int64_t)sizeof(float);
        few_run(rank, &f);
        return;
    }
    gemm_f32(in, weight, out, rows, inputs, outputs);
}

void matmul_together(const matmul *m, int count) {
    few f = {.product = set_of(m)->transposed};
    for (int i = 0; i < count; ++i) {
        if (m[i].rows > (m[i].inputs < SHORT ? DOT_FEW : set_of(m)->most_rows)) {
            gemm_transposed(&m[i]);
            continue;
        }
        f.all[f.count] = dot_from(&m[i]);
        f.weight_step[f.count++] = m[i].weight_stride * (int64_t)sizeof(elem_t);
    }
    few_run(m->rank, &f);
}

static bool all_zero(const float *x, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
        if (x[i] != 0)
            return false;
    return true;
}

/* A prompt that is shorter than the program's bound leaves rows of zeros behind it, whose products need no work. */
void matmul_transposed(const matmul *m) {
    matmul some = *m;
    while (some.rows > 0 && all_zero(m->in + (some.rows - 1) * m->in_stride, m->inputs))
        --some.rows;
    for (int64_t row = some.rows; row < m->rows; ++row)
        memset(m->out + row * m->out_stride, 0, (size_t)m->outputs * sizeof *m->out);
    if (some.rows > 0)
        matmul_together(&some, 1);
}

void matmul_plain(const matmul *m) {
    if (m->rows <= DOT_FEW) {
        few f = {.product = set_of(m)->plain, .count = 1};
        f.all[0] = dot_from(m);
        f.weight_step[0] = sizeof(elem_t);
        few_run(m->rank, &f);
        return;
    }
    gemm_plain(m);
}
