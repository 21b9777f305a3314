/* softmax: of a row of scores, shared by the kernels of attention. */
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Softmax over the positions that a row may see; the others get weight zero. */
static inline void softmax(float *scores, int64_t visible, int64_t length) {
    float largest = scores[0], sum = 0;
    for (int64_t t = 1; t < visible; ++t)
        largest = scores[t] > largest ? scores[t] : largest;
    for (int64_t t = 0; t < visible; ++t) {
        scores[t] = expf(scores[t] - largest);
        sum += scores[t];
    }
    for (int64_t t = 0; t < visible; ++t)
        scores[t] /= sum;
    memset(scores + visible, 0, (size_t)(length - visible) * sizeof *scores);
}
