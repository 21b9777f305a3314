/* steps_args: what host and device of the program of steps.h agree upon. */
#pragma once

enum { STEPS_VOCABULARY = 97, STEPS_INPUTS = 4, STEPS_MOST = 1 << 20 };

struct rt_fault;

struct steps_args {
    const int *ids, *positions; /* [sequences][tokens] */
    int *values, *next;         /* [sequences] */
    float *in;                  /* [sequences][STEPS_INPUTS] */
    struct rt_fault *fault;
    int sequences, tokens, layer, tag;
    int spoil, wrong; /* position, layer */
};

#ifdef __cplusplus
#define STEPS_BOTH static __device__ __forceinline__
#else
#define STEPS_BOTH static inline
#endif

/* Three functions that no two of can change places. */
STEPS_BOTH int steps_begin(int id, int position) {
    return id * 3 + position * 7 + 1;
}
STEPS_BOTH int steps_multiplied(int value, int layer) {
    return (value * 5 + layer) % STEPS_MOST;
}
STEPS_BOTH int steps_added(int value) {
    return value + 11;
}
