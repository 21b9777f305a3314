/* latent_norm: RMS norm of rows of any width, in place. A block a row. */
#include "latent.cuh"

/* latent [rows][width], weight [width] */
extern "C" __global__ void latent_norm(elem_t *latent, const elem_t *weight, int width) {
    latent += (long_t)blockIdx.x * width;
    norm_latent(latent, latent, weight, width);
}
