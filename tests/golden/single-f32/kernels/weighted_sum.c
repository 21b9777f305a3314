/* weighted_sum: the results of a row's experts on top of its base, in order of choice, the column parts of
 * an expert in order of columns. The order is that of the model, whatever the placement. */
#include "kernel.h"

enum { BLOCK = 256 }; /* columns summed at a time, in registers and on the stack */

/* Add elements [column, column + count) of a row's results to `sum`. */
static void add_choices(const elem_t *returned, const int32_t *back, const float *share, float *sum,
                        int64_t column, int64_t count) {
    for (int k = 0; k < CHOICES; ++k, back += PARTS) {
        float expert[BLOCK] = {0};
        for (int part = 0; part < PARTS; ++part) {
            const elem_t *from = returned + (int64_t)back[part] * HIDDEN + column;
            for (int64_t i = 0; back[part] >= 0 && i < count; ++i)
                expert[i] += elem_load(from[i]);
        }
        for (int64_t i = 0; i < count; ++i)
            sum[i] += share[k] * expert[i];
    }
}

rt_status kernel_weighted_sum(rt_rank *rank, const void *args) {
    const struct weighted_sum_args *a = args;
    const elem_t *returned = rt_at(rank, a->returned);
    const int32_t *back = rt_at(rank, a->back);
    const float *share = rt_at(rank, a->share);
    const elem_t *base = at_or_null(rank, a->base); /* may be `out` itself */
    elem_t *out = rt_at(rank, a->out);

    for (int64_t row = 0; row < a->rows; ++row, out += HIDDEN) {
        for (int64_t column = 0; column < HIDDEN; column += BLOCK) {
            float sum[BLOCK] = {0};
            int64_t count = min_of(BLOCK, HIDDEN - column);
            add_choices(returned, back + row * CHOICES * PARTS, share + row * CHOICES, sum, column,
                        count);
            for (int64_t i = column; i < column + count; ++i)
                out[i] = elem_store((base ? elem_load(base[i]) : 0.0f) + sum[i - column]);
        }
        base = base ? base + HIDDEN : NULL;
    }
    return RT_OK;
}
