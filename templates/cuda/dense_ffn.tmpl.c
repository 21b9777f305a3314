/* dense_ffn: products of a tile of rows at a time, what goes between them element by element. Where columns are cut
 * over a group, `out` is this rank's part of a sum. */
#include "kernel.h"

/* out [rows][outputs] = in [rows][inputs] x weight [outputs][inputs]^T, in float32 */
static rt_status project(rt_rank *rank, const void *in, const void *weight, float *out,
                         int64_t rows, int64_t inputs, int64_t outputs) {
    return rt_cuda_product(rank, &(rt_product){
                                     .in = in,
                                     .weight = weight,
                                     .out = out,
                                     .in_stride = inputs,
                                     .weight_stride = inputs,
                                     .out_stride = outputs,
                                     .rows = rows,
                                     .inputs = inputs,
                                     .outputs = outputs,
                                     .type = $(view.type),
                                     .out_type = RT_F32,
                                 });
}

rt_status kernel_dense_ffn(rt_rank *rank, const void *args) {
    const struct dense_ffn_args *a = args;
    const char *in = rt_at(rank, a->in);
    char *out = rt_at(rank, a->out);
    const void *gate_weight = at_or_null(rank, a->gate), *up_weight = rt_at(rank, a->up);
    const void *gate_bias = at_or_null(rank, a->gate_bias), *up_bias = at_or_null(rank, a->up_bias);
    const void *down = rt_at(rank, a->down), *down_bias = at_or_null(rank, a->down_bias);
    const void *score = at_or_null(rank, a->score);
    float *workspace = rt_at(rank, a->workspace);
    const int64_t tile = min_of(a->rows, TILE_DENSE);
    float *up = carve(&workspace, tile * a->columns);   /* [tile][columns] */
    float *gate = carve(&workspace, tile * a->columns); /* [tile][columns] */
    float *y = carve(&workspace, tile * HIDDEN);        /* [tile][H] */
    void *middle = workspace;                           /* E [tile][columns] */
    int32_t columns = a->columns;

    for (int64_t row = 0; row < a->rows; row += tile) {
        const int64_t rows = min_of(tile, a->rows - row);
        int64_t inner = rows * columns;
        RT_TRY(project(rank, in, up_weight, up, rows, HIDDEN, columns));
//% if view.model.gated then
        RT_TRY(project(rank, in, gate_weight, gate, rows, HIDDEN, columns));
//% end
        RT_TRY(rt_cuda_launch(
            rank, F_DENSE_ACTIVATE, (rt_grid){blocks_of(inner, 256), 1, 1, 256, 0},
            (void *[]){&up, &up_bias, &gate, &gate_bias, &middle, &columns, &inner}));
        RT_TRY(project(rank, middle, down, y, rows, columns, HIDDEN));
        RT_TRY(rt_cuda_launch(rank, F_DENSE_FINISH, (rt_grid){(uint32_t)rows, 1, 1, 256, 0},
                              (void *[]){&y, &down_bias, &score, &in, &out}));
        in += rows * HIDDEN * $(view.element_bytes);
        out += rows * HIDDEN * $(view.element_bytes);
    }
//% if not view.model.gated then
    (void)gate_weight; /* this model has none */
//% end
    return RT_OK;
}
