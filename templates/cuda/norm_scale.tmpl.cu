/* norm_scale: queries of all heads as one vector over its root mean square, times a weight an element; keys likewise.
 * The squares are summed over all heads, of which some are here. A block a row. */
#include "kernel.cuh"

static __device__ void norm_scale_by(elem_t *elements, const elem_t *weight, float squares,
                                     double all, int count) {
    const float scale = (float)(1.0 / sqrt((double)squares / all + NORM_EPS));
    for (int i = threadIdx.x; i < count; i += blockDim.x)
        elements[i] = elem_store(elem_load(elements[i]) * scale * elem_load(weight[i]));
}

/* qkv [rows][(heads + 2 kv_heads) x HEAD_DIM], squares [rows][2], weights of the held queries, of the held keys */
extern "C" __global__ void norm_scale(elem_t *qkv, const float *squares, const elem_t *query_weight,
                                      const elem_t *key_weight, int heads, int kv_heads) {
    const long_t row = blockIdx.x;
    const int queries = heads * HEAD_DIM, keys = kv_heads * HEAD_DIM;
    qkv += row * (queries + 2 * keys);
    norm_scale_by(qkv, query_weight, squares[2 * row], (double)HEADS * HEAD_DIM, queries);
    norm_scale_by(qkv + queries, key_weight, squares[2 * row + 1], (double)KV_HEADS * HEAD_DIM,
                  keys);
}
