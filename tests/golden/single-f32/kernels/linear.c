/* linear: rows times a weight matrix, plus a bias where there is one. */
#include "matmul.h"

rt_status kernel_linear(rt_rank *rank, const void *args) {
    const struct linear_args *a = args;
    const elem_t *weight = rt_at(rank, a->weight), *bias = at_or_null(rank, a->bias);
    float *out = rt_at(rank, a->out);
    matmul_transposed(&(matmul){
        .rank = rank,
        .in = rt_at(rank, a->in),
        .in_stride = a->inputs,
        .weight = weight,
        .weight_stride = a->inputs,
        .out = out,
        .out_stride = a->outputs,
        .rows = a->rows,
        .inputs = a->inputs,
        .outputs = a->outputs,
    });
    add_bias(out, bias, a->rows, a->outputs);
    return RT_OK;
}
