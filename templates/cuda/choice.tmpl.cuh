/* choice: what head and choose agree upon, the same bits as on the host. A sequence has one pair, or 1 + candidates: of a
 * choice that looks at few entries {logarithm of the sum of exp(logit / temperature) over the entries that are not told,
 * number of told ones}, then these, in any order; else the best entry, its noise with it, alone. */
#pragma once

#include "kernel.cuh"

struct best {
    float logit;
    int entry; /* -1: none */
};

/* Where an entry stands among all: the larger logit the higher, the lower entry where equal; no two alike, and none at
 * 0. */
static __device__ __forceinline__ wide_t standing(float logit, int entry) {
    word_t bits = __float_as_uint(logit + 0.0f); /* one zero, not two */
    bits = bits >> 31 ? ~bits : bits | 0x80000000u;
    return (wide_t)bits << 32 | (word_t)~entry;
}

/* What stands there; none at 0. */
static __device__ __forceinline__ struct best at_standing(wide_t standing) {
    const word_t bits = (word_t)(standing >> 32);
    const float logit = __uint_as_float(bits >> 31 ? bits & 0x7fffffffu : ~bits);
    return {standing == 0 ? -infinity() : logit, (int)~(word_t)standing};
}

/* Of an entry under a key, as rt_random_bits (rt_format.h) and rt_choice_noise (runtime/core/choice.c) have it. */
static __device__ inline double choice_noise(wide_t key, int entry) {
    wide_t z = key + ((wide_t)entry + 1) * 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    z ^= z >> 31;
    const double uniform = ((double)(z >> 11) + 0.5) * 1.1102230246251565e-16; /* 2^-53 */
    return -log(-log(uniform));
}
