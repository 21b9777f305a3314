/* blas: how many threads the BLAS of a rank may use. */
#pragma once

/* Share the processors among the ranks of this host. A user's OPENBLAS_NUM_THREADS wins. */
void rt_blas_limit(int local_ranks);
