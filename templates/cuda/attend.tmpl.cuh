/* attend: what the kernels of attention share: who sees what, parts of the cache, and a tile without tensor cores. Scores
 * are scaled by log2(e) besides, so that weights are powers of two. */
#pragma once

#include "kernel.cuh"
#include "tiles.cuh"

/* clang-format off */
#define NEVER __uint_as_float(0xff800000u) /* the score of what is not seen */
#define SCORE_LOG2 (1.4426950408889634f * (float)SCORE_SCALE)
/* clang-format on */

/* The heads that share one key-value head, in the rows of one sequence: pair p is row p / heads, head p % heads. */
struct attend {
    const elem_t *queries;       /* of the first row and head; then strides in elements */
    const elem_t *keys, *values; /* of position 0 */
    const int *positions;        /* [rows] */
    elem_t *out;
    /* Where out is NULL, [pairs of all heads][parts]: largest score and sum of weights; values times weights. */
    float *stats, *sums;
    long_t query_row, query_head, key_step, value_step, out_row, out_head;
    int rows, heads, all_heads; /* all_heads: pairs of a row, held */
    int window, part, parts;
};

struct span {
    int begin, end; /* positions */
};

static __device__ __forceinline__ int first_seen(int position, int window) {
    return window && position >= window ? position - window + 1 : 0;
}

/* Positions that some pair of [pair, pair + count) sees, of this part; the same in all lanes, all must call. Parts are
 * equal, in whole tiles of `step`. */
static __device__ inline struct span attend_span(const struct attend &a, int pair, int count,
                                                 int step) {
    const int last = min(pair + count, a.rows * a.heads) - 1;
    int begin = 0x7fffffff, end = 0;
    for (int row = pair / a.heads + threadIdx.x % WARP; row <= last / a.heads; row += WARP) {
        const int position = a.positions[row];
        if (position >= 0) {
            end = max(end, position + 1);
            begin = min(begin, first_seen(position, a.window));
        }
    }
    for (int lanes = WARP / 2; lanes > 0; lanes /= 2) {
        end = max(end, __shfl_xor_sync(FULL, end, lanes));
        begin = min(begin, __shfl_xor_sync(FULL, begin, lanes));
    }
    if (end == 0)
        begin = 0;
    const int each = ((end - begin + a.parts - 1) / a.parts + step - 1) / step * step;
    begin = min(begin + a.part * each, end);
    struct span seen = {begin, min(begin + each, end)};
    return seen;
}

/* What a pair sees of a span: [first, last]; nothing where it is masked. */
struct sight {
    int first, last;
};

static __device__ __forceinline__ struct sight sight_of(const struct attend &a, int pair,
                                                        struct span seen) {
    struct sight sight = {0, -1};
    if (pair < a.rows * a.heads) {
        const int position = a.positions[pair / a.heads];
        sight.first = first_seen(position, a.window);
        sight.last = min(position, seen.end - 1);
    }
    return sight;
}

/* Where the results of a pair go. */
static __device__ __forceinline__ long_t out_at(const struct attend &a, int pair) {
    return pair / a.heads * a.out_row + pair % a.heads * a.out_head;
}

static __device__ __forceinline__ long_t part_at(const struct attend &a, int pair) {
    return ((long_t)(pair / a.heads) * a.all_heads + pair % a.heads) * a.parts + a.part;
}

/* Element `column` of the values of one pair, of all parts. */
static __device__ inline float combined(const float *stats, const float *sums, int parts, int width,
                                        int column) {
    float most = NEVER, total = 0, sum = 0;
    for (int i = 0; i < parts; ++i)
        most = stats[2 * i + 1] > 0 ? fmaxf(most, stats[2 * i]) : most;
    for (int i = 0; i < parts; ++i) {
        if (stats[2 * i + 1] > 0) {
            const float scale = exp2f(stats[2 * i] - most);
            total += stats[2 * i + 1] * scale;
            sum += sums[(long_t)i * width + column] * scale;
        }
    }
    return total > 0 ? sum / total : 0.0f;
}

/* --- a tile without tensor cores ----------------------------------------------------------------------- */

/* Chunk [32][PLAIN_CHUNK] of rows, as float32, zero behind `width` and where a row is not there. */
static __device__ __forceinline__ void load_chunk(float (*to)[PLAIN_CHUNK + 1], const elem_t *from,
                                                  long_t step, int rows, int width) {
    for (int i = threadIdx.x; i < PLAIN_KEYS * PLAIN_CHUNK; i += ATTEND_THREADS) {
        const int row = i / PLAIN_CHUNK, column = i % PLAIN_CHUNK;
        to[row][column] =
            row < rows && column < width ? elem_load(from[row * step + column]) : 0.0f;
    }
}

/* 32 pairs from `pair` on, columns [column, column + PLAIN_COLUMNS) of VALUE, keys of KEY elements. Half a warp has 4 pairs:
 * its lanes divide keys and columns. */
