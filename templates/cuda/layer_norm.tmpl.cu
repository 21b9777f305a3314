/* layer_norm: a block a row. Mean and variance are taken in double, in two passes, so that nothing cancels. */
#include "piece.cuh"

/* in, out [rows][HIDDEN], weight, bias [HIDDEN] */
extern "C" __global__ void layer_norm(const elem_t *in, const elem_t *weight, const elem_t *bias,
                                      elem_t *out) {
    const struct piece *from = (const struct piece *)(in + (long_t)blockIdx.x * HIDDEN);
    struct piece *to = (struct piece *)(out + (long_t)blockIdx.x * HIDDEN);

    double sum = 0, square = 0;
    for (int p = threadIdx.x; p < PIECES; p += blockDim.x) {
        const struct piece x = from[p];
        for (int i = 0; i < PIECE; ++i)
            sum += (double)elem_load(x.e[i]);
    }
    const double mean = block_sum(sum) / HIDDEN;
    for (int p = threadIdx.x; p < PIECES; p += blockDim.x) {
        const struct piece x = from[p];
        for (int i = 0; i < PIECE; ++i) {
            double difference = (double)elem_load(x.e[i]) - mean;
            square += difference * difference;
        }
    }
    const double scale = 1.0 / sqrt(block_sum(square) / HIDDEN + NORM_EPS);
    for (int p = threadIdx.x; p < PIECES; p += blockDim.x) {
        struct piece x = from[p];
        const struct piece w = ((const struct piece *)weight)[p],
                           b = ((const struct piece *)bias)[p];
        for (int i = 0; i < PIECE; ++i) {
            float normal = (float)(((double)elem_load(x.e[i]) - mean) * scale);
            x.e[i] = elem_store(normal * elem_load(w.e[i]) + elem_load(b.e[i]));
        }
        to[p] = x;
    }
}
