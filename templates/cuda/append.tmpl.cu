/* append: keys and values into the cache as they are, for models whose positions are learned. A block a row. */
#include "kernel.cuh"

/* qkv [sequences x tokens][(heads + 2 kv_heads) x HEAD_DIM], positions [sequences x tokens], keys, values
 * [cached sequences][CONTEXT][kv_heads][HEAD_DIM] */
extern "C" __global__ void append(const elem_t *qkv, const int *positions, elem_t *keys,
                                  elem_t *values, int tokens, int cache_first, int heads,
                                  int kv_heads) {
    const int row = blockIdx.x, position = positions[row], cached = kv_heads * HEAD_DIM;
    if (position < 0)
        return;
    const long_t slot = ((long_t)cache_first + row / tokens) * CONTEXT + position;
    const elem_t *key = qkv + ((long_t)row * (heads + 2 * kv_heads) + heads) * HEAD_DIM;
    copy_elements(keys + slot * cached, key, cached, threadIdx.x, blockDim.x);
    copy_elements(values + slot * cached, key + cached, cached, threadIdx.x, blockDim.x);
}
