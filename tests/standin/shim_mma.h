/* shim_mma: what kernels/mma.cuh of a program wraps of a device's instructions, for a processor: stands in its place when
 * the shim compiles a module. Fragments lie in the lanes as the PTX ISA (mma.m16n8k16, row.col) says. */
#pragma once

#include "kernel.cuh"

struct shim_fragments {
    word_t a[4], b[2];
};

/* Half `which` of a register as a number. */
static inline float shim_half(word_t pair, int which) {
    return (float)elem_load((elem_t)(pair >> 16 * which));
}

/* c [16][8] += a [16][16] x b [16][8]; sums in float32. */
static inline void shim_mma(float *c, const word_t *a, const word_t *b, const char *file,
                            int line) {
    shim_fragments mine, all[32];
    memcpy(mine.a, a, sizeof mine.a);
    memcpy(mine.b, b, sizeof mine.b);
    shim_gather(0xffffffffu, &mine, sizeof mine, all, file, line);
    const int lane = shim_lane(), group = lane / 4, pair = lane % 4;
    for (int i = 0; i < 4; ++i) {
        const int row = group + i / 2 * 8, column = 2 * pair + i % 2;
        float sum = c[i];
        for (int k = 0; k < 16; ++k) {
            const shim_fragments *left = &all[row % 8 * 4 + k % 8 / 2];
            const shim_fragments *right = &all[column * 4 + k % 8 / 2];
            sum +=
                shim_half(left->a[row / 8 + k / 8 * 2], k % 2) * shim_half(right->b[k / 8], k % 2);
        }
        c[i] = sum;
    }
}
#define mma_16x8x16(c, a, b) shim_mma(c, a, b, __FILE__, __LINE__)
