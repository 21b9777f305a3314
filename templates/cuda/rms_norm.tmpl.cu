/* rms_norm: a block a row. The sum of squares is in double, which costs nothing beside the memory traffic. */
#include "piece.cuh"

/* in, out [rows][HIDDEN], weight [HIDDEN] */
extern "C" __global__ void rms_norm(const elem_t *in, const elem_t *weight, elem_t *out) {
    const struct piece *from = (const struct piece *)(in + (long_t)blockIdx.x * HIDDEN);
    const struct piece *weights = (const struct piece *)weight;
    struct piece *to = (struct piece *)(out + (long_t)blockIdx.x * HIDDEN);

    double squares = 0;
    for (int p = threadIdx.x; p < PIECES; p += blockDim.x) {
        const struct piece x = from[p];
        for (int i = 0; i < PIECE; ++i)
            squares += (double)elem_load(x.e[i]) * (double)elem_load(x.e[i]);
    }
    const float scale = (float)(1.0 / sqrt(block_sum(squares) / HIDDEN + NORM_EPS));
    for (int p = threadIdx.x; p < PIECES; p += blockDim.x) {
        struct piece x = from[p];
        const struct piece w = weights[p];
        for (int i = 0; i < PIECE; ++i)
            x.e[i] = elem_store(elem_load(x.e[i]) * scale * elem_load(w.e[i]));
        to[p] = x;
    }
}
