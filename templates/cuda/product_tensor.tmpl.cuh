/* product_tensor: the tiles' product by tensor cores, for 16-bit elements; see product.cuh. Outputs are the rows of
 * their matrices and rows the columns, so that few rows are few columns. TILE_STAGES steps are in shared memory or on
 * their way there: where rows are few it is the weights on their way that keep the memory busy. */
#pragma once

#include "mma.cuh"

enum {
    TILE_STAGES = 4,
    TILE_PITCH =
        TILE_STEP + TILE_CHUNK, /* eight lines that are read at once lie in banks of their own */
    TILE_STAGE = TILE_GROUPED * TILE_PITCH,
};

/* As mma has its sums: a warp has sixteen outputs. */
static __device__ __forceinline__ int tile_row(int group, int sum) {
    return group * TILE_GROUP + threadIdx.x % 4 * 2 + sum % 2;
}

static __device__ __forceinline__ int tile_output(int sum) {
    return (int)threadIdx.x / WARP * 16 + (int)threadIdx.x % WARP / 4 + sum / 2 * 8;
}

/* Begin to bring a step of some lines to a stage; where chunks are cut, bring it. `any`: an address that can be read */
static __device__ __forceinline__ void product_begin(const struct tile_lines *from, int at,
                                                     int inputs, int whole, const elem_t *any,
                                                     elem_t *stage) {
    at += tile_column();
#pragma unroll
    for (int load = 0; load < TILE_LOADS; ++load) {
        const elem_t *line = from->line[load];
        elem_t *to = stage + tile_line(load) * TILE_PITCH + tile_column();
        const bool there = line && at < inputs;
        if (whole)
            copy_async(to, there ? line + at : any, there);
        else
            *(struct product_chunk *)to = product_chunk_at(line, at, inputs, whole);
    }
}

/* Add the products of a step. */
static __device__ __forceinline__ void tile_multiply(const elem_t *in, const elem_t *weight,
                                                     int rows,
                                                     float (&sums)[TILE_GROUPS][TILE_EACH]) {
    const int lane = threadIdx.x % WARP;
    weight += ((int)threadIdx.x / WARP * 16 + lane % 16) * TILE_PITCH + lane / 16 * 8;
    in += (lane % 8 + lane / 16 * 8) * TILE_PITCH + lane / 8 % 2 * 8;
#pragma unroll
    for (int k = 0; k < TILE_STEP; k += 16) {
        word_t a[4], b[4];
        load_matrices(a, weight + k);
#pragma unroll
        for (int g = 0; g < TILE_GROUPS; g += 2)
            if (g * TILE_GROUP < rows) {
                load_matrices(b, in + g * TILE_GROUP * TILE_PITCH + k);
                mma(sums[g], a, b[0], b[1]);
                if ((g + 1) * TILE_GROUP < rows)
                    mma(sums[g + 1], a, b[2], b[3]);
            }
    }
}

/* sums = in x weight^T, lines of `inputs` elements; all threads of the block must call, with the same numbers. */
static __device__ __forceinline__ void tile_product(const struct tile_lines *in,
                                                    const struct tile_lines *weight, int inputs,
                                                    int whole, int rows, const elem_t *any,
                                                    float (&sums)[TILE_GROUPS][TILE_EACH]) {
    __shared__ __align__(16) elem_t stages_in[TILE_STAGES][TILE_STAGE];
    __shared__ __align__(16) elem_t stages_weight[TILE_STAGES][TILE_STAGE];
#pragma unroll
    for (int i = 0; i < TILE_GROUPS * TILE_EACH; ++i)
        sums[i / TILE_EACH][i % TILE_EACH] = 0;
    __syncthreads(); /* the stages of the last product have been read */
    for (int step = 0; step < TILE_STAGES - 1; ++step) {
        product_begin(in, step * TILE_STEP, inputs, whole, any, stages_in[step]);
        product_begin(weight, step * TILE_STEP, inputs, whole, any, stages_weight[step]);
        copies_close();
    }
    for (int step = 0; step * TILE_STEP < inputs; ++step) {
        const int next = step + TILE_STAGES - 1;
        copies_left<TILE_STAGES - 2>();
        __syncthreads(); /* this step is there, and the one before has been read */
        product_begin(in, next * TILE_STEP, inputs, whole, any, stages_in[next % TILE_STAGES]);
        product_begin(weight, next * TILE_STEP, inputs, whole, any,
                      stages_weight[next % TILE_STAGES]);
        copies_close();
        tile_multiply(stages_in[step % TILE_STAGES], stages_weight[step % TILE_STAGES], rows, sums);
    }
    copies_left<0>(); /* of steps past the end */
}
