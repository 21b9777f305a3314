/* standin_cublas: products by loops, with sums in float32, on the handle's stream. The workspace is written over, as the
 * library may. */
#include "standin.h"

#include "cublas_v2.h"
#include "rt_format.h"

#include <string.h>

struct cublasContext {
    cudaStream_t stream = nullptr;
    char *workspace = nullptr;
    size_t bytes = 0;
};

namespace {

bool known(cudaDataType type) {
    return type == CUDA_R_32F || type == CUDA_R_16F || type == CUDA_R_16BF;
}

size_t size_of(cudaDataType type) {
    return type == CUDA_R_32F ? 4 : 2;
}

float load(const void *from, int64_t index, cudaDataType type) {
    if (type == CUDA_R_32F)
        return ((const float *)from)[index];
    const uint16_t bits = ((const uint16_t *)from)[index];
    return type == CUDA_R_16BF ? rt_from_bf16(bits) : rt_from_f16(bits);
}

void store(void *to, int64_t index, float value, cudaDataType type) {
    if (type == CUDA_R_32F)
        ((float *)to)[index] = value;
    else
        ((uint16_t *)to)[index] = type == CUDA_R_16BF ? rt_to_bf16(value) : rt_to_f16(value);
}

/* Rows of op(x), each of `depth` numbers in one piece; x counts by columns. */
struct Rows {
    const void *x;
    cudaDataType type;
    int64_t stride;
    bool transposed;
    int depth;
    std::vector<float> row;

    const float *at(int64_t r) {
        if (transposed && type == CUDA_R_32F)
            return (const float *)x + r * stride;
        row.resize((size_t)depth);
        for (int64_t k = 0; k < depth; ++k)
            row[(size_t)k] = load(x, transposed ? k + r * stride : r + k * stride, type);
        return row.data();
    }
};

float dot(const float *a, const float *b, int count) {
    float sums[8] = {}, sum = 0;
    int k = 0;
    for (; k + 8 <= count; k += 8)
        for (int j = 0; j < 8; ++j)
            sums[j] += a[k + j] * b[k + j];
    for (; k < count; ++k)
        sum += a[k] * b[k];
    for (float each : sums)
        sum += each;
    return sum;
}

/* Bytes from the first to the last element of a matrix by columns. */
size_t span(int64_t rows, int64_t columns, int64_t stride, cudaDataType type) {
    return (size_t)((columns - 1) * stride + rows) * size_of(type);
}

} // namespace

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t *handle) {
    if (standin::failed())
        return CUBLAS_STATUS_NOT_INITIALIZED;
    *handle = new cublasContext;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
    handle->stream = stream;
    handle->workspace = nullptr; /* as the library forgets it */
    handle->bytes = 0;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void *workspace, size_t bytes) {
    if ((uintptr_t)workspace % 256 || !standin::is_device(workspace, bytes))
        return CUBLAS_STATUS_INVALID_VALUE;
    handle->workspace = (char *)workspace;
    handle->bytes = bytes;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t) {
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetVersion_v2(cublasHandle_t, int *version) {
    *version = 130002;
    return CUBLAS_STATUS_SUCCESS;
}

const char *cublasGetStatusString(cublasStatus_t status) {
    switch (status) {
    case CUBLAS_STATUS_SUCCESS:
        return "the operation completed successfully";
    case CUBLAS_STATUS_NOT_INITIALIZED:
        return "the library was not initialized";
    case CUBLAS_STATUS_ALLOC_FAILED:
        return "the resource allocation failed";
    case CUBLAS_STATUS_INVALID_VALUE:
        return "an unsupported value or parameter was passed";
    case CUBLAS_STATUS_NOT_SUPPORTED:
        return "the functionality requested is not supported";
    default:
        return "the function failed to execute";
    }
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b,
                            int m, int n, int k, const void *alpha, const void *a,
                            cudaDataType a_type, int a_stride, const void *b, cudaDataType b_type,
                            int b_stride, const void *beta, void *c, cudaDataType c_type,
                            int c_stride, cublasComputeType_t, cublasGemmAlgo_t) {
    const bool turn_a = op_a != CUBLAS_OP_N, turn_b = op_b != CUBLAS_OP_N;
    if (standin::logs())
        standin::log("cublasGemmEx", "stream=%s\tm=%d\tn=%d\tk=%d\tto=%p",
                     standin::shown(handle->stream->name).c_str(), m, n, k, c);
    if (m < 0 || n < 0 || k < 0 || a_stride < (turn_a ? k : m) || b_stride < (turn_b ? n : k) ||
        c_stride < m)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (m == 0 || n == 0)
        return CUBLAS_STATUS_SUCCESS;
    if (!known(a_type) || a_type != b_type || (c_type != a_type && c_type != CUDA_R_32F))
        return CUBLAS_STATUS_NOT_SUPPORTED;
    if (!standin::is_device(a, span(turn_a ? k : m, turn_a ? m : k, a_stride, a_type)) ||
        !standin::is_device(b, span(turn_b ? n : k, turn_b ? k : n, b_stride, b_type)) ||
        !standin::is_device(c, span(m, n, c_stride, c_type))) {
        standin::tell("a product of matrices that are no memory of a device");
        return CUBLAS_STATUS_EXECUTION_FAILED;
    }
    const float times = *(const float *)alpha, keep = *(const float *)beta;
    char *workspace = handle->workspace;
    const size_t bytes = handle->bytes < 4096 ? handle->bytes : 4096;
    cudaError_t error = standin::put(handle->stream, [=] {
        if (workspace)
            memset(workspace, 0x5a, bytes);
        Rows left = {a, a_type, a_stride, turn_a, k, {}},
             right = {b, b_type, b_stride, !turn_b, k, {}};
        std::vector<float> all((size_t)n * (size_t)k);
        for (int64_t j = 0; j < n; ++j)
            memcpy(&all[(size_t)(j * k)], right.at(j), (size_t)k * sizeof(float));
        for (int64_t i = 0; i < m; ++i) {
            const float *row = left.at(i);
            for (int64_t j = 0; j < n; ++j) {
                float sum = times * dot(row, &all[(size_t)(j * k)], k);
                if (keep != 0)
                    sum += keep * load(c, j * c_stride + i, c_type);
                store(c, j * c_stride + i, sum, c_type);
            }
        }
    });
    return error ? CUBLAS_STATUS_EXECUTION_FAILED : CUBLAS_STATUS_SUCCESS;
}

} // extern "C"
