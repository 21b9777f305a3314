/* blas: see blas.h. The symbol is weak: a program whose kernels call no BLAS need not link one. */
#include "host/blas.h"

#include <sched.h>
#include <stdlib.h>

void openblas_set_num_threads(int threads) __attribute__((weak));

void rt_blas_limit(int local_ranks) {
    cpu_set_t set;
    int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    int threads = cores / (local_ranks > 0 ? local_ranks : 1);
    if (openblas_set_num_threads && !getenv("OPENBLAS_NUM_THREADS"))
        openblas_set_num_threads(threads > 1 ? threads : 1);
}
