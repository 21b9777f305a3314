/* blas: how many threads the BLAS of a rank may use: the processors shared among the ranks of this host. A
 * user's OPENBLAS_NUM_THREADS wins. */
#pragma once

enum { RT_BLAS_TEXT = 48 };

/* Limit the BLAS of this process. */
void rt_blas_limit(int local_ranks);

/* The same for a process yet to be started, which then makes no threads to leave idle: its environment entry
 * in text[RT_BLAS_TEXT], or NULL when the user has set one. */
char *rt_blas_environment(int local_ranks, char *text);
