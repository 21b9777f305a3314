/* choice: what the host sides of head and choose share; the pairs themselves are in choice.cuh. */
#pragma once

#include "kernel.h"

enum { PAIR_BYTES = 8 };

/* Pairs of a sequence. */
static inline int64_t choice_width(int64_t candidates) {
    return candidates == 1 ? 1 : candidates + 1;
}

/* Does the choice fall on the likeliest entries alone? */
static inline bool choice_cuts(const rt_choice *choice) {
    return choice->temperature > 0 && (choice->top_k > 0 || choice->top_p < 1);
}
