/* rotate: rotary positions. Of the ROPE_DIM elements that rotate, pairs turn by position x theta^(-2 i / ROPE_DIM),
 * slower where positions are scaled. */
#pragma once

#include "kernel.h"

enum { ROPE_PAIRS = ROPE_DIM / 2 };

struct turn {
    double frequency[ROPE_PAIRS];
    float cosine[ROPE_PAIRS], sine[ROPE_PAIRS];
};

static inline void turn_begin(struct turn *turn) {
    for (int i = 0; i < ROPE_PAIRS; ++i) {
        turn->frequency[i] = pow(ROPE_THETA, -2.0 * i / ROPE_DIM);
    }
}

static inline void turn_to(struct turn *turn, int32_t position) {
    for (int i = 0; i < ROPE_PAIRS; ++i) {
        turn->cosine[i] = (float)(ROPE_AMPLITUDE * cos(position * turn->frequency[i]));
        turn->sine[i] = (float)(ROPE_AMPLITUDE * sin(position * turn->frequency[i]));
    }
}

static inline void rotate(const struct turn *turn, elem_t *elements) {
    for (int64_t i = 0; i < ROPE_PAIRS; ++i) {
        elem_t *first = elements + i, *second = first + ROPE_PAIRS; /* half a head apart */
        float a = elem_load(*first), b = elem_load(*second);
        *first = elem_store(a * turn->cosine[i] - b * turn->sine[i]);
        *second = elem_store(b * turn->cosine[i] + a * turn->sine[i]);
    }
}
