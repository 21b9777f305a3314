/* latent_norm: a block a row. */
#include "kernel.h"

rt_status kernel_latent_norm(rt_rank *rank, const void *args) {
    const struct latent_norm_args *a = args;
    void *latent = rt_at(rank, a->latent);
    const void *weight = rt_at(rank, a->weight);
    return rt_cuda_launch(rank, F_LATENT_NORM, grid_of((uint32_t)a->rows, 256),
                          (void *[]){&latent, &weight, (void *)&a->width});
}
