/* add: the residual connection. */
#include "kernel.h"

rt_status kernel_add(rt_rank *rank, const void *args) {
    const struct add_args *a = args;
    const elem_t *in = rt_at(rank, a->in);
    elem_t *out = rt_at(rank, a->out);

    for (int64_t i = 0; i < (int64_t)a->rows * HIDDEN; ++i)
        out[i] = elem_store(elem_load(out[i]) + elem_load(in[i]));
    return RT_OK;
}
