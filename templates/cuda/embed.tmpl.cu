/* embed: a block a row. A row whose id is held elsewhere counts as zero here, so that the sum over the holders is the
 * embedding; its position is added all the same: where rows are sums, one holder alone has positions, whosever the id
 * is. */
#include "piece.cuh"

/* ids, positions [rows], table [entries][HIDDEN] of the entries from entry_begin, position_table [positions][HIDDEN] or
 * NULL, out [rows][HIDDEN] */
extern "C" __global__ void embed(const int *ids, const int *positions, const elem_t *table,
                                 const elem_t *position_table, elem_t *out, int entry_begin,
                                 int entries, struct rt_fault *fault, int tag) {
    const int row = blockIdx.x, id = ids[row], position = positions[row];
    const long_t entry = (long_t)id - entry_begin;
    const bool held = position >= 0 && entry >= 0 && entry < entries;
    const struct piece *from = (const struct piece *)(table + (held ? entry : 0) * HIDDEN);
    const bool placed = position >= 0 && position_table;
    const struct piece *place =
        (const struct piece *)(placed ? position_table + (long_t)position * HIDDEN : from->e);
    struct piece *to = (struct piece *)(out + (long_t)row * HIDDEN);

    if (threadIdx.x == 0 && position >= 0 && (id < 0 || id >= VOCABULARY))
        tell(fault, RT_FAULT_ENTRY, tag, id);
    for (int p = threadIdx.x; p < PIECES; p += blockDim.x) {
        struct piece x = {};
        if (held)
            x = from[p];
        if (placed) {
            const struct piece other = place[p];
            for (int i = 0; i < PIECE; ++i)
                x.e[i] = elem_store(elem_load(x.e[i]) + elem_load(other.e[i]));
        }
        to[p] = x;
    }
}
