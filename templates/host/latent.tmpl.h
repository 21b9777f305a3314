/* latent: what the kernels of latent attention share. A position of the cache is its latent, then the rotary key of
 * all heads: ENTRY elements. */
#pragma once

#include "kernel.h"

enum { ENTRY = KV_LATENT + ROPE_DIM, PLAIN_DIM = HEAD_DIM - ROPE_DIM };

static inline void norm_latent(elem_t *out, const elem_t *in, const elem_t *weight, int64_t width) {
    double squares = 0;
    for (int64_t i = 0; i < width; ++i)
        squares += (double)elem_load(in[i]) * (double)elem_load(in[i]);
    float scale = (float)(1.0 / sqrt(squares / (double)width + LATENT_NORM_EPS));
    for (int64_t i = 0; i < width; ++i)
        out[i] = elem_store(elem_load(in[i]) * scale * elem_load(weight[i]));
}
