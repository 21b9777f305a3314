/* linear: rows times a weight matrix, plus a bias where there is one. */
#include "matmul.h"

rt_status kernel_linear(rt_rank *rank, const void *args) {
    const struct linear_args *a = args;
    const elem_t *weight = rt_at(rank, a->weight), *bias = at_or_null(rank, a->bias);
//% if view.dtype == "f32" then
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
//% else
    const elem_t *in = rt_at(rank, a->in);
    elem_t *out = rt_at(rank, a->out);
    float *workspace = rt_at(rank, a->workspace);
    int64_t tile = min_of(a->rows, TILE_LINEAR);
    float *x = carve(&workspace, tile * a->inputs);  /* [tile][inputs] */
    float *y = carve(&workspace, tile * a->outputs); /* [tile][outputs] */

    for (int64_t row = 0; row < a->rows; row += tile) {
        int64_t rows = min_of(tile, a->rows - row);
        load_row(x, in + row * a->inputs, rows * a->inputs);
        matmul_transposed(&(matmul){
            .rank = rank,
            .in = x,
            .in_stride = a->inputs,
            .weight = weight,
            .weight_stride = a->inputs,
            .out = y,
            .out_stride = a->outputs,
            .rows = rows,
            .inputs = a->inputs,
            .outputs = a->outputs,
            .scratch = workspace,
        });
        add_bias(y, bias, rows, a->outputs);
        store_row(out + row * a->outputs, y, rows * a->outputs);
    }
//% end
    return RT_OK;
}
