/* embed: rows of the embedding, and of the table of positions where the model learned one. A row whose id is
 * held elsewhere counts as zero here, so that the sum over the holders is the embedding; its position is added all
 * the same: where rows are sums, one holder alone has positions, whosever the id is. */
#include "kernel.h"

rt_status kernel_embed(rt_rank *rank, const void *args) {
    const struct embed_args *a = args;
    const int32_t *ids = rt_at(rank, a->ids), *positions = rt_at(rank, a->positions);
    const elem_t *table = rt_at(rank, a->table);
    const elem_t *position_table = at_or_null(rank, a->position_table);
    elem_t *out = rt_at(rank, a->out);

    for (int64_t row = 0; row < a->rows; ++row, out += HIDDEN) {
        int64_t entry = (int64_t)ids[row] - a->entry_begin;
        if (positions[row] >= 0 && entry >= 0 && entry < a->entries)
            memcpy(out, table + entry * HIDDEN, HIDDEN * sizeof *out);
        else
            memset(out, 0, HIDDEN * sizeof *out);
        if (positions[row] < 0 || !position_table)
            continue;
        const elem_t *position = position_table + (int64_t)positions[row] * HIDDEN;
        for (int64_t i = 0; i < HIDDEN; ++i)
            out[i] = elem_store(elem_load(out[i]) + elem_load(position[i]));
    }
    return RT_OK;
}
