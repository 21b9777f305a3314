/* attend_plain: a tile of attention without tensor cores: 32 pairs, 32 keys at a time, rows of any width in chunks, in
 * float32. Half a warp has 4 pairs; its lanes divide keys and columns of values. */
#pragma once

#include "attend.cuh"

/* What lies in shared memory; rows are padded so that lanes that read a column meet different banks. */
struct plain_stage {
    float left[PLAIN_PAIRS][PLAIN_CHUNK + 1], right[PLAIN_KEYS][PLAIN_CHUNK + 1];
    float weight[PLAIN_PAIRS][PLAIN_KEYS + 1];
    long_t left_at[PLAIN_PAIRS]; /* where the rows of the left side begin */
};

/* A thread's part of 4 pairs and COLUMNS of values. */
template <int COLUMNS> struct plain_mixed {
    float sums[COLUMNS / 16][4];
    float most[4], total[4];
};

/* A chunk of 32 rows as float32, zero behind `width` and where a row is not there. */
static __device__ __forceinline__ void load_chunk(float (*to)[PLAIN_CHUNK + 1], const elem_t *from,
                                                  long_t step, int rows, int width) {
    for (int i = threadIdx.x; i < PLAIN_KEYS * PLAIN_CHUNK; i += ATTEND_THREADS) {
        const int row = i / PLAIN_CHUNK, column = i % PLAIN_CHUNK;
        to[row][column] =
            row < rows && column < width ? elem_load(from[row * step + column]) : 0.0f;
    }
}

/* Of 32 rows at left + left_at[row] with `rows` rows of right, WIDTH elements each: rows 4 x (half a warp) + i with rows
 * lane + 16 j. */
template <int WIDTH>
static __device__ __forceinline__ void plain_product(float (&sums)[4][2], struct plain_stage &stage,
                                                     const elem_t *left, const elem_t *right,
                                                     long_t step, int rows) {
    const int lane = threadIdx.x % 16, own = threadIdx.x / 16 * 4;
#pragma unroll
    for (int i = 0; i < 4; ++i)
        sums[i][0] = sums[i][1] = 0;
    for (int d = 0; d < WIDTH; d += PLAIN_CHUNK) {
        const int width = min(WIDTH - d, (int)PLAIN_CHUNK);
        __syncthreads(); /* what lies there was read */
        for (int i = threadIdx.x; i < PLAIN_PAIRS * PLAIN_CHUNK; i += ATTEND_THREADS) {
            const int row = i / PLAIN_CHUNK, at = i % PLAIN_CHUNK;
            stage.left[row][at] = at < width ? elem_load(left[stage.left_at[row] + d + at]) : 0.0f;
        }
        load_chunk(stage.right, right + d, step, rows, width);
        __syncthreads();
#pragma unroll 8
        for (int k = 0; k < width; ++k) {
            const float key[2] = {stage.right[lane][k], stage.right[lane + 16][k]};
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                sums[i][0] = fmaf(stage.left[own + i][k], key[0], sums[i][0]);
                sums[i][1] = fmaf(stage.left[own + i][k], key[1], sums[i][1]);
            }
        }
    }
}

/* Scores of keys from `key` on become weights; what was mixed fades where a score is the largest yet. */
template <int COLUMNS>
static __device__ __forceinline__ void
plain_weights(struct plain_stage &stage, float (&score)[4][2], struct plain_mixed<COLUMNS> &mixed,
              const struct sight (&sight)[4], int key) {
    const float scale = SCORE_LOG2 / sqrtf((float)HEAD_DIM);
    const int lane = threadIdx.x % 16, own = threadIdx.x / 16 * 4;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        float largest = mixed.most[i];
        for (int j = 0; j < 2; ++j) {
            const int at = key + lane + 16 * j;
            const bool seen = at >= sight[i].first && at <= sight[i].last;
            score[i][j] = seen ? score[i][j] * scale : NEVER;
            largest = fmaxf(largest, score[i][j]);
        }
        for (int lanes = 8; lanes > 0; lanes /= 2)
            largest = fmaxf(largest, __shfl_xor_sync(FULL, largest, lanes));
        const float base = largest == NEVER ? 0.0f : largest;
        const float fade = exp2f(mixed.most[i] - base);
        mixed.most[i] = largest;
        mixed.total[i] *= fade;
        for (int j = 0; j < 2; ++j) {
            const float share = exp2f(score[i][j] - base);
            mixed.total[i] += share; /* of this lane's keys */
            stage.weight[own + i][lane + 16 * j] = share;
        }
#pragma unroll
        for (int c = 0; c < COLUMNS / 16; ++c)
            mixed.sums[c][i] *= fade;
    }
}

