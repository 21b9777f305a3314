/* weighted_sum: the results of a row's experts on top of its base, in order of choice, the column parts of an expert in
 * order of columns. The order is that of the model, whatever the placement. */
#include "piece.cuh"

/* Add a piece of each of the row's results to `sum`. */
static __device__ __forceinline__ void add_choices(const elem_t *returned, const int *back,
                                                   const float *share, int column, float *sum) {
    for (int k = 0; k < CHOICES; ++k, back += PARTS) {
        float expert[PIECE] = {0};
        for (int part = 0; part < PARTS; ++part) {
            if (back[part] < 0)
                continue;
            const elem_t *from = returned + (long_t)back[part] * HIDDEN + column;
            const struct piece has = *(const struct piece *)from;
            for (int i = 0; i < PIECE; ++i)
                expert[i] += elem_load(has.e[i]);
        }
        for (int i = 0; i < PIECE; ++i)
            sum[i] += share[k] * expert[i];
    }
}

/* returned [][HIDDEN], back [rows][CHOICES][PARTS], share [rows][CHOICES]; base [rows][HIDDEN] may be `out` or absent */
extern "C" __global__ void weighted_sum(const elem_t *returned, const int *back, const float *share,
                                        const elem_t *base, elem_t *out) {
    const long_t row = blockIdx.x;
    for (int piece = threadIdx.x; piece < PIECES; piece += blockDim.x) {
        const long_t at = row * HIDDEN + piece * PIECE;
        float sum[PIECE] = {0};
        struct piece to;
        add_choices(returned, back + row * CHOICES * PARTS, share + row * CHOICES, piece * PIECE,
                    sum);
        if (base)
            to = *(const struct piece *)(base + at);
        for (int i = 0; i < PIECE; ++i)
            to.e[i] = elem_store((base ? elem_load(to.e[i]) : 0.0f) + sum[i]);
        *(struct piece *)(out + at) = to;
    }
}
