/* dense_ffn: all rows through the columns of a feed-forward that are held here, a tile of rows at a time. Where
 * columns are cut over a group, `out` is this rank's part of a sum. */
#include "activation.h"
#include "matmul.h"

/* out [rows][outputs] = in [rows][inputs] x weight [outputs][inputs]^T + bias */
static void project(rt_rank *rank, const float *in, float *out, float *scratch, int64_t weight,
                    int64_t bias, int64_t rows, int64_t inputs, int64_t outputs) {
    matmul_transposed(&(matmul){
        .rank = rank,
        .in = in,
        .in_stride = inputs,
        .weight = rt_at(rank, weight),
        .weight_stride = inputs,
        .out = out,
        .out_stride = outputs,
        .rows = rows,
        .inputs = inputs,
        .outputs = outputs,
        .scratch = scratch,
    });
    add_bias(out, at_or_null(rank, bias), rows, outputs);
}

/* Each row of `out` by the sigmoid of the product of its input with `score`. */
static void scale_rows(const elem_t *score, const float *in, float *out, int64_t rows) {
    for (int64_t row = 0; score && row < rows; ++row) {
        float sum = 0;
        for (int64_t i = 0; i < HIDDEN; ++i)
            sum += in[row * HIDDEN + i] * elem_load(score[i]);
        float scale = 1.0f / (1.0f + expf(-sum));
        for (int64_t i = 0; i < HIDDEN; ++i)
            out[row * HIDDEN + i] *= scale;
    }
}

rt_status kernel_dense_ffn(rt_rank *rank, const void *args) {
    const struct dense_ffn_args *a = args;
    const elem_t *in = rt_at(rank, a->in);
    elem_t *out = rt_at(rank, a->out);
    float *workspace = rt_at(rank, a->workspace);
    int64_t tile = min_of(a->rows, TILE_LINEAR);
    float *x = carve(&workspace, tile * HIDDEN);
    float *y = carve(&workspace, tile * HIDDEN);
    float *up = carve(&workspace, tile * a->columns);
    float *gate = carve(&workspace, tile * a->columns);

    for (int64_t row = 0; row < a->rows; row += tile) {
        int64_t rows = min_of(tile, a->rows - row), inner = rows * a->columns;
        load_row(x, in + row * HIDDEN, rows * HIDDEN);
        project(rank, x, up, workspace, a->up, a->up_bias, rows, HIDDEN, a->columns);
//% if view.model.gated then
        project(rank, x, gate, workspace, a->gate, a->gate_bias, rows, HIDDEN, a->columns);
        for (int64_t i = 0; i < inner; ++i)
            up[i] *= activate(gate[i]);
//% else
        (void)gate;
        for (int64_t i = 0; i < inner; ++i)
            up[i] = activate(up[i]);
//% end
        project(rank, up, y, workspace, a->down, a->down_bias, rows, a->columns, HIDDEN);
        scale_rows(at_or_null(rank, a->score), x, y, rows);
        store_row(out + row * HIDDEN, y, rows * HIDDEN);
    }
    return RT_OK;
}
