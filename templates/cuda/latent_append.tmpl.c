/* latent_append: a block a row. */
#include "kernel.h"

rt_status kernel_latent_append(rt_rank *rank, const void *args) {
    const struct latent_append_args *a = args;
    void *queries = rt_at(rank, a->queries), *latents = rt_at(rank, a->latents);
    const void *latent = rt_at(rank, a->latent), *weight = rt_at(rank, a->weight);
    const void *positions = rt_at(rank, a->positions);
    return rt_cuda_launch(
        rank, F_LATENT_APPEND, grid_of((uint32_t)a->sequences * (uint32_t)a->tokens, 256),
        (void *[]){&queries, &latent, &weight, &positions, &latents, (void *)&a->tokens,
                   (void *)&a->cache_first, (void *)&a->heads});
}
