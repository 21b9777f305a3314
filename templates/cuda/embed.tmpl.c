/* embed: a block a row. */
#include "kernel.h"

rt_status kernel_embed(rt_rank *rank, const void *args) {
    const struct embed_args *a = args;
    const void *ids = rt_at(rank, a->ids), *positions = rt_at(rank, a->positions);
    const void *table = rt_at(rank, a->table);
    const void *position_table = at_or_null(rank, a->position_table);
    void *out = rt_at(rank, a->out);
    struct rt_fault *fault = rt_cuda_fault(rank);
    int32_t tag = rt_cuda_tag(rank);
    return rt_cuda_launch(rank, F_EMBED, grid_of_rows(a->rows),
                          (void *[]){&ids, &positions, &table, &position_table, &out,
                                     (void *)&a->entry_begin, (void *)&a->entries, &fault, &tag});
}
