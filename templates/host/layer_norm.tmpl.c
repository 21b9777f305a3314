/* layer_norm: each row less its mean, over its standard deviation, times a weight, plus a bias. Mean and
 * variance are taken in double, in two passes, so that nothing cancels. */
#include "kernel.h"

rt_status kernel_layer_norm(rt_rank *rank, const void *args) {
    const struct layer_norm_args *a = args;
    const elem_t *in = rt_at(rank, a->in), *weight = rt_at(rank, a->weight);
    const elem_t *bias = rt_at(rank, a->bias);
    elem_t *out = rt_at(rank, a->out);

    for (int64_t row = 0; row < a->rows; ++row, in += HIDDEN, out += HIDDEN) {
        double sum = 0, square = 0;
        for (int64_t i = 0; i < HIDDEN; ++i)
            sum += (double)elem_load(in[i]);
        double mean = sum / HIDDEN;
        for (int64_t i = 0; i < HIDDEN; ++i) {
            double difference = (double)elem_load(in[i]) - mean;
            square += difference * difference;
        }
        double scale = 1.0 / sqrt(square / HIDDEN + NORM_EPS);
        for (int64_t i = 0; i < HIDDEN; ++i) {
            float normal = (float)(((double)elem_load(in[i]) - mean) * scale);
            out[i] = elem_store(normal * elem_load(weight[i]) + elem_load(bias[i]));
        }
    }
    return RT_OK;
}
