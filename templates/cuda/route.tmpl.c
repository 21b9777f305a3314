/* route: logits of a tile of rows, then a warp a row. */
#include "kernel.h"

rt_status kernel_route(rt_rank *rank, const void *args) {
    const struct route_args *a = args;
    const char *in = rt_at(rank, a->in);
    const int32_t *positions = rt_at(rank, a->positions);
    int32_t *choice = rt_at(rank, a->choice);
    float *share = rt_at(rank, a->share), *workspace = rt_at(rank, a->workspace);
    const void *weight = rt_at(rank, a->weight), *score = at_or_null(rank, a->score);
    const void *correction = at_or_null(rank, a->correction);
    const int64_t tile = min_of(a->rows, TILE_SCORES);
    float *logits = carve(&workspace, tile * EXPERTS); /* [tile][experts] */
    float *by = carve(&workspace, tile * EXPERTS);     /* [tile][experts]: what a row chooses by */

    for (int64_t first = 0; first < a->rows; first += tile) {
        int32_t rows = (int32_t)min_of(tile, a->rows - first);
        RT_TRY(rt_cuda_launch(rank, F_ROUTE_SCORES,
                              (rt_grid){blocks_of(EXPERTS, 4), blocks_of(rows, 8), 1, 256, 0},
                              (void *[]){&in, &weight, &logits, &rows}));
        RT_TRY(rt_cuda_launch(rank, F_ROUTE_CHOOSE, (rt_grid){blocks_of(rows, 4), 1, 1, 128, 0},
                              (void *[]){&logits, &by, &correction, &in, &score, &positions,
                                         &choice, &share, &rows}));
        in += rows * HIDDEN * $(view.element_bytes);
        positions += rows;
        choice += rows * CHOICES;
        share += rows * CHOICES;
    }
    return RT_OK;
}
