/* The sets of dot.h, each that this processor can run, and matmul above them: random shapes with odd sizes and strides
 * against sums in double precision. Sums must not depend on how many rows a call has, nor on the set where both fuse
 * products and sums. Buffers end where the last element that may be touched ends. */
#include "check.h"

#include "kernels/dot.h"
#include "kernels/matmul.h"

typedef enum Form { TRANSPOSED, TRANSPOSED_F32, PLAIN, FORMS } Form;

static const char *const form_names[] = {"dot transposed", "dot transposed_f32", "dot plain"};

static int64_t strided(int64_t rows, int64_t stride, int64_t width) {
    return rows ? (rows - 1) * stride + width : 0;
}

static int64_t random_floats(int64_t count) {
    int64_t offset = slab_bytes(count * 4);
    for (int64_t i = 0; i < count; ++i)
        ((float *)slab_at(offset))[i] = (float)random_real(1);
    return offset;
}

/* A shape with its buffers; out is a slab offset of floats. */
typedef struct Shape {
    Form form;
    dot d;
    int64_t in, weight, out;
} Shape;

static Shape random_shape(Form form, int64_t most_rows) {
    static const int64_t sizes[] = {1, 2, 15, 16, 17, 31, 33, 64, 67, 130};
    Shape s = {.form = form};
    int64_t outputs = sizes[random_below(10)] + random_below(2);
    int64_t inputs = sizes[random_below(10)] + random_below(3);
    s.d = (dot){.rows = 1 + random_below(most_rows), .inputs = inputs, .outputs = outputs};
    s.d.in_stride = inputs + random_below(3);
    s.d.out_stride = outputs + random_below(3);
    s.d.weight_stride = (form == PLAIN ? outputs : inputs) + random_below(5);
    int64_t weights = form == PLAIN ? strided(inputs, s.d.weight_stride, outputs)
                                    : strided(outputs, s.d.weight_stride, inputs);
    slab_reset();
    s.in = random_floats(strided(s.d.rows, s.d.in_stride, inputs));
    s.weight = form == TRANSPOSED_F32 ? random_floats(weights) : slab_random(weights, 1);
    s.out = slab_bytes(4 * strided(s.d.rows, s.d.out_stride, outputs));
    s.d.in = slab_at(s.in);
    s.d.weight = slab_at(s.weight);
    s.d.out = slab_at(s.out);
    return s;
}

static double weight_of(const Shape *s, int64_t input, int64_t output) {
    int64_t at = s->form == PLAIN ? input * s->d.weight_stride + output
                                  : output * s->d.weight_stride + input;
    return s->form == TRANSPOSED_F32 ? (double)((const float *)slab_at(s->weight))[at]
                                     : element(s->weight, at);
}

/* Against double precision; the error of float32 sums grows with their terms. */
static void compare(const Shape *s, const char *test) {
    for (int64_t r = 0; r < s->d.rows; ++r)
        for (int64_t o = 0; o < s->d.outputs; ++o) {
            double sum = 0, terms = 1;
            for (int64_t i = 0; i < s->d.inputs; ++i) {
                double product = (double)s->d.in[r * s->d.in_stride + i] * weight_of(s, i, o);
                sum += product;
                terms += fabs(product);
            }
            double actual = (double)s->d.out[r * s->d.out_stride + o];
            check(fabs(actual - sum) <= 1e-6 * terms, test, "product differs", o);
        }
    guards_intact(test);
}

static void call(const dot_set *set, const Shape *s) {
    memset(s->d.out, 0xff, 4 * (size_t)strided(s->d.rows, s->d.out_stride, s->d.outputs));
    (s->form == TRANSPOSED       ? set->transposed
     : s->form == TRANSPOSED_F32 ? set->transposed_f32
                                 : set->plain)(&s->d);
}

