/* head: last rows gathered, their logits by cuBLAS, some rows at a time, and of each what the choice needs. Where the
 * logits of the whole prompt are wanted, they go to the host before. */
#include "choice.h"

enum { HEAD_PARTS = 32 }; /* of a row, whose best entries are found apart: the lanes of a warp */

struct work {
    const struct head_args *args;
    int64_t rows; /* at a time */
    int32_t *last;
    uint64_t *parts;
    void *gathered;
    float *logits;
};

static struct work work_of(rt_rank *rank, const struct head_args *a) {
    const int64_t all = (int64_t)a->sequences * a->tokens;
    const int64_t rows =
        max_of(min_of(max_of(a->sequences, min_of(all, TILE_HEAD)), TILE_LOGITS / a->entries), 1);
    float *workspace = rt_at(rank, a->workspace);
    struct work work = {.args = a, .rows = rows};
    work.last = (int32_t *)carve(&workspace, rows);
    work.parts = (uint64_t *)carve(&workspace, rows * HEAD_PARTS * 2);
    work.gathered = carve(&workspace, (rows * HIDDEN * ELEMENT_BYTES + 3) / 4);
    work.logits = carve(&workspace, rows * a->entries);
    return work;
}

static rt_status compute(rt_rank *rank, const struct work *work, const void *in, int64_t rows) {
    return rt_cuda_product(rank, &(rt_product){
                                     .in = in,
                                     .weight = rt_at(rank, work->args->weight),
                                     .out = work->logits,
                                     .in_stride = HIDDEN,
                                     .weight_stride = HIDDEN,
                                     .out_stride = work->args->entries,
                                     .rows = rows,
                                     .inputs = HIDDEN,
                                     .outputs = work->args->entries,
                                     .type = $(view.type),
                                     .out_type = RT_F32,
                                 });
}

/* Logits of all rows of a prompt, whose row t has position t or is masked. */
static rt_status all_logits(rt_rank *rank, const struct work *work) {
    const struct head_args *a = work->args;
    const int64_t all = (int64_t)a->sequences * a->tokens;
    const char *in = rt_at(rank, a->in);
    for (int64_t first = 0; first < all; first += work->rows) {
        const int64_t rows = min_of(work->rows, all - first);
        RT_TRY(compute(rank, work, in + first * HIDDEN * ELEMENT_BYTES, rows));
        for (int64_t row = first; row < first + rows; ++row) {
            float *to = rt_logits_row(rank, (int32_t)(a->first + row / a->tokens),
                                      (int32_t)(row % a->tokens));
            if (to)
                RT_TRY(rt_cuda_read(rank, to + a->entry_begin,
                                    work->logits + (row - first) * a->entries,
                                    (int64_t)a->entries * 4));
        }
    }
    return RT_OK;
}

/* Threads of a block that has so many entries, four or more a thread. */
static uint32_t threads_for(int64_t entries, uint32_t most) {
    uint32_t threads = 32 * blocks_of(entries, 4 * 32);
    return threads < most ? threads : most;
}

/* What the choice needs of `rows` sequences from `first` on, whose logits are there. */
static rt_status tell_best(rt_rank *rank, const struct work *work, const int32_t *last,
                           int64_t first, int64_t rows) {
    const struct head_args *a = work->args;
    const rt_choice *choice = rt_choice_of(rank);
    double temperature = choice->temperature;
    int32_t stride = (int32_t)choice_width(a->candidates);
    char *best = (char *)rt_at(rank, a->best) + first * stride * PAIR_BYTES;
    int32_t sequence = (int32_t)(a->first + first), tag = rt_cuda_tag(rank);
    struct rt_fault *fault = rt_cuda_fault(rank);
    if (choice_cuts(choice))
        return rt_cuda_launch(rank, F_HEAD_LIKELIEST,
                              grid_of((uint32_t)rows, threads_for(a->entries, 1024)),
                              (void *[]){(void *)&work->logits, &last, &best, (void *)&a->entries,
                                         (void *)&a->entry_begin, (void *)&a->candidates,
                                         &temperature, &sequence, &fault, &tag});
    const uint64_t *keys = rt_cuda_choice_keys(rank);
    rt_grid grid = grid_of((uint32_t)rows, threads_for(a->entries / HEAD_PARTS + 1, 256));
    grid.y = HEAD_PARTS;
    RT_TRY(rt_cuda_launch(rank, F_HEAD_PARTS, grid,
                          (void *[]){(void *)&work->logits, &last, &keys, (void *)&work->parts,
                                     (void *)&a->entries, (void *)&a->entry_begin, &temperature,
                                     &sequence, &fault, &tag}));
    return rt_cuda_launch(rank, F_HEAD_BEST, grid_of((uint32_t)rows, 32),
                          (void *[]){(void *)&work->parts, &best, &stride});
}

rt_status kernel_head(rt_rank *rank, const void *args) {
    const struct head_args *a = args;
    const struct work work = work_of(rank, a);
    if (rt_wants_logits(rank))
        RT_TRY(all_logits(rank, &work));
    for (int64_t first = 0; first < a->sequences; first += work.rows) {
        const int64_t rows = min_of(work.rows, a->sequences - first);
        const void *in = (char *)rt_at(rank, a->in) + first * a->tokens * HIDDEN * ELEMENT_BYTES;
        const int32_t *positions = (int32_t *)rt_at(rank, a->positions) + first * a->tokens;
        const int32_t *last = positions; /* of one row: -1 where it is masked */
        if (a->tokens > 1) {
            RT_TRY(rt_cuda_launch(rank, F_HEAD_LAST, grid_of_rows(rows),
                                  (void *[]){&in, &positions, (void *)&work.gathered,
                                             (void *)&work.last, (void *)&a->tokens}));
            in = work.gathered;
            last = work.last;
        }
        RT_TRY(compute(rank, &work, in, rows));
        RT_TRY(tell_best(rank, &work, last, first, rows));
    }
    return RT_OK;
}
