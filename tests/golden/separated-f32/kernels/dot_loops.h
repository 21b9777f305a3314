/* dot_loops: the set of one level of vectors. Who includes this has defined `vec`, DOT_LANES floats, what is done with
 * it, and
 *   DOT          attributes of all functions here: the instructions that they may use
 *   DOT_ROWS     rows of a block, whose sums stay in registers; DOT_VECTORS: vectors of outputs of one
 *   DOT_SET      name of the set; DOT_MOST_ROWS: see dot_set
 * A weight is read from its first row to its last, one row at a time: memory is fastest so. Loops over the rows of a
 * block have constant bounds once a block is inlined. */
#include "dot.h"

#define DOT_INLINE static inline __attribute__((always_inline)) DOT

/* Bytes that are asked for ahead of their use: two pages, for processors do not go on by themselves behind a page. */
enum { AHEAD = 8192, TILE = 64 };

/* `count` elements or floats, zeros behind them. */
DOT_INLINE vec part_at(const void *from, int64_t count, const bool narrow) {
    union {
        elem_t elements[DOT_LANES];
        float floats[DOT_LANES];
    } whole = {.floats = {0}};
    memcpy(&whole, from, (size_t)count * (narrow ? sizeof(elem_t) : sizeof(float)));
    return narrow ? vec_load_elem(whole.elements) : vec_load(whole.floats);
}

DOT_INLINE const void *weight_at(const void *weight, int64_t at, const bool narrow) {
    return (const char *)weight + at * (int64_t)(narrow ? sizeof(elem_t) : sizeof(float));
}

DOT_INLINE vec whole_at(const void *from, const bool narrow) {
    return narrow ? vec_load_elem(from) : vec_load(from);
}

/* --- transposed: sums along rows of the weight ------------------------------------------------------- */

DOT_INLINE void block(const dot *d, int64_t row, int64_t output, const int rows,
                      const bool narrow) {
    const float *in = d->in + row * d->in_stride;
    const void *weights = weight_at(d->weight, output * d->weight_stride, narrow);
    vec sums[DOT_ROWS];
    for (int r = 0; r < rows; ++r)
        sums[r] = vec_set(0);
    int64_t i = 0;
    for (; i + DOT_LANES <= d->inputs; i += DOT_LANES) {
        const void *at = weight_at(weights, i, narrow);
        vec weight = whole_at(at, narrow);
        __builtin_prefetch((const void *)((uintptr_t)at + AHEAD)); /* of no effect behind the end */
        for (int r = 0; r < rows; ++r)
            sums[r] = vec_add_product(sums[r], vec_load(in + r * d->in_stride + i), weight);
    }
    if (i < d->inputs) {
        vec weight = part_at(weight_at(weights, i, narrow), d->inputs - i, narrow);
        for (int r = 0; r < rows; ++r)
            sums[r] = vec_add_product(
                sums[r], part_at(in + r * d->in_stride + i, d->inputs - i, false), weight);
    }
    for (int r = 0; r < rows; ++r)
        d->out[(row + r) * d->out_stride + output] = vec_sum(sums[r]);
}

/* Where rows are more than a block, a tile of the weight stays in the second cache while they pass. */
DOT_INLINE void all_outputs(const dot *d, const bool narrow) {
    for (int64_t begin = 0, end; begin < d->outputs; begin = end) {
        int64_t row = 0, o;
        end = min_of(begin + TILE, d->outputs);
        for (; row + DOT_ROWS <= d->rows; row += DOT_ROWS)
            for (o = begin; o < end; ++o)
                block(d, row, o, DOT_ROWS, narrow);
        for (; DOT_ROWS > 4 && row + 4 <= d->rows; row += 4)
            for (o = begin; o < end; ++o)
                block(d, row, o, 4, narrow);
        for (; DOT_ROWS > 2 && row + 2 <= d->rows; row += 2)
            for (o = begin; o < end; ++o)
                block(d, row, o, 2, narrow);
        for (o = begin; row < d->rows && o < end; ++o)
            block(d, row, o, 1, narrow);
    }
}

DOT static void transposed(const dot *d) {
    all_outputs(d, true);
}

DOT static void transposed_f32(const dot *d) {
    all_outputs(d, false);
}

/* --- plain: rows of the weight, scaled and added ------------------------------------------------------ */

enum { MIX_ROWS = DOT_ROWS / DOT_VECTORS };

/* `rows` rows of `vectors` vectors of outputs, the last of which has `count` outputs. */
DOT_INLINE void mix(const dot *d, int64_t row, int64_t output, const int rows, const int vectors,
                    int64_t count) {
    vec sums[MIX_ROWS][DOT_VECTORS];
    for (int r = 0; r < rows; ++r)
        for (int v = 0; v < vectors; ++v)
            sums[r][v] = vec_set(0);
    for (int64_t i = 0; i < d->inputs; ++i) {
        const elem_t *from = (const elem_t *)d->weight + i * d->weight_stride + output;
        for (int v = 0; v < vectors; ++v, from += DOT_LANES) {
            vec weight = count == DOT_LANES ? vec_load_elem(from) : part_at(from, count, true);
            for (int r = 0; r < rows; ++r)
                sums[r][v] = vec_add_product(sums[r][v],
                                             vec_set(d->in[(row + r) * d->in_stride + i]), weight);
        }
    }
    for (int r = 0; r < rows; ++r) {
        for (int v = 0; v < vectors; ++v) {
            float whole[DOT_LANES], *out = d->out + (row + r) * d->out_stride + output;
            vec_store(count == DOT_LANES ? out + (int64_t)v * DOT_LANES : whole, sums[r][v]);
            if (count < DOT_LANES)
                memcpy(out, whole, (size_t)count * sizeof *out);
        }
    }
}

DOT_INLINE void mix_rows(const dot *d, int64_t output, const int vectors, int64_t count) {
    int64_t row = 0;
    for (; row + MIX_ROWS <= d->rows; row += MIX_ROWS)
        mix(d, row, output, MIX_ROWS, vectors, count);
    for (; row < d->rows; ++row)
        mix(d, row, output, 1, vectors, count);
}

DOT static void plain(const dot *d) {
    int64_t output = 0, wide = (int64_t)DOT_VECTORS * DOT_LANES;
    for (; output + wide <= d->outputs; output += wide)
        mix_rows(d, output, DOT_VECTORS, DOT_LANES);
    for (; DOT_VECTORS > 1 && output + DOT_LANES <= d->outputs; output += DOT_LANES)
        mix_rows(d, output, 1, DOT_LANES);
    if (output < d->outputs)
        mix_rows(d, output, 1, d->outputs - output);
}

DOT static void load(float *to, const elem_t *from, int64_t count) {
    int64_t i = 0;
    for (; i + DOT_LANES <= count; i += DOT_LANES)
        vec_store(to + i, vec_load_elem(from + i));
    for (; i < count; ++i)
        to[i] = elem_load(from[i]);
}

const dot_set DOT_SET = {
    .most_rows = DOT_MOST_ROWS,
    .transposed = transposed,
    .transposed_f32 = transposed_f32,
    .plain = plain,
    .load = load,
};
