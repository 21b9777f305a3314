/* latent_append: latents, normed, and the rotated key that all heads share into the cache; the last elements of each
 * query rotate where they lie. */
#include "latent.h"
#include "rotate.h"

rt_status kernel_latent_append(rt_rank *rank, const void *args) {
    const struct latent_append_args *a = args;
    const int32_t *positions = rt_at(rank, a->positions);
    const elem_t *latent = rt_at(rank, a->latent), *weight = rt_at(rank, a->weight);
    elem_t *queries = rt_at(rank, a->queries), *latents = rt_at(rank, a->latents);
    const int64_t width = (int64_t)a->heads * HEAD_DIM;
    struct turn turn;

    turn_begin(&turn);
    for (int64_t row = 0; row < (int64_t)a->sequences * a->tokens; ++row) {
        int32_t position = positions[row];
        if (position < 0)
            continue;
        turn_to(&turn, position);
        for (int64_t head = 0; head < a->heads; ++head)
            rotate(&turn, queries + row * width + head * HEAD_DIM + PLAIN_DIM);
        elem_t *entry =
            latents + ((a->cache_first + row / a->tokens) * CONTEXT + position) * ENTRY;
        norm_latent(entry, latent + row * ENTRY, weight, KV_LATENT);
        memcpy(entry + KV_LATENT, latent + row * ENTRY + KV_LATENT, ROPE_DIM * sizeof *entry);
        rotate(&turn, entry + KV_LATENT);
    }
    return RT_OK;
}
