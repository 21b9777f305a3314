/* activation: of experts and of feed-forwards that all tokens pass. */
#pragma once

#include <math.h>

static inline float activate(float x) {
    return x / (1.0f + expf(-x));
}
