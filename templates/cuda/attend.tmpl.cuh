/* attend: what the kernels of attention share: who sees what, and parts of the cache. Scores
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
