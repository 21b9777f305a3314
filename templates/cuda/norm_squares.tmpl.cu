/* norm_squares: this rank's part of the sums that a norm over all heads needs. A key head that several members of a
 * group hold counts with one of them. A block a row. */
#include "kernel.cuh"

static __device__ double norm_squares_of(const elem_t *from, int count) {
    double sum = 0;
    for (int i = threadIdx.x; i < count; i += blockDim.x)
        sum += (double)elem_load(from[i]) * (double)elem_load(from[i]);
    return block_sum(sum);
}

/* qkv [rows][(heads + 2 kv_heads) x HEAD_DIM], out [rows][2]: of queries, of keys */
extern "C" __global__ void norm_squares(const elem_t *qkv, float *out, int heads, int kv_heads,
                                        int key_first, int key_count) {
    const long_t row = blockIdx.x;
    qkv += row * (heads + 2 * kv_heads) * HEAD_DIM;
    const double queries = norm_squares_of(qkv, heads * HEAD_DIM);
    const double keys = norm_squares_of(qkv + (heads + key_first) * HEAD_DIM, key_count * HEAD_DIM);
    if (threadIdx.x == 0) {
        out[2 * row] = (float)queries;
        out[2 * row + 1] = (float)keys;
    }
}
