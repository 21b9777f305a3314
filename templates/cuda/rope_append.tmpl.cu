/* rope_append: rotary positions, then keys and values into the cache. The first ROPE_DIM elements of a head rotate. A
 * block a row. */
#include "rotate.cuh"

/* qkv [sequences x tokens][(heads + 2 kv_heads) x HEAD_DIM], positions [sequences x tokens], keys, values
 * [cached sequences][CONTEXT][kv_heads][HEAD_DIM] */
extern "C" __global__ void rope_append(elem_t *qkv, const int *positions, elem_t *keys,
                                       elem_t *values, int tokens, int cache_first, int heads,
                                       int kv_heads) {
    __shared__ struct turn turn;
    const int row = blockIdx.x, position = positions[row], cached = kv_heads * HEAD_DIM;
    if (position < 0) /* the whole block */
        return;
    qkv += (long_t)row * (heads + 2 * kv_heads) * HEAD_DIM;
    turn_to(&turn, position);
    __syncthreads();
    rotate_heads(&turn, qkv, heads + kv_heads, HEAD_DIM);
    __syncthreads(); /* keys are turned */
    const long_t slot = ((long_t)cache_first + row / tokens) * CONTEXT + position;
    const elem_t *key = qkv + (long_t)heads * HEAD_DIM;
    copy_elements(keys + slot * cached, key, cached, threadIdx.x, blockDim.x);
    copy_elements(values + slot * cached, key + cached, cached, threadIdx.x, blockDim.x);
}
