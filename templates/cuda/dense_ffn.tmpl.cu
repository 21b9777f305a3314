/* dense_ffn: what goes between its products, and behind them. */
#include "activation.cuh"
#include "kernel.cuh"

/* A thread an element. up, gate, middle [rows][columns], `count` elements; biases [columns] or absent */
extern "C" __global__ void dense_activate(const float *up, const elem_t *up_bias, const float *gate,
                                          const elem_t *gate_bias, elem_t *middle, int columns,
                                          long_t count) {
    const long_t at = (long_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= count)
        return;
    const int column = (int)(at % columns);
    const float value = up[at] + (up_bias ? elem_load(up_bias[column]) : 0.0f);
//% if view.model.gated then
    const float open = gate[at] + (gate_bias ? elem_load(gate_bias[column]) : 0.0f);
    middle[at] = elem_store(value * activate(open));
//% else
    (void)gate, (void)gate_bias; /* this model has none */
    middle[at] = elem_store(activate(value));
//% end
}

/* A block a row: bias, and the sigmoid of the product of the row's input with `score`. y [rows][HIDDEN], in, out
 * [rows][HIDDEN], bias, score [HIDDEN] or absent */
extern "C" __global__ void dense_finish(const float *y, const elem_t *bias, const elem_t *score,
                                        const elem_t *in, elem_t *out) {
    const long_t row = (long_t)blockIdx.x * HIDDEN;
    float scale = 1;
    if (score) {
        float sum = 0;
        for (int i = threadIdx.x; i < HIDDEN; i += blockDim.x)
            sum += elem_load(in[row + i]) * elem_load(score[i]);
        scale = 1.0f / (1.0f + expf(-block_sum(sum)));
    }
    for (int i = threadIdx.x; i < HIDDEN; i += blockDim.x)
        out[row + i] = elem_store((y[row + i] + (bias ? elem_load(bias[i]) : 0.0f)) * scale);
}
