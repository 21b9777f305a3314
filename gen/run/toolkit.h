/* toolkit: what builds programs for GPUs, and where it is looked for: $CUDA_ROOT, $CUDA_HOME or $CUDA_PATH, what
 * scripts/cuda-packages.sh installed beside the build folder, nvcc in PATH, /usr/local/cuda. NCCL: $NCCL_ROOT, else in the
 * toolkit or beside it. cuBLAS: $CUBLAS_ROOT, where the toolkit comes without it. CMake (runtime/cuda/toolkit.cmake) has the last word. Nothing is run or changed. */
#pragma once

#include "run/command.h"

typedef struct Toolkit {
    const char *root; /* its folder, NULL: not found */
    const char *nccl; /* $NCCL_ROOT, or NULL */
    const char *blas; /* $CUBLAS_ROOT, or NULL: in the toolkit */
} Toolkit;

Toolkit toolkit_find(Run *run);

/* nvcc of the toolkit; NULL: it has none. */
const char *toolkit_nvcc(Run *run, const Toolkit *toolkit);

/* The first of these headers or libraries that the toolkit has; NULL: none. */
const char *toolkit_file(Run *run, const Toolkit *toolkit, const char *const *names);

/* nccl.h, or NULL. */
const char *toolkit_nccl(Run *run, const Toolkit *toolkit);

/* Is the program in `dir` one for GPUs? */
bool toolkit_wanted(Run *run, const char *dir);

/* What such a program is built with is there, else E0717 with STATUS_UNAVAILABLE. */
Status toolkit_check(Run *run, const char *dir, const Toolkit *toolkit);
