/* latent: what the kernels of latent attention share. A position of the cache is its latent, then the rotary key of
 * all heads: ENTRY elements. */
#pragma once

#include "kernel.cuh"

enum { ENTRY = KV_LATENT + ROPE_DIM, PLAIN_DIM = HEAD_DIM - ROPE_DIM };

/* By all threads of the block. `out` may be `in`. */
static __device__ inline void norm_latent(elem_t *out, const elem_t *in, const elem_t *weight,
                                          int width) {
    double squares = 0;
    for (int i = threadIdx.x; i < width; i += blockDim.x)
        squares += (double)elem_load(in[i]) * (double)elem_load(in[i]);
    const float scale = (float)(1.0 / sqrt(block_sum(squares) / width + LATENT_NORM_EPS));
    for (int i = threadIdx.x; i < width; i += blockDim.x)
        out[i] = elem_store(elem_load(in[i]) * scale * elem_load(weight[i]));
}
