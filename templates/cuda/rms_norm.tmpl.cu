/* rms_norm: a block a row. */
#include "kernel.cuh"

/* in, out [rows][HIDDEN], weight [HIDDEN] */
extern "C" __global__ void rms_norm(const elem_t *in, const elem_t *weight, elem_t *out) {
    in += (long_t)blockIdx.x * HIDDEN;
    out += (long_t)blockIdx.x * HIDDEN;
    float squares = 0;
    for (int i = threadIdx.x; i < HIDDEN; i += blockDim.x)
        squares += elem_load(in[i]) * elem_load(in[i]);
    const float scale = 1.0f / sqrtf(block_sum(squares) / HIDDEN + (float)NORM_EPS);
    for (int i = threadIdx.x; i < HIDDEN; i += blockDim.x)
        out[i] = elem_store(elem_load(in[i]) * scale * elem_load(weight[i]));
}
