/* blas: see blas.h. The symbol is weak: a program whose kernels call no BLAS need not link one. */
#include "host/blas.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

static const char variable[] = "OPENBLAS_NUM_THREADS";

void openblas_set_num_threads(int threads) __attribute__((weak));

static int threads_of(int local_ranks) {
    cpu_set_t set;
    int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    int threads = cores / (local_ranks > 0 ? local_ranks : 1);
    return threads > 1 ? threads : 1;
}

void rt_blas_limit(int local_ranks) {
    if (openblas_set_num_threads && !getenv(variable))
        openblas_set_num_threads(threads_of(local_ranks));
}

char *rt_blas_environment(int local_ranks, char *text) {
    if (getenv(variable))
        return NULL;
    snprintf(text, RT_BLAS_TEXT, "%s=%d", variable, threads_of(local_ranks));
    return text;
}
