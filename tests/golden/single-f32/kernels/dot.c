/* dot: the set in plain C, for any processor, and the choice of a set. */
#include "dot.h"

/* The tail counts to the first lanes; then the upper half of the lanes is added to the lower, until one is left. */
static float sum_lanes(float *lanes) {
    for (int half = DOT_LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; ++i)
            lanes[i] += lanes[i + half];
    return lanes[0];
}

static float sum_f32(const float *restrict a, const float *restrict b, int64_t count) {
    float lanes[DOT_LANES] = {0};
    int64_t i = 0;
    for (; i + DOT_LANES <= count; i += DOT_LANES)
        for (int j = 0; j < DOT_LANES; ++j)
            lanes[j] += a[i + j] * b[i + j];
    for (int j = 0; i + j < count; ++j)
        lanes[j] += a[i + j] * b[i + j];
    return sum_lanes(lanes);
}

static void transposed_f32(const dot *d) {
    const float *weight = d->weight;
    for (int64_t o = 0; o < d->outputs; ++o, weight += d->weight_stride)
        for (int64_t r = 0; r < d->rows; ++r)
            d->out[r * d->out_stride + o] = sum_f32(d->in + r * d->in_stride, weight, d->inputs);
}

static void plain(const dot *d) {
    const elem_t *weight = d->weight;
    for (int64_t r = 0; r < d->rows; ++r)
        memset(d->out + r * d->out_stride, 0, (size_t)d->outputs * sizeof(float));
    for (int64_t i = 0; i < d->inputs; ++i, weight += d->weight_stride) {
        for (int64_t r = 0; r < d->rows; ++r) {
            float scale = d->in[r * d->in_stride + i];
            float *restrict out = d->out + r * d->out_stride;
            for (int64_t o = 0; o < d->outputs; ++o)
                out[o] += scale * elem_load(weight[o]);
        }
    }
}

static void load(float *to, const elem_t *from, int64_t count) {
    load_row(to, from, count);
}

static const dot_set dot_plain = {
    .most_rows = DOT_FEW,
    .transposed = transposed_f32,
    .transposed_f32 = transposed_f32,
    .plain = plain,
    .load = load,
};

const dot_set *dot_of(rt_vectors vectors) {
#if defined(__x86_64__)
    if (vectors == RT_VECTORS_AVX512)
        return &dot_avx512;
    if (vectors == RT_VECTORS_AVX2)
        return &dot_avx2;
#endif
    (void)vectors;
    return &dot_plain;
}
