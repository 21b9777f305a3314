/* blas: matrix products by cuBLAS (rt_cuda_product): a handle a rank, a workspace a stream behind its slab. */
#pragma once

#include "cuda/device.h"

/* Bytes of a stream's workspace. */
int64_t rt_blas_workspace(int32_t architecture);
rt_status rt_blas_open(rt_rank *rank);
void rt_blas_close(rt_backend *backend);
