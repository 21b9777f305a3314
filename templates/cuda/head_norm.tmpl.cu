/* head_norm: RMS norm of each query and key head by itself, all query heads by one weight, all key heads by another. A
 * warp a head. */
#include "kernel.cuh"

/* qkv [rows][width], of which the first `heads` + `kv_heads` heads are normed; weights [HEAD_DIM]; `count`: heads to norm in
 * all rows */
extern "C" __global__ void head_norm(elem_t *qkv, const elem_t *query_weight,
                                     const elem_t *key_weight, int heads, int kv_heads,
                                     long_t count) {
    const long_t at = ((long_t)blockIdx.x * blockDim.x + threadIdx.x) / WARP;
    const int lane = threadIdx.x % WARP, normed = heads + kv_heads;
    if (at >= count) /* a whole warp */
        return;
    const int head = (int)(at % normed);
    const long_t width = ((long_t)heads + 2 * kv_heads) * HEAD_DIM;
    const elem_t *weight = head < heads ? query_weight : key_weight;
    elem_t *x = qkv + at / normed * width + (long_t)head * HEAD_DIM;

    double squares = 0;
    for (int i = lane; i < HEAD_DIM; i += WARP)
        squares += (double)elem_load(x[i]) * (double)elem_load(x[i]);
    const float scale = (float)(1.0 / sqrt(warp_sum(squares) / HEAD_DIM + NORM_EPS));
    for (int i = lane; i < HEAD_DIM; i += WARP)
        x[i] = elem_store(elem_load(x[i]) * scale * elem_load(weight[i]));
}
