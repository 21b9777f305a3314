/* norm_squares: this rank's part of the sums that a norm over all heads needs. A key head that several members of a
 * group hold counts with one of them. */
#include "kernel.h"

rt_status kernel_norm_squares(rt_rank *rank, const void *args) {
    const struct norm_squares_args *a = args;
    const elem_t *qkv = rt_at(rank, a->qkv);
    float *out = rt_at(rank, a->out);
    const int64_t width = ((int64_t)a->heads + 2 * a->kv_heads) * HEAD_DIM;
    const int64_t first = ((int64_t)a->heads + a->key_first) * HEAD_DIM;

    for (int64_t row = 0; row < a->rows; ++row, qkv += width) {
        out[2 * row] = (float)sum_squares(qkv, (int64_t)a->heads * HEAD_DIM);
        out[2 * row + 1] = (float)sum_squares(qkv + first, (int64_t)a->key_count * HEAD_DIM);
    }
    return RT_OK;
}
