/* rms_norm: each row over the root of its mean square, times a weight. */
#include "kernel.h"

rt_status kernel_rms_norm(rt_rank *rank, const void *args) {
    const struct rms_norm_args *a = args;
    const elem_t *in = rt_at(rank, a->in), *weight = rt_at(rank, a->weight);
    elem_t *out = rt_at(rank, a->out);

    for (int64_t row = 0; row < a->rows; ++row, in += HIDDEN, out += HIDDEN) {
        float scale = (float)(1.0 / sqrt(sum_squares(in, HIDDEN) / HIDDEN + NORM_EPS));
        for (int64_t i = 0; i < HIDDEN; ++i)
            out[i] = elem_store(elem_load(in[i]) * scale * elem_load(weight[i]));
    }
    return RT_OK;
}
