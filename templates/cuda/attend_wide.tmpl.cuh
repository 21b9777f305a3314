/* attend_wide: products of wide rows on tensor cores, in chunks that fit shared memory: while one is met, the next comes.
 * Keys of attention are such rows where all heads meet latents; their values are the same rows, as far as they go. */
#pragma once

#include "tensor.cuh"
//% if view.dtype ~= "f32" then

/* CHUNK columns of 64 rows, zero behind `width` and where a row is not there. By 16 bytes where all rows begin on such. */
template <bool ALIGNED>
static __device__ __forceinline__ void load_wide(elem_t *to, const elem_t *from, long_t step,
                                                 int rows, int width) {
    enum { PIECE = ALIGNED ? 8 : 1, PIECES = CHUNK / PIECE };
    for (int i = threadIdx.x; i < TENSOR_KEYS * PIECES; i += ATTEND_THREADS) {
        const int row = i / PIECES, column = i % PIECES * PIECE;
        const bool there = row < rows && column < width;
        const elem_t *at = there ? from + row * step + column : from;
        if (ALIGNED)
            copy_async(to + row * CHUNK_ROW + column, at, there);
        else
            to[row * CHUNK_ROW + column] = there ? *at : (elem_t)0;
    }
}

/* Rows of one side of a product. */
struct side {
    const elem_t *at;
    long_t step;
    int rows;
};

/* sums [16 of 64 rows of left][64 rows of right]; a warp has 16 rows. */
template <bool ALIGNED>
static __device__ __forceinline__ void wide_product(float (&sums)[TENSOR_KEYS / 8][4],
                                                    elem_t *stage, const struct side &left,
                                                    const struct side &right, int width) {
    enum { SIDE = TENSOR_KEYS * CHUNK_ROW };
    const int own = threadIdx.x / WARP * 16 * CHUNK_ROW;
    clear_sums(sums);
    __syncthreads(); /* what lies there was met */
    load_wide<ALIGNED>(stage, left.at, left.step, left.rows, width);
    load_wide<ALIGNED>(stage + SIDE, right.at, right.step, right.rows, width);
    for (int k = 0, odd = 0; k < width; k += CHUNK, odd ^= 1) {
        const int next = k + CHUNK;
        elem_t *other = stage + (odd ^ 1) * 2 * SIDE;
        const elem_t *here = stage + odd * 2 * SIDE;
        copies_done();
        __syncthreads(); /* the chunk is there, and the one before was met */
        if (next < width) {
            load_wide<ALIGNED>(other, left.at + next, left.step, left.rows, width - next);
            load_wide<ALIGNED>(other + SIDE, right.at + next, right.step, right.rows, width - next);
        }
        tensor_product<TENSOR_KEYS / 8, CHUNK, CHUNK_ROW>(sums, here + own, here + SIDE);
    }
}

/* 64 pairs from `pair` on, columns of values from `column` on, to a.sums. Queries and keys have KEY elements, values are
 * the first VALUE of keys. */
template <int KEY, int VALUE>
static __device__ void attend_wide(const struct attend &a, unsigned char *shared, int pair,
                                   int column) {
    enum { CHUNKS = ((VALUE < LATENT_COLUMNS ? VALUE : LATENT_COLUMNS) + CHUNK - 1) / CHUNK };
    elem_t *stage = (elem_t *)shared;
    const int row = pair + threadIdx.x / WARP * 16 + threadIdx.x % WARP / 4;
    const struct span seen = attend_span(a, pair, TENSOR_PAIRS, TENSOR_KEYS);
    const struct sight sight[2] = {sight_of(a, row, seen), sight_of(a, row + 8, seen)};
    const struct side queries = {a.queries + pair * a.query_head, a.query_head,
                                 min(a.rows * a.heads - pair, (int)TENSOR_PAIRS)};
    struct mixed<CHUNKS * CHUNK> mixed;
    mix_nothing(mixed);
    for (int t = seen.begin; t < seen.end; t += TENSOR_KEYS) {
        const struct side keys = {a.keys + t * a.key_step, a.key_step,
                                  min(seen.end - t, (int)TENSOR_KEYS)};
        const elem_t *values = keys.at + column;
        float score[TENSOR_KEYS / 8][4];
        word_t share[TENSOR_KEYS / 16][4];
        wide_product<KEY % 8 == 0>(score, stage, queries, keys, KEY);
        __syncthreads(); /* the last chunk was met */
        load_wide<KEY % 8 == 0>(stage, values, keys.step, keys.rows, VALUE - column);
        tensor_weights(share, score, mixed, sight, t);
#pragma unroll
        for (int c = 0; c < CHUNKS; ++c) {
            const int next = (c + 1) * CHUNK;
            copies_done();
            __syncthreads(); /* values are there, and those before were mixed */
            if (c + 1 < CHUNKS)
                load_wide<KEY % 8 == 0>(stage + (c + 1) % 2 * TENSOR_KEYS * CHUNK_ROW,
                                        values + next, keys.step, keys.rows, VALUE - column - next);
            tensor_mix<TENSOR_KEYS, CHUNK, CHUNK_ROW>(mixed.sums + c * (CHUNK / 8), share,
                                                      stage + c % 2 * TENSOR_KEYS * CHUNK_ROW);
        }
    }
    gather_totals(mixed);
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        const int p = row + 8 * i;
        if (p >= a.rows * a.heads)
            continue;
        if (threadIdx.x % 4 == 0 && column == 0) {
            a.stats[part_at(a, p) * 2] = mixed.most[i];
            a.stats[part_at(a, p) * 2 + 1] = mixed.total[i];
        }
        float *sums = a.sums + part_at(a, p) * VALUE;
#pragma unroll
        for (int n = 0; n < CHUNKS * CHUNK / 8; ++n) {
#pragma unroll
            for (int j = 0; j < 2; ++j) {
                const int at = column + n * 8 + threadIdx.x % 4 * 2 + j;
                if (at < VALUE && mixed.total[i] > 0)
                    sums[at] = mixed.sums[n][2 * i + j];
            }
        }
    }
}
//% end
