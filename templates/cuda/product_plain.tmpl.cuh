/* product_plain: the tiles' product without tensor cores, for float32; see product.cuh. The next step's chunks wait in
 * registers. */
#pragma once

enum { TILE_PITCH = TILE_STEP + 1 }; /* no two lines that are read at once begin in one bank */

/* A warp has two rows of a group and sixteen outputs, four times. */
static __device__ __forceinline__ int tile_row(int group, int sum) {
    (void)sum;
    return group * TILE_GROUP + threadIdx.x / 16;
}

static __device__ __forceinline__ int tile_output(int sum) {
    return sum * 16 + threadIdx.x % 16;
}

static __device__ __forceinline__ void product_load(const struct tile_lines *from, int at,
                                                    int inputs, int whole,
                                                    struct product_chunk *to) {
#pragma unroll
    for (int load = 0; load < TILE_LOADS; ++load)
        to[load] = product_chunk_at(from->line[load], at + tile_column(), inputs, whole);
}

/* To shared memory, [TILE_GROUPED][TILE_PITCH]. */
static __device__ __forceinline__ void product_store(const struct product_chunk *from, elem_t *to) {
#pragma unroll
    for (int load = 0; load < TILE_LOADS; ++load)
#pragma unroll
        for (int i = 0; i < TILE_CHUNK; ++i)
            to[tile_line(load) * TILE_PITCH + tile_column() + i] = from[load].e[i];
}

/* Add the products of a step. */
static __device__ __forceinline__ void tile_multiply(const elem_t *in, const elem_t *weight,
                                                     int rows,
                                                     float (&sums)[TILE_GROUPS][TILE_EACH]) {
    in += tile_row(0, 0) * TILE_PITCH;
    weight += tile_output(0) * TILE_PITCH;
#pragma unroll 4
    for (int k = 0; k < TILE_STEP; ++k) {
        float w[TILE_EACH];
#pragma unroll
        for (int j = 0; j < TILE_EACH; ++j)
            w[j] = weight[j * 16 * TILE_PITCH + k];
#pragma unroll
        for (int g = 0; g < TILE_GROUPS; ++g)
            if (g * TILE_GROUP < rows) {
                const float x = in[g * TILE_GROUP * TILE_PITCH + k];
#pragma unroll
                for (int j = 0; j < TILE_EACH; ++j)
                    sums[g][j] += x * w[j];
            }
    }
}

/* sums = in x weight^T, lines of `inputs` elements; all threads of the block must call, with the same numbers. */
static __device__ __forceinline__ void tile_product(const struct tile_lines *in,
                                                    const struct tile_lines *weight, int inputs,
                                                    int whole, int rows, const elem_t *any,
                                                    float (&sums)[TILE_GROUPS][TILE_EACH]) {
    __shared__ elem_t shared_in[TILE_GROUPED * TILE_PITCH];
    __shared__ elem_t shared_weight[TILE_OUTPUTS * TILE_PITCH];
    struct product_chunk next_in[TILE_LOADS], next_weight[TILE_LOADS];
#pragma unroll
    for (int i = 0; i < TILE_GROUPS * TILE_EACH; ++i)
        sums[i / TILE_EACH][i % TILE_EACH] = 0;
    (void)any; /* nothing is brought from where nothing is */
    product_load(in, 0, inputs, whole, next_in);
    product_load(weight, 0, inputs, whole, next_weight);
    for (int k = 0; k < inputs; k += TILE_STEP) {
        __syncthreads(); /* the last step has been read */
        product_store(next_in, shared_in);
        product_store(next_weight, shared_weight);
        __syncthreads();
        if (k + TILE_STEP < inputs) {
            product_load(in, k + TILE_STEP, inputs, whole, next_in);
            product_load(weight, k + TILE_STEP, inputs, whole, next_weight);
        }
        tile_multiply(shared_in, shared_weight, rows, sums);
    }
}
