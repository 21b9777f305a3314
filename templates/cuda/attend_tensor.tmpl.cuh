/* attend_tensor: tiles of attention whose rows of keys and values lie in shared memory whole. While scores are made, values
 * come; while values are mixed, the next keys. */
#pragma once

#include "tensor.cuh"
//% if view.dtype ~= "f32" then

/* What lies in shared memory: queries [pairs][KEY_ROW], keys [TENSOR_KEYS][KEY_ROW], values [TENSOR_KEYS][VALUE_ROW]. */
struct stage {
    elem_t *queries, *keys, *values;
};

/* The columns behind the width, which no copy fills, are zero: not a number times zero is none either. */
template <int WIDTH, int ROW>
static __device__ __forceinline__ void clear_pad(elem_t *to, int rows) {
    enum { PAD = ROW - 8 - WIDTH, EACH = PAD > 0 ? PAD : 1 };
    for (int i = threadIdx.x; i < rows * PAD; i += ATTEND_THREADS)
        to[i / EACH * ROW + WIDTH + i % EACH] = 0;
}

/* A row, by a group of threads; the rest of 16 bytes by elements where rows are no multiple. */
template <int WIDTH, int ROW>
static __device__ __forceinline__ void load_tile(elem_t *to, const elem_t *from, long_t step,
                                                 int rows) {
    if (WIDTH % 8 == 0) {
        enum { PIECES = WIDTH / 8 > 0 ? WIDTH / 8 : 1 };
        for (int i = threadIdx.x; i < TENSOR_KEYS * PIECES; i += ATTEND_THREADS) {
            const int row = i / PIECES, column = i % PIECES * 8;
            copy_async(to + row * ROW + column, from + min(row, rows - 1) * step + column,
                       row < rows);
        }
    } else {
        for (int i = threadIdx.x; i < TENSOR_KEYS * WIDTH; i += ATTEND_THREADS) {
            const int row = i / WIDTH, column = i % WIDTH;
            to[row * ROW + column] = row < rows ? from[row * step + column] : (elem_t)0;
        }
    }
}

/* Rows of `count` pairs, zero where there is none and behind the width. */
static __device__ inline void load_queries(const struct attend &a, elem_t *to, int pair,
                                           int count) {
    enum { PIECE = HEAD_DIM % 8 == 0 ? 8 : 1, PIECES = KEY_PAD / PIECE };
    for (int i = threadIdx.x; i < count * PIECES; i += ATTEND_THREADS) {
        const int row = i / PIECES, column = i % PIECES * PIECE, p = pair + row;
        const bool there = column < HEAD_DIM && p < a.rows * a.heads;
        const elem_t *from = a.queries;
        if (there)
            from += p / a.heads * a.query_row + p % a.heads * a.query_head + column;
        if (PIECE == 8)
            copy_async(to + row * KEY_ROW + column, from, there);
        else
            to[row * KEY_ROW + column] = there ? *from : (elem_t)0;
    }
}

/* Run over the span: the warp's 16 pairs with its TILES x 8 keys, from key `first_key` of each tile on. */
template <int TILES>
static __device__ __forceinline__ void tensor_run(const struct attend &a, const struct stage &stage,
                                                  struct span seen, struct mixed<VALUE_PAD> &mixed,
                                                  const struct sight (&sight)[2],
                                                  const elem_t *queries, int first_key) {
    mix_nothing(mixed);
    if (seen.begin < seen.end)
        load_tile<HEAD_DIM, KEY_ROW>(stage.keys, a.keys + seen.begin * a.key_step, a.key_step,
                                     seen.end - seen.begin);
    for (int t = seen.begin; t < seen.end; t += TENSOR_KEYS) {
        const int next = t + TENSOR_KEYS;
        copies_done();
        __syncthreads(); /* keys are there, and the last values were mixed */
        load_tile<VALUE_DIM, VALUE_ROW>(stage.values, a.values + t * a.value_step, a.value_step,
                                        seen.end - t);
        float score[TILES][4];
        word_t share[TILES / 2][4];
        clear_sums(score);
        tensor_product<TILES, KEY_PAD, KEY_ROW>(score, queries, stage.keys + first_key * KEY_ROW);
        copies_done();
        __syncthreads(); /* values are there, and the keys were met */
        if (next < seen.end)
            load_tile<HEAD_DIM, KEY_ROW>(stage.keys, a.keys + next * a.key_step, a.key_step,
                                         seen.end - next);
        tensor_weights(share, score, mixed, sight, t + first_key);
        tensor_mix<TILES * 8, VALUE_PAD, VALUE_ROW>(mixed.sums, share,
                                                    stage.values + first_key * VALUE_ROW);
    }
    copies_done(); /* of queries that nothing met */
    gather_totals(mixed);
}

