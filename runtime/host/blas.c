/* blas: see blas.h. The symbol is weak: a program whose kernels call no BLAS need not link one. */
#include "host/blas.h"

#include "host/tune.h"

#include <stdio.h>
#include <stdlib.h>

static const char variable[] = "OPENBLAS_NUM_THREADS";

void openblas_set_num_threads(int threads) __attribute__((weak));

static int threads_of(int local_ranks) {
    rt_tune tune;
    rt_error ignored = {0}; /* rt_main has told what is wrong with the variables */
    rt_tune_read(&tune, local_ranks, &ignored);
    return tune.threads;
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
