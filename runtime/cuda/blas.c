/* blas: see blas.h. cuBLAS counts by columns: a product of rows is the product of the transposed matrices the other way
 * round, and a matrix by rows is the transposed one by columns, so nothing is moved. Elements of 16 bits are multiplied
 * with sums in float32 that no split of them rounds; float32 is not shortened to TF32 unless RT_CUDA_TF32=1 says so. */
#include "cuda/blas.h"

#include <cublas_v2.h>
#include <stdlib.h>

/* What cuBLAS's documentation recommends for cublasSetWorkspace: 32 MiB from sm_90 on, 4 MiB before. */
int64_t rt_blas_workspace(int32_t architecture) {
    return INT64_C(1048576) * (architecture >= 90 ? 32 : 4);
}

static rt_status told(rt_rank *rank, cublasStatus_t status, const char *call) {
    if (status == CUBLAS_STATUS_SUCCESS)
        return RT_OK;
    return rt_fail(rank,
                   status == CUBLAS_STATUS_ALLOC_FAILED || status == CUBLAS_STATUS_NOT_INITIALIZED
                       ? RT_UNAVAILABLE
                       : RT_SOFTWARE,
                   "%.*s: %s", (int)strcspn(call, "("), call, cublasGetStatusString(status));
}

#define BLAS(rank, call) RT_TRY(told((rank), (call), #call))

rt_status rt_blas_open(rt_rank *rank) {
    BLAS(rank, cublasCreate(&rank->backend->blas));
    BLAS(rank,
         cublasSetMathMode(rank->backend->blas,
                           CUBLAS_DEFAULT_MATH | CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION));
    return RT_OK;
}

void rt_blas_close(rt_backend *backend) {
    if (backend->blas)
        cublasDestroy(backend->blas);
    backend->blas = NULL;
}

static cudaDataType_t type_of(rt_type type) {
    return type == RT_BF16 ? CUDA_R_16BF : type == RT_F16 ? CUDA_R_16F : CUDA_R_32F;
}

static cublasComputeType_t compute_of(rt_type type) {
    const char *text = type == RT_F32 ? getenv("RT_CUDA_TF32") : NULL;
    return text && strcmp(text, "1") == 0 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

static rt_status product_check(rt_rank *rank, const rt_product *p) {
    int64_t weight_row = p->plain ? p->outputs : p->inputs;
    bool types = p->type <= RT_F16 && (p->out_type == p->type || p->out_type == RT_F32);
    bool sizes = p->rows >= 0 && p->rows <= INT32_MAX && p->inputs >= 1 &&
                 p->in_stride >= p->inputs && p->in_stride <= INT32_MAX && p->outputs >= 0 &&
                 p->weight_stride >= weight_row && p->weight_stride <= INT32_MAX &&
                 p->out_stride >= p->outputs && p->out_stride <= INT32_MAX;
    if (types && sizes)
        return RT_OK;
    return rt_fail(rank, RT_SOFTWARE,
                   "there is no product of %lld rows of %lld (stride %lld) with %lld outputs "
                   "(strides %lld, %lld), types %d and %d",
                   (long long)p->rows, (long long)p->inputs, (long long)p->in_stride,
                   (long long)p->outputs, (long long)p->weight_stride, (long long)p->out_stride,
                   (int)p->type, (int)p->out_type);
}

/* A new stream makes a handle forget its workspace: both are set together. */
static rt_status stream_set(rt_rank *rank) {
    rt_backend *backend = rank->backend;
    int stream = backend->op < 0 ? 0 : rank->role->ops[backend->op].stream;
    char *workspace = backend->slab + backend->workspace_first + stream * backend->workspace;
    BLAS(rank, cublasSetStream(backend->blas, backend->stream));
    BLAS(rank, cublasSetWorkspace(backend->blas, workspace, (size_t)backend->workspace));
    return RT_OK;
}

rt_status rt_cuda_product(rt_rank *rank, const rt_product *p) {
    const float one = 1, zero = 0;
    RT_TRY(product_check(rank, p));
    if (p->rows == 0 || p->outputs == 0)
        return RT_OK;
    RT_TRY(stream_set(rank));
    BLAS(rank, cublasGemmEx(rank->backend->blas, p->plain ? CUBLAS_OP_N : CUBLAS_OP_T, CUBLAS_OP_N,
                            (int)p->outputs, (int)p->rows, (int)p->inputs, &one, p->weight,
                            type_of(p->type), (int)p->weight_stride, p->in, type_of(p->type),
                            (int)p->in_stride, p->add ? &one : &zero, p->out, type_of(p->out_type),
                            (int)p->out_stride, compute_of(p->type), CUBLAS_GEMM_DEFAULT));
    return RT_OK;
}
