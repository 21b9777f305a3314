/* tune: how the kernels of a rank compute on this machine: with which vectors, by how many threads. What the
 * processor has and the affinity gives, unless RT_VECTORS and RT_THREADS say less (docs/runtime.md). */
#pragma once

#include "core/error.h"

typedef struct rt_tune {
    rt_vectors vectors;
    int threads; /* of a rank, itself included */
} rt_tune;

/* For one of `local_ranks` ranks of this machine. RT_USAGE: a variable has a value that is none of its own;
 * RT_UNAVAILABLE: this processor lacks the vectors. */
rt_status rt_tune_read(rt_tune *tune, int local_ranks, rt_error *error);

/* "plain", "avx2", "avx512". */
const char *rt_tune_name(rt_vectors vectors);
