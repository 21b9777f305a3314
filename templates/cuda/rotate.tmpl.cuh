/* rotate: rotary positions. Of the ROPE_DIM elements that rotate, pairs turn by position x frequency. */
#pragma once

#include "kernel.cuh"

enum { ROPE_PAIRS = ROPE_DIM / 2 };

/* What a pair turns by a position: powers of theta, slower where positions are scaled. Made by gen, for powers in double
 * take a device long. */
/* clang-format off */
static __device__ const double frequencies[ROPE_PAIRS] = {
//% for _, frequency in ipairs(view.model.rope_frequencies) do
    $(frequency),
//% end
};
/* clang-format on */

struct turn {
    float cosine[ROPE_PAIRS], sine[ROPE_PAIRS];
};

/* By all threads of the block, which must meet before the turn is used. */
static __device__ inline void turn_to(struct turn *turn, int position) {
    for (int i = threadIdx.x; i < ROPE_PAIRS; i += blockDim.x) {
        double sine, cosine;
        sincos(position * frequencies[i], &sine, &cosine);
        turn->cosine[i] = (float)(ROPE_AMPLITUDE * cosine);
        turn->sine[i] = (float)(ROPE_AMPLITUDE * sine);
    }
}

/* One pair of the elements at `from`, to where it lies at `to`. */
static __device__ __forceinline__ void rotate_pair(const struct turn *turn, const elem_t *from,
                                                   elem_t *to, int pair) {
//% if view.model.rope_interleave then
    const int first = 2 * pair, second = first + 1; /* neighbours */
//% else
    const int first = pair, second = first + ROPE_PAIRS; /* half a head apart */
//% end
    const float a = elem_load(from[first]), b = elem_load(from[second]);
    to[first] = elem_store(a * turn->cosine[pair] - b * turn->sine[pair]);
    to[second] = elem_store(b * turn->cosine[pair] + a * turn->sine[pair]);
}

/* The same pairs of `heads` heads, `stride` elements apart, in place, by all threads of the block. */
static __device__ inline void rotate_heads(const struct turn *turn, elem_t *elements, int heads,
                                           int stride) {
    for (int i = threadIdx.x; i < heads * ROPE_PAIRS; i += blockDim.x) {
        elem_t *head = elements + (long_t)(i / ROPE_PAIRS) * stride;
        rotate_pair(turn, head, head, i % ROPE_PAIRS);
    }
}