static __device__ __forceinline__ struct stage tensor_stage(unsigned char *shared, int pairs) {
    struct stage stage;
    stage.queries = (elem_t *)shared;
    stage.keys = stage.queries + pairs * KEY_ROW;
    stage.values = stage.keys + TENSOR_KEYS * KEY_ROW;
    clear_pad<HEAD_DIM, KEY_ROW>(stage.keys, TENSOR_KEYS);
    clear_pad<VALUE_DIM, VALUE_ROW>(stage.values, TENSOR_KEYS);
    return stage;
}

/* 64 pairs from `pair` on, to a.out: a warp has 16 pairs and meets all keys. */
static __device__ void attend_tensor(const struct attend &a, unsigned char *shared, int pair) {
    const struct stage stage = tensor_stage(shared, TENSOR_PAIRS);
    const int own = threadIdx.x / WARP * 16, row = pair + own + threadIdx.x % WARP / 4;
    const struct span seen = attend_span(a, pair, TENSOR_PAIRS, TENSOR_KEYS);
    const struct sight sight[2] = {sight_of(a, row, seen), sight_of(a, row + 8, seen)};
    struct mixed<VALUE_PAD> mixed;
    load_queries(a, stage.queries, pair, TENSOR_PAIRS);
    tensor_run<TENSOR_KEYS / 8>(a, stage, seen, mixed, sight, stage.queries + own * KEY_ROW, 0);
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        const int p = row + 8 * i;
        const float divisor = mixed.total[i] > 0 ? 1.0f / mixed.total[i] : 0.0f;
        if (p >= a.rows * a.heads)
            continue;
        elem_t *out = a.out + out_at(a, p);
#pragma unroll
        for (int n = 0; n < VALUE_PAD / 8; ++n) {
            const int column = n * 8 + threadIdx.x % 4 * 2;
            const word_t both =
                pack(mixed.sums[n][2 * i] * divisor, mixed.sums[n][2 * i + 1] * divisor);
            if (column + 1 < VALUE_DIM && VALUE_DIM % 2 == 0) {
                *(word_t *)(out + column) = both;
            } else {
                if (column < VALUE_DIM)
                    out[column] = (elem_t)both;
                if (column + 1 < VALUE_DIM)
                    out[column + 1] = (elem_t)(both >> 16);
            }
        }
    }
}

/* 16 pairs from `pair` on: all warps have them, and divide the keys of each tile; then they come together. */
static __device__ void attend_tensor_few(const struct attend &a, unsigned char *shared, int pair) {
    enum { WARPS = ATTEND_THREADS / WARP };
    const struct stage stage = tensor_stage(shared, 16);
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP, row = lane / 4;
    const struct span seen = attend_span(a, pair, 16, TENSOR_KEYS);
    const struct sight sight[2] = {sight_of(a, pair + row, seen),
                                   sight_of(a, pair + row + 8, seen)};
    struct mixed<VALUE_PAD> mixed;
    load_queries(a, stage.queries, pair, 16);
    tensor_run<2>(a, stage, seen, mixed, sight, stage.queries, warp * 16);

    float(*stats)[16][2] = (float(*)[16][2])stage.queries;             /* [WARPS] */
    float(*sums)[16][VALUE_PAD] = (float(*)[16][VALUE_PAD])stage.keys; /* [WARPS] */
    __syncthreads();                                                   /* the last tile was met */
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        if (lane % 4 == 0) {
            stats[warp][row + 8 * i][0] = mixed.most[i];
            stats[warp][row + 8 * i][1] = mixed.total[i];
        }
#pragma unroll
        for (int n = 0; n < VALUE_PAD / 8; ++n) {
            sums[warp][row + 8 * i][n * 8 + lane % 4 * 2] = mixed.sums[n][2 * i];
            sums[warp][row + 8 * i][n * 8 + lane % 4 * 2 + 1] = mixed.sums[n][2 * i + 1];
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < 16 * VALUE_DIM; i += ATTEND_THREADS) {
        const int at = i / VALUE_DIM, column = i % VALUE_DIM, p = pair + at;
        float most = NEVER, total = 0, sum = 0;
        if (p >= a.rows * a.heads)
            break; /* so are all behind */
#pragma unroll
        for (int w = 0; w < WARPS; ++w)
            most = fmaxf(most, stats[w][at][0]);
#pragma unroll
        for (int w = 0; w < WARPS; ++w) {
            const float fade = most == NEVER ? 0.0f : exp2f(stats[w][at][0] - most);
            total += stats[w][at][1] * fade;
            sum += sums[w][at][column] * fade;
        }
        if (a.out) {
            a.out[out_at(a, p) + column] = elem_store(total > 0 ? sum / total : 0.0f);
            continue;
        }
        if (total > 0)
            a.sums[part_at(a, p) * VALUE_DIM + column] = sum;
        if (column == 0) {
            a.stats[part_at(a, p) * 2] = most;
            a.stats[part_at(a, p) * 2 + 1] = total;
        }
    }
}
//% end
