/* expert_ffn: lists of choices by slot, then both products of PASS_TILES tiles at a time. */
#include "kernel.h"
#include "windows.cuh"

/* What the products are given. */
struct lists {
    int32_t *to, *list, *sizes, *tiles, *tile_count;
    void *middle;
    int64_t most; /* tiles */
};

static struct lists carve_lists(rt_rank *rank, const struct expert_ffn_args *a) {
    float *workspace = rt_at(rank, a->workspace);
    const int64_t bound = a->bound, most = bound * min_of(CHOICES, a->held);
    struct lists lists = {.most = min_of(most, most / TILE_GROUPED + a->slots)};
    lists.to = (int32_t *)carve(&workspace, bound * CHOICES);   /* [bound][choices] */
    lists.list = (int32_t *)carve(&workspace, most);            /* [results] */
    lists.sizes = (int32_t *)carve(&workspace, a->slots);       /* [slots] */
    lists.tiles = (int32_t *)carve(&workspace, 3 * lists.most); /* [tiles]: slot, entries */
    lists.tile_count = (int32_t *)carve(&workspace, 1);
    lists.middle = workspace; /* [tiles of a pass][TILE_GROUPED][columns] */
    return lists;
}

static rt_status list_choices(rt_rank *rank, const struct expert_ffn_args *a, struct lists *lists) {
    const rt_exchange *exchange = &exchanges[a->exchange];
    const void *meta = rt_at(rank, a->meta), *counts = rt_at(rank, a->counts);
    void *out_counts = rt_at(rank, a->out_counts);
    struct rt_fault *fault = rt_cuda_fault(rank);
    int32_t tag = rt_cuda_tag(rank), held = a->held, first = a->first, bound = a->bound;
    struct source_windows windows = {{0}};
    for (int s = 0; s < exchange->sources; ++s)
        windows.first[s + 1] = windows.first[s] + exchange->source[s].count;
    if (windows.first[exchange->sources] != bound)
        return rt_fail(rank, RT_SOFTWARE, "exchange %s: windows of %d rows, bound %d",
                       exchange->name, windows.first[exchange->sources], bound);

    RT_TRY(rt_cuda_launch(
        rank, F_EXPERT_RETURNS, (rt_grid){(uint32_t)exchange->sources, 1, 1, 256, 0},
        (void *[]){&meta, &counts, &windows, &lists->to, &out_counts, &held, &fault, &tag}));
    const rt_grid slots = {(uint32_t)a->slots, 1, 1, 256, 0};
    RT_TRY(rt_cuda_launch(rank, F_EXPERT_COUNT, slots,
                          (void *[]){&meta, &lists->to, &lists->sizes, &first, &bound}));
    return rt_cuda_launch(rank, F_EXPERT_LIST, slots,
                          (void *[]){&meta, &lists->to, &lists->sizes, &lists->list, &lists->tiles,
                                     &lists->tile_count, &first, &bound});
}

/* May rows of `inputs` elements be read in pieces of 16 bytes? */
static int32_t is_whole(int64_t inputs, const void *const *buffers, int count) {
    int32_t whole = inputs * $(view.element_bytes) % 16 == 0;
    for (int i = 0; i < count; ++i)
        whole = whole && (uintptr_t)buffers[i] % 16 == 0;
    return whole;
}

rt_status kernel_expert_ffn(rt_rank *rank, const void *args) {
    const struct expert_ffn_args *a = args;
    const void *in = rt_at(rank, a->in), *up = rt_at(rank, a->up), *down = rt_at(rank, a->down);
    const void *gate = at_or_null(rank, a->gate), *gate_bias = at_or_null(rank, a->gate_bias);
    const void *up_bias = at_or_null(rank, a->up_bias);
    const void *down_bias = at_or_null(rank, a->down_bias);
    void *out = rt_at(rank, a->out);
    int32_t columns = a->columns;
    struct lists lists = carve_lists(rank, a);
    int32_t whole_in = is_whole(HIDDEN, (const void *[]){in, gate, up}, 3);
    int32_t whole_middle = is_whole(columns, (const void *[]){lists.middle, down}, 2);

    RT_TRY(list_choices(rank, a, &lists));
    for (int32_t begin = 0; begin < lists.most; begin += PASS_TILES) {
        const uint32_t tiles = (uint32_t)min_of(PASS_TILES, lists.most - begin);
        RT_TRY(rt_cuda_launch(
            rank, F_EXPERT_UP, (rt_grid){tiles, blocks_of(columns, TILE_GROUPED), 1, 128, 0},
            (void *[]){&in, &lists.list, &lists.tiles, &lists.tile_count, &gate, &gate_bias, &up,
                       &up_bias, &lists.middle, &columns, &begin, &whole_in}));
        RT_TRY(rt_cuda_launch(
            rank, F_EXPERT_DOWN, (rt_grid){tiles, blocks_of(HIDDEN, TILE_GROUPED), 1, 128, 0},
            (void *[]){&lists.middle, &lists.list, &lists.to, &lists.tiles, &lists.tile_count,
                       &down, &down_bias, &out, &columns, &begin, &whole_middle}));
    }
    return RT_OK;
}