/* Each row alone gives the same bits. */
static void check_each_row(const dot_set *set, const Shape *s) {
    static float alone[256];
    for (int64_t r = 0; r < s->d.rows; ++r) {
        dot one = s->d;
        one.in += r * s->d.in_stride;
        one.out = alone;
        one.rows = 1;
        Shape row = *s;
        row.d = one;
        call(set, &row);
        check(memcmp(alone, s->d.out + r * s->d.out_stride, 4 * (size_t)s->d.outputs) == 0,
              form_names[s->form], "a row depends on the others", r);
    }
}

static void check_loads(const dot_set *set) {
    for (int64_t count = 0; count < 70; ++count) {
        slab_reset();
        int64_t from = slab_random(count, 1), to = slab_bytes(count * 4);
        set->load(slab_at(to), slab_at(from), count);
        for (int64_t i = 0; i < count; ++i)
            check((double)((float *)slab_at(to))[i] == element(from, i), "dot load",
                  "element differs", i);
        guards_intact("dot load");
    }
}

/* AVX2 and AVX-512 agree to the bit. */
static void check_same(const Shape *s, const float *before, int64_t count) {
    for (int64_t r = 0; r < s->d.rows; ++r)
        check(memcmp(before + r * s->d.out_stride, s->d.out + r * s->d.out_stride,
                     4 * (size_t)s->d.outputs) == 0,
              form_names[s->form], "sets differ", count);
}

void check_sets(void) {
    static float before[1 << 16];
    for (int turn = 0; turn < 400; ++turn) {
        Shape s = random_shape((Form)(turn % FORMS), 23);
        int64_t count = strided(s.d.rows, s.d.out_stride, s.d.outputs);
        for (int v = RT_VECTORS_PLAIN; v <= (int)widest_vectors(); ++v) {
            call(dot_of((rt_vectors)v), &s);
            compare(&s, form_names[s.form]);
            if (v == RT_VECTORS_AVX512)
                check_same(&s, before, turn);
            memcpy(before, s.d.out, 4 * (size_t)count);
            check_each_row(dot_of((rt_vectors)v), &s);
        }
    }
    for (int v = RT_VECTORS_PLAIN; v <= (int)widest_vectors(); ++v)
        check_loads(dot_of((rt_vectors)v));
}

/* Products that are dealt to threads, and more rows than dot takes. */
void check_products(void) {
    for (int turn = 0; turn < 24; ++turn) {
        Form form = turn % 2 ? PLAIN : TRANSPOSED;
        Shape s = random_shape(form, 70);
        if (turn >= 12) { /* large enough to be dealt */
            slab_reset();
            s.d.rows = 1 + turn % 3 * 15;
            s.d.inputs = s.d.in_stride = form == PLAIN ? 1031 : 520;
            s.d.outputs = s.d.out_stride = form == PLAIN ? 520 : 1031;
            s.d.weight_stride = 520;
            s.in = random_floats(s.d.rows * s.d.inputs);
            s.weight = slab_random(1031 * 520, 1);
            s.out = slab_bytes(4 * s.d.rows * s.d.outputs);
            s.d.in = slab_at(s.in);
            s.d.weight = slab_at(s.weight);
            s.d.out = slab_at(s.out);
        }
        float *scratch =
            slab_at(slab_bytes(4 * TILE_WEIGHT * (form == PLAIN ? s.d.outputs : s.d.inputs)));
        matmul m = {
            .in = s.d.in,
            .in_stride = s.d.in_stride,
            .weight = s.d.weight,
            .weight_stride = s.d.weight_stride,
            .out = s.d.out,
            .out_stride = s.d.out_stride,
            .rows = s.d.rows,
            .inputs = s.d.inputs,
            .outputs = s.d.outputs,
            .scratch = scratch,
        };
        (form == PLAIN ? matmul_plain : matmul_transposed)(&m);
        compare(&s, form == PLAIN ? "matmul plain" : "matmul transposed");
    }
}
