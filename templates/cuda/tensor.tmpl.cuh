/* tensor: the steps of attention on tensor cores, of a warp with 16 pairs: their scores stay in its registers, become weights
 * there and meet the values as they are. */
#pragma once

#include "attend.cuh"
#include "mma.cuh"
//% if view.dtype ~= "f32" then

/* What a thread keeps of its warp's 16 pairs and COLUMNS of values: of two rows of sums. */
template <int COLUMNS> struct mixed {
    float sums[COLUMNS / 8][4];
    float most[2], total[2];
};

template <int COLUMNS>
static __device__ __forceinline__ void mix_nothing(struct mixed<COLUMNS> &mixed) {
#pragma unroll
    for (int n = 0; n < COLUMNS / 8; ++n)
        mixed.sums[n][0] = mixed.sums[n][1] = mixed.sums[n][2] = mixed.sums[n][3] = 0;
    mixed.most[0] = mixed.most[1] = NEVER;
    mixed.total[0] = mixed.total[1] = 0;
}

/* sums [16][TILES x 8] += left [16][WIDTH] x right [TILES x 8][WIDTH]^T, rows of ROW elements in shared memory. */
template <int TILES, int WIDTH, int ROW>
static __device__ __forceinline__ void tensor_product(float (&sums)[TILES][4], const elem_t *left,
                                                      const elem_t *right) {
    const int lane = threadIdx.x % WARP;
#pragma unroll
    for (int k = 0; k < WIDTH; k += 16) {
        word_t a[4], b[4];
        load_matrices(a, left + lane % 16 * ROW + k + lane / 16 * 8);
#pragma unroll
        for (int n = 0; n < TILES; n += 2) {
            load_matrices(b,
                          right + (n * 8 + lane / 16 * 8 + lane % 8) * ROW + k + lane / 8 % 2 * 8);
            mma(sums[n], a, b[0], b[1]);
            mma(sums[n + 1], a, b[2], b[3]);
        }
    }
}

template <int TILES> static __device__ __forceinline__ void clear_sums(float (&sums)[TILES][4]) {
#pragma unroll
    for (int n = 0; n < TILES; ++n)
        sums[n][0] = sums[n][1] = sums[n][2] = sums[n][3] = 0;
}

/* Weights of the scores of keys from `key` on, packed as the left side of a product; what was mixed fades where a score is
 * the largest yet. */
template <int TILES, int COLUMNS>
static __device__ __forceinline__ void
tensor_weights(word_t (&share)[TILES / 2][4], float (&score)[TILES][4],
               struct mixed<COLUMNS> &mixed, const struct sight (&sight)[2], int key) {
    const float scale = SCORE_LOG2 / sqrtf((float)HEAD_DIM);
    float largest[2] = {mixed.most[0], mixed.most[1]};
    key += threadIdx.x % 4 * 2;
#pragma unroll
    for (int n = 0; n < TILES; ++n) {
#pragma unroll
        for (int c = 0; c < 4; ++c) {
            const int at = key + n * 8 + c % 2;
            const bool seen = at >= sight[c / 2].first && at <= sight[c / 2].last;
            score[n][c] = seen ? score[n][c] * scale : NEVER;
            largest[c / 2] = fmaxf(largest[c / 2], score[n][c]);
        }
    }
    float base[2], fade[2];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        largest[i] = fmaxf(largest[i], __shfl_xor_sync(FULL, largest[i], 1));
        largest[i] = fmaxf(largest[i], __shfl_xor_sync(FULL, largest[i], 2));
        base[i] = largest[i] == NEVER ? 0.0f : largest[i];
        fade[i] = exp2f(mixed.most[i] - base[i]);
        mixed.most[i] = largest[i];
        mixed.total[i] *= fade[i];
    }
#pragma unroll
    for (int n = 0; n < TILES; ++n) {
#pragma unroll
        for (int c = 0; c < 4; ++c) {
            score[n][c] = exp2f(score[n][c] - base[c / 2]);
            mixed.total[c / 2] += score[n][c]; /* of this lane's columns */
        }
    }
#pragma unroll
    for (int k = 0; k < TILES / 2; ++k) {
        share[k][0] = pack(score[2 * k][0], score[2 * k][1]);
        share[k][1] = pack(score[2 * k][2], score[2 * k][3]);
        share[k][2] = pack(score[2 * k + 1][0], score[2 * k + 1][1]);
        share[k][3] = pack(score[2 * k + 1][2], score[2 * k + 1][3]);
    }
#pragma unroll
    for (int n = 0; n < COLUMNS / 8; ++n)
#pragma unroll
        for (int c = 0; c < 4; ++c)
            mixed.sums[n][c] *= fade[c / 2];
}

/* COLUMNS of sums += weights of KEYS x their values, rows of ROW elements in shared memory. */
template <int KEYS, int COLUMNS, int ROW>
static __device__ __forceinline__ void
tensor_mix(float (*sums)[4], const word_t (&share)[KEYS / 16][4], const elem_t *values) {
    const int lane = threadIdx.x % WARP;
#pragma unroll
    for (int k = 0; k < KEYS / 16; ++k) {
#pragma unroll
        for (int n = 0; n < COLUMNS / 8; n += 2) {
            word_t b[4];
            load_columns(b, values + (k * 16 + lane % 16) * ROW + n * 8 + lane / 16 * 8);
            mma(sums[n], share[k], b[0], b[1]);
            mma(sums[n + 1], share[k], b[2], b[3]);
        }
    }
}

/* Sums of weights lie in four lanes until the end. */
template <int COLUMNS>
static __device__ __forceinline__ void gather_totals(struct mixed<COLUMNS> &mixed) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        mixed.total[i] += __shfl_xor_sync(FULL, mixed.total[i], 1);
        mixed.total[i] += __shfl_xor_sync(FULL, mixed.total[i], 2);
    }
}
//% end