/* A chunk of columns: sums += weights x values. */
static __device__ __forceinline__ void plain_mix(const struct plain_stage &stage,
                                                 float (*sums)[4]) {
    const int lane = threadIdx.x % 16, own = threadIdx.x / 16 * 4;
#pragma unroll 4
    for (int k = 0; k < PLAIN_KEYS; ++k) {
        float share[4];
#pragma unroll
        for (int i = 0; i < 4; ++i)
            share[i] = stage.weight[own + i][k];
#pragma unroll
        for (int j = 0; j < PLAIN_CHUNK / 16; ++j) {
            const float value = stage.right[k][lane + 16 * j];
#pragma unroll
            for (int i = 0; i < 4; ++i)
                sums[j][i] = fmaf(share[i], value, sums[j][i]);
        }
    }
}

/* Pair `p` to where its results go, columns from `column` on of VALUE. */
template <int COLUMNS, int VALUE>
static __device__ __forceinline__ void plain_store(const struct attend &a,
                                                   const struct plain_mixed<COLUMNS> &mixed, int i,
                                                   int p, int column) {
    const int lane = threadIdx.x % 16;
    const float total = mixed.total[i], divisor = total > 0 ? 1.0f / total : 0.0f;
#pragma unroll
    for (int c = 0; c < COLUMNS / 16; ++c) {
        const int at = column + c * 16 + lane;
        if (at < VALUE && a.out)
            a.out[out_at(a, p) + at] = elem_store(mixed.sums[c][i] * divisor);
        else if (at < VALUE && total > 0)
            a.sums[part_at(a, p) * VALUE + at] = mixed.sums[c][i];
    }
    if (!a.out && lane == 0 && column == 0) {
        a.stats[part_at(a, p) * 2] = mixed.most[i];
        a.stats[part_at(a, p) * 2 + 1] = total;
    }
}

/* 32 pairs from `pair` on, columns [column, column + PLAIN_COLUMNS) of VALUE, keys of KEY elements. */
template <int KEY, int VALUE>
static __device__ void attend_plain(const struct attend &a, int pair, int column) {
    enum { COLUMNS = VALUE < PLAIN_COLUMNS ? VALUE : PLAIN_COLUMNS };
    enum { CHUNKS = (COLUMNS + PLAIN_CHUNK - 1) / PLAIN_CHUNK };
    __shared__ struct plain_stage stage;
    const int own = threadIdx.x / 16 * 4;
    const struct span seen = attend_span(a, pair, PLAIN_PAIRS, PLAIN_KEYS);
    struct sight sight[4];
    struct plain_mixed<CHUNKS * PLAIN_CHUNK> mixed;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        sight[i] = sight_of(a, pair + own + i, seen);
        mixed.most[i] = NEVER;
        mixed.total[i] = 0;
#pragma unroll
        for (int c = 0; c < CHUNKS * PLAIN_CHUNK / 16; ++c)
            mixed.sums[c][i] = 0;
    }
    if (threadIdx.x < PLAIN_PAIRS) {
        const int p = min(pair + (int)threadIdx.x, a.rows * a.heads - 1);
        stage.left_at[threadIdx.x] = p / a.heads * a.query_row + p % a.heads * a.query_head;
    }
    for (int t = seen.begin; t < seen.end; t += PLAIN_KEYS) {
        const int rows = min(seen.end - t, (int)PLAIN_KEYS);
        float score[4][2];
        plain_product<KEY>(score, stage, a.queries, a.keys + t * a.key_step, a.key_step, rows);
        plain_weights(stage, score, mixed, sight, t);
#pragma unroll
        for (int c = 0; c < CHUNKS; ++c) {
            const int from = column + c * PLAIN_CHUNK;
            __syncthreads(); /* keys were read, or the last chunk; weights are there */
            load_chunk(stage.right, a.values + t * a.value_step + from, a.value_step, rows,
                       VALUE - from);
            __syncthreads();
            plain_mix(stage, mixed.sums + c * (PLAIN_CHUNK / 16));
        }
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        for (int lanes = 8; lanes > 0; lanes /= 2)
            mixed.total[i] += __shfl_xor_sync(FULL, mixed.total[i], lanes);
        if (pair + own + i < a.rows * a.heads)
            plain_store<CHUNKS * PLAIN_CHUNK, VALUE>(a, mixed, i, pair + own + i, column);
    }
}
