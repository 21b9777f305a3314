/* pack: a block a target counts, then finds a place for each row and result; then a warp a row of a window. */
#include "kernel.h"
#include "windows.cuh"

rt_status kernel_pack(rt_rank *rank, const void *args) {
    const struct pack_args *a = args;
    const rt_exchange *exchange = &exchanges[a->exchange];
    const void *table = rt_cuda_table(rank, routes[a->routes]);
    const void *in = rt_at(rank, a->in), *choice = rt_at(rank, a->choice);
    void *send_rows = rt_at(rank, a->send_rows), *send_meta = rt_at(rank, a->send_meta);
    void *counts = rt_at(rank, a->send_counts), *returns = rt_at(rank, a->returns);
    void *back = rt_at(rank, a->back);
    int32_t rows = a->rows, exact = exchange->exact;
    const uint32_t targets = (uint32_t)exchange->targets;
    struct target_windows results = {{0}};
    int first = 0;
    for (int t = 0; t < exchange->targets; ++t) {
        results.first[t] = first;
        first += rows * (int32_t)min_of(CHOICES, exchange->target[t].count);
    }

    RT_TRY(rt_cuda_launch(rank, F_PACK_COUNT, (rt_grid){targets, 1, 1, 256, 0},
                          (void *[]){&choice, &table, &counts, &returns, &rows}));
    RT_TRY(rt_cuda_launch(rank, F_PACK_PLACE, (rt_grid){targets, 1, 1, 256, 0},
                          (void *[]){&choice, &table, &counts, &returns, &results, &send_meta,
                                     &back, &rows, &exact}));
    return rt_cuda_launch(
        rank, F_PACK_ROWS, (rt_grid){blocks_of(rows, 8), targets, 1, 256, 0},
        (void *[]){&in, &choice, &table, &counts, &send_rows, &send_meta, &rows, &exact});
}
