/* moves: the runtime's own functions on the device (moves.cu) and what the host passes them. Every module has them,
 * whatever the program. Device code includes this too, so there are plain types and no header but rt_fault.h here. */
#pragma once

#include "rt_fault.h"

/* In the order of the module's own functions. */
#define RT_CUDA_MOVES_LIST(X)                                                                      \
    X(rt_copy)                                                                                     \
    X(rt_sum)                                                                                      \
    X(rt_counts)                                                                                   \
    X(rt_random)

enum {
#define RT_CUDA_MOVES_ID(name) RT_CUDA_MOVES_##name,
    RT_CUDA_MOVES_LIST(RT_CUDA_MOVES_ID)
#undef RT_CUDA_MOVES_ID
        RT_CUDA_MOVES
};

/* Parameters of a launch have up to 4 KiB in all. */
enum { RT_COPY_PARTS = 64, RT_COUNT_PARTS = 64, RT_SUM_TERMS = 384 };

/* Ranges that do not overlap, copied: a row of the grid each. */
struct rt_copy_part {
    char *to;
    const char *from;
    long long bytes;
};
struct rt_copy_args {
    struct rt_copy_part part[RT_COPY_PARTS];
    int parts;
};

/* to[i] = from[0][i] + from[1][i] + ..., in float32 in that order, rounded to the type once; `to` may be one of them. */
struct rt_sum_args {
    const void *from[RT_SUM_TERMS];
    void *to;
    long long count; /* elements */
    int terms;
    int type; /* rt_type: f32, bf16, f16 */
};

/* Counts of rows of windows: each has to be what the receiver knows, where it knows, and to fit the window. */
struct rt_counts_part {
    const int *from;
    const int *known; /* NULL: it does not */
    int *to;          /* NULL: nobody asks; 0 is written for what does not fit */
    int window;
};
struct rt_counts_args {
    struct rt_counts_part part[RT_COUNT_PARTS];
    int parts;
    int tag;
    struct rt_fault *fault;
};

/* Rows of a weight as rt_random_weight (rt_format.h) draws them, or all the same. */
struct rt_random_args {
    void *to;
    long long rows, columns, pitch; /* elements */
    unsigned long long key, first;  /* first: index in the tensor of the first element */
    unsigned long long row_step;    /* of indices */
    float range;
    int type; /* rt_type */
    int fill; /* rt_fill */
};
