/* linear: the bias in every row, to which the product is then added in float32: elements are rounded once. */
#include "kernel.cuh"

/* out [rows][outputs], bias [outputs]; `span` elements of a row a block, `spans` blocks a row */
extern "C" __global__ void linear_bias(const elem_t *bias, elem_t *out, int outputs, int span,
                                       int spans) {
    const int row = blockIdx.x / spans, first = (int)(blockIdx.x % spans) * span;
    const int count = outputs - first < span ? outputs - first : span;
    copy_elements(out + (long_t)row * outputs + first, bias + first, count, threadIdx.x,
                  blockDim.x);
}
