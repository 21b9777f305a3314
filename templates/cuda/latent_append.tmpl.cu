/* latent_append: latents, normed, and the rotated key that all heads share into the cache; the last elements of each
 * query rotate where they lie. A block a row. */
#include "latent.cuh"
#include "rotate.cuh"

/* queries [sequences x tokens][heads x HEAD_DIM], latent [sequences x tokens][ENTRY], weight [KV_LATENT], positions
 * [sequences x tokens], latents [cached sequences][CONTEXT][ENTRY] */
extern "C" __global__ void latent_append(elem_t *queries, const elem_t *latent,
                                         const elem_t *weight, const int *positions,
                                         elem_t *latents, int tokens, int cache_first, int heads) {
    __shared__ struct turn turn;
    const int row = blockIdx.x, position = positions[row];
    if (position < 0) /* the whole block */
        return;
    turn_to(&turn, position);
    __syncthreads();
    rotate_heads(&turn, queries + (long_t)row * heads * HEAD_DIM + PLAIN_DIM, heads, HEAD_DIM);
    elem_t *entry = latents + (((long_t)cache_first + row / tokens) * CONTEXT + position) * ENTRY;
    latent += (long_t)row * ENTRY;
    norm_latent(entry, latent, weight, KV_LATENT);
    for (int i = threadIdx.x; i < ROPE_PAIRS; i += blockDim.x)
        rotate_pair(&turn, latent + KV_LATENT, entry + KV_LATENT, i);
}
