/* latent_norm: RMS norm of rows of any width, in place. */
#include "latent.h"

rt_status kernel_latent_norm(rt_rank *rank, const void *args) {
    const struct latent_norm_args *a = args;
    elem_t *latent = rt_at(rank, a->latent);
    const elem_t *weight = rt_at(rank, a->weight);

    for (int64_t row = 0; row < a->rows; ++row)
        norm_latent(latent + row * a->width, latent + row * a->width, weight, a->width);
    return RT_OK;
}
