/* rotate: rotary positions. Of the ROPE_DIM elements that rotate, pairs turn by position x theta^(-2 i / ROPE_DIM),
 * slower where positions are scaled. */
#pragma once

#include "kernel.h"

enum { ROPE_PAIRS = ROPE_DIM / 2 };

struct turn {
    double frequency[ROPE_PAIRS];
    float cosine[ROPE_PAIRS], sine[ROPE_PAIRS];
};

//% if view.model.rope_scaling == "yarn" then
/* The pair that turns so many times within the positions of training, as a real number. */
static inline double pair_of(double turns) {
    return ROPE_DIM * log(ROPE_ORIGINAL / (turns * 2 * M_PI)) / (2 * log(ROPE_THETA));
}

/* Of a pair's frequency the part that is divided by ROPE_FACTOR: pairs that turn often keep theirs, slow ones are
 * slowed in full. */
static inline double slowed(int pair) {
    double first = fmax(floor(pair_of(ROPE_BETA_FAST)), 0);
    double last = fmin(ceil(pair_of(ROPE_BETA_SLOW)), ROPE_DIM - 1);
    return fmin(fmax((pair - first) / (last > first ? last - first : 0.001), 0), 1);
}

//% end
static inline void turn_begin(struct turn *turn) {
    for (int i = 0; i < ROPE_PAIRS; ++i) {
        turn->frequency[i] = pow(ROPE_THETA, -2.0 * i / ROPE_DIM);
//% if view.model.rope_scaling == "linear" then
        turn->frequency[i] /= ROPE_FACTOR;
//% elseif view.model.rope_scaling == "yarn" then
        turn->frequency[i] *= 1 - slowed(i) + slowed(i) / ROPE_FACTOR;
//% end
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
//% if view.model.rope_interleave then
        elem_t *first = elements + 2 * i, *second = first + 1; /* neighbours */
//% else
        elem_t *first = elements + i, *second = first + ROPE_PAIRS; /* half a head apart */
//% end
        float a = elem_load(*first), b = elem_load(*second);
        *first = elem_store(a * turn->cosine[i] - b * turn->sine[i]);
        *second = elem_store(b * turn->cosine[i] + a * turn->sine[i]);
    }
}