template <int KEY, int VALUE>
static __device__ void attend_plain(const struct attend &a, int pair, int column) {
    enum { COLUMNS = VALUE < PLAIN_COLUMNS ? VALUE : PLAIN_COLUMNS };
    enum { CHUNKS = (COLUMNS + PLAIN_CHUNK - 1) / PLAIN_CHUNK };
    __shared__ float query[PLAIN_PAIRS][PLAIN_CHUNK + 1];
    __shared__ float cached[PLAIN_KEYS][PLAIN_CHUNK + 1];
    __shared__ float weight[PLAIN_PAIRS][PLAIN_KEYS + 1];
    __shared__ long_t query_at[PLAIN_PAIRS];
    const int lane = threadIdx.x % 16, own = threadIdx.x / 16 * 4;
    const float scale = SCORE_LOG2 / sqrtf((float)HEAD_DIM);
    const struct span seen = attend_span(a, pair, PLAIN_PAIRS, PLAIN_KEYS);
    struct sight sight[4];
    float most[4], total[4], sums[CHUNKS * 4][4];
    for (int i = 0; i < 4; ++i) {
        sight[i] = sight_of(a, pair + own + i, seen);
        most[i] = NEVER;
        total[i] = 0;
#pragma unroll
        for (int c = 0; c < CHUNKS * 4; ++c)
            sums[c][i] = 0;
    }
    if (threadIdx.x < PLAIN_PAIRS) {
        const int p = min(pair + (int)threadIdx.x, a.rows * a.heads - 1);
        query_at[threadIdx.x] = p / a.heads * a.query_row + p % a.heads * a.query_head;
    }
    for (int t = seen.begin; t < seen.end; t += PLAIN_KEYS) {
        float score[4][2] = {};
        const int rows = min(seen.end - t, (int)PLAIN_KEYS);
        for (int d = 0; d < KEY; d += PLAIN_CHUNK) {
            const int width = min(KEY - d, (int)PLAIN_CHUNK);
            __syncthreads(); /* what lies there was read */
            for (int i = threadIdx.x; i < PLAIN_PAIRS * PLAIN_CHUNK; i += ATTEND_THREADS) {
                const int row = i / PLAIN_CHUNK, at = i % PLAIN_CHUNK;
                query[row][at] = at < width ? elem_load(a.queries[query_at[row] + d + at]) : 0.0f;
            }
            load_chunk(cached, a.keys + t * a.key_step + d, a.key_step, rows, width);
            __syncthreads();
#pragma unroll 8
            for (int k = 0; k < width; ++k) {
                const float key[2] = {cached[lane][k], cached[lane + 16][k]};
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    score[i][0] = fmaf(query[own + i][k], key[0], score[i][0]);
                    score[i][1] = fmaf(query[own + i][k], key[1], score[i][1]);
                }
            }
        }
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            float largest = most[i];
            for (int j = 0; j < 2; ++j) {
                const int at = t + lane + 16 * j;
                score[i][j] =
                    at >= sight[i].first && at <= sight[i].last ? score[i][j] * scale : NEVER;
                largest = fmaxf(largest, score[i][j]);
            }
            for (int lanes = 8; lanes > 0; lanes /= 2)
                largest = fmaxf(largest, __shfl_xor_sync(FULL, largest, lanes));
            const float base = largest == NEVER ? 0.0f : largest, fade = exp2f(most[i] - base);
            most[i] = largest;
            total[i] *= fade;
            for (int j = 0; j < 2; ++j) {
                const float share = exp2f(score[i][j] - base);
                total[i] += share; /* of this lane's keys */
                weight[own + i][lane + 16 * j] = share;
            }
#pragma unroll
            for (int c = 0; c < CHUNKS * 4; ++c)
                sums[c][i] *= fade;
        }
#pragma unroll
        for (int c = 0; c < CHUNKS; ++c) {
            const int from = column + c * PLAIN_CHUNK;
            __syncthreads(); /* keys were read, or the last chunk; weights are there */
            load_chunk(cached, a.values + t * a.value_step + from, a.value_step, rows,
                       min(VALUE - from, (int)PLAIN_CHUNK));
            __syncthreads();
#pragma unroll 4
            for (int k = 0; k < PLAIN_KEYS; ++k) {
                float share[4];
#pragma unroll
                for (int i = 0; i < 4; ++i)
                    share[i] = weight[own + i][k];
#pragma unroll
                for (int j = 0; j < 4; ++j) {
                    const float value = cached[k][lane + 16 * j];
#pragma unroll
                    for (int i = 0; i < 4; ++i)
                        sums[c * 4 + j][i] = fmaf(share[i], value, sums[c * 4 + j][i]);
                }
            }
        }
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const int p = pair + own + i;
        for (int lanes = 8; lanes > 0; lanes /= 2)
            total[i] += __shfl_xor_sync(FULL, total[i], lanes);
        if (p >= a.rows * a.heads)
            continue;
        const float divisor = total[i] > 0 ? 1.0f / total[i] : 0.0f;
#pragma unroll
        for (int c = 0; c < CHUNKS * 4; ++c) {
            const int at = column + c * 16 + lane;
            if (at < VALUE && a.out)
                a.out[out_at(a, p) + at] = elem_store(sums[c][i] * divisor);
            else if (at < VALUE && total[i] > 0)
                a.sums[part_at(a, p) * VALUE + at] = sums[c][i];
        }
        if (!a.out && lane == 0 && column == 0) {
            a.stats[part_at(a, p) * 2] = most[i];
            a.stats[part_at(a, p) * 2 + 1] = total[i];
        }
    }
}
