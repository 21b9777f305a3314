/* moves: the names under which a module has the runtime's own functions, and how they are launched: as many blocks as
 * there is work for, up to a few for each multiprocessor. */
#include "cuda/moves_launch.h"

#define NAME(name) #name,
const char *const rt_cuda_moves_names[RT_CUDA_MOVES] = {RT_CUDA_MOVES_LIST(NAME)};
#undef NAME

enum {
    THREADS = 256,
    BLOCKS = 8, /* for each multiprocessor, at most */
};

/* Blocks for `work` threads' worth of work, where `rows` rows of them share the device. */
static uint32_t blocks(const rt_rank *rank, int64_t work, int64_t rows) {
    int64_t most = (int64_t)rt_cuda_processors(rank) * BLOCKS / (rows > 0 ? rows : 1);
    int64_t wanted = (work + THREADS - 1) / THREADS;
    most = most > 1 ? most : 1;
    return (uint32_t)(wanted < most ? wanted : most);
}

rt_status rt_moves_add_copy(rt_rank *rank, struct rt_copy_args *copies, void *to, const void *from,
                            int64_t bytes) {
    if (bytes == 0 || to == from)
        return RT_OK;
    if (copies->parts == RT_COPY_PARTS)
        RT_TRY(rt_moves_copy(rank, copies));
    copies->part[copies->parts++] = (struct rt_copy_part){to, from, bytes};
    return RT_OK;
}

rt_status rt_moves_copy(rt_rank *rank, struct rt_copy_args *copies) {
    int64_t most = 0;
    for (int i = 0; i < copies->parts; ++i)
        most = copies->part[i].bytes > most ? copies->part[i].bytes : most;
    if (copies->parts == 0)
        return RT_OK;
    rt_grid grid = {blocks(rank, most / 16 + 1, copies->parts), (uint32_t)copies->parts, 1, THREADS,
                    0};
    RT_TRY(rt_device_launch(rank, RT_CUDA_MOVES_rt_copy, grid, (void *[]){copies}));
    copies->parts = 0;
    return RT_OK;
}

rt_status rt_moves_add_term(rt_rank *rank, struct rt_sum_args *sum, const void *from) {
    if (sum->terms == RT_SUM_TERMS)
        return rt_fail(rank, RT_UNAVAILABLE,
                       "sums of more than %d ranks on one device are not there", RT_SUM_TERMS);
    sum->from[sum->terms++] = from;
    return RT_OK;
}

rt_status rt_moves_sum(rt_rank *rank, const struct rt_sum_args *sum) {
    rt_grid grid = {blocks(rank, sum->count, 1), 1, 1, THREADS, 0};
    return rt_device_launch(rank, RT_CUDA_MOVES_rt_sum, grid, (void *[]){(void *)sum});
}

rt_status rt_moves_add_count(rt_rank *rank, struct rt_counts_args *counts,
                             struct rt_counts_part part) {
    if (counts->parts == RT_COUNT_PARTS)
        RT_TRY(rt_moves_counts(rank, counts));
    counts->part[counts->parts++] = part;
    return RT_OK;
}

rt_status rt_moves_counts(rt_rank *rank, struct rt_counts_args *counts) {
    if (counts->parts == 0)
        return RT_OK;
    counts->tag = rt_cuda_tag(rank);
    counts->fault = rt_cuda_fault(rank);
    rt_grid grid = {1, 1, 1, RT_COUNT_PARTS, 0};
    RT_TRY(rt_device_launch(rank, RT_CUDA_MOVES_rt_counts, grid, (void *[]){counts}));
    counts->parts = 0;
    return RT_OK;
}

rt_status rt_moves_random(rt_rank *rank, const struct rt_random_args *random) {
    int64_t rows = random->rows < 65535 ? random->rows : 65535; /* the most of a grid's y */
    rt_grid grid = {blocks(rank, random->columns, 1), (uint32_t)rows, 1, THREADS, 0};
    return rt_device_launch(rank, RT_CUDA_MOVES_rt_random, grid, (void *[]){(void *)random});
}

rt_status rt_moves_apply(const rt_members *m, const rt_transfer_args *args,
                         const rt_transfer_item *item, const char *from) {
    rt_range range = rt_members_item(m, args, item);
    char *to = (char *)rt_at(m->rank, args->buffer) + range.begin;
    if (!item->sum) {
        struct rt_copy_args copies = {.parts = 0};
        RT_TRY(rt_moves_add_copy(m->rank, &copies, to, from, rt_range_bytes(range)));
        return rt_moves_copy(m->rank, &copies);
    }
    struct rt_sum_args sum = {.from = {to, from},
                              .to = to,
                              .count = rt_range_bytes(range) / rt_type_bytes(args->type),
                              .terms = 2,
                              .type = (int)args->type};
    return rt_moves_sum(m->rank, &sum);
}
