/* product: of a tile of TILE_GROUPED rows with as many outputs, by a block of TILE_THREADS. What it multiplies passes
 * through shared memory, TILE_CHUNKS chunks of 16 bytes a row at a time, while the next ones are on their way. Each thread has
 * sums [TILE_GROUPS][TILE_EACH], of rows and outputs that tile_row and tile_output tell; groups of TILE_GROUP rows beyond
 * those of the tile cost nothing. Sums are in float32, in one order whatever the number of rows.
//% if view.dtype == "f32" then
 * Here by plain products. */
//% else
 * Here by tensor cores, with outputs as their rows and rows as their columns, so that few rows are few columns. */
//% end
#pragma once

#include "kernel.cuh"
//% if view.dtype ~= "f32" then
#include "mma.cuh"
//% end

enum {
    TILE_THREADS = 128,
    TILE_OUTPUTS = TILE_GROUPED,
    TILE_GROUP = 8,
    TILE_GROUPS = TILE_GROUPED / TILE_GROUP,
    TILE_EACH = 4, /* sums of a thread in a group of rows */
    TILE_CHUNK = 16 / sizeof(elem_t), /* elements */
    TILE_CHUNKS = 4,
    TILE_STEP = TILE_CHUNKS * TILE_CHUNK,
//% if view.dtype == "f32" then
    TILE_PITCH = TILE_STEP + 1, /* no two rows that are read at once in one bank */
//% else
    TILE_PITCH = TILE_STEP + TILE_CHUNK, /* likewise */
//% end
    TILE_LOADS = TILE_GROUPED * TILE_CHUNKS / TILE_THREADS, /* chunks a thread */
};

struct __align__(16) product_chunk {
    elem_t e[TILE_CHUNK];
};

/* Of the lines whose chunks this thread brings, where each begins; 0 past the end. */
struct tile_lines {
    const elem_t *line[TILE_LOADS];
};

/* Which row of a tile the thread's chunk `load` is in. */
static __device__ __forceinline__ int tile_line(int load) {
    return (int)(threadIdx.x + load * TILE_THREADS) / TILE_CHUNKS;
}

/* Elements [at, at + TILE_CHUNK) of a line of `inputs`, zeros past its end. `whole`: no chunk is cut, all are aligned. */
static __device__ __forceinline__ struct product_chunk product_chunk_at(const elem_t *line, int at,
                                                                        int inputs, int whole) {
    struct product_chunk chunk;
    if (line && whole && at < inputs)
        return *(const struct product_chunk *)(line + at);
    for (int i = 0; i < TILE_CHUNK; ++i)
        chunk.e[i] = line && at + i < inputs ? line[at + i] : elem_store(0.0f);
    return chunk;
}

static __device__ __forceinline__ void product_load(const struct tile_lines *from, int at,
                                                    int inputs, int whole,
                                                    struct product_chunk *to) {
    const int column = at + threadIdx.x % TILE_CHUNKS * TILE_CHUNK;
#pragma unroll
    for (int load = 0; load < TILE_LOADS; ++load)
        to[load] = product_chunk_at(from->line[load], column, inputs, whole);
}

/* To shared memory, [TILE_GROUPED][TILE_PITCH]. */
static __device__ __forceinline__ void product_store(const struct product_chunk *from, elem_t *to) {
#pragma unroll
    for (int load = 0; load < TILE_LOADS; ++load) {
        elem_t *at = to + tile_line(load) * TILE_PITCH + threadIdx.x % TILE_CHUNKS * TILE_CHUNK;
//% if view.dtype == "f32" then
#pragma unroll
        for (int i = 0; i < TILE_CHUNK; ++i)
            at[i] = from[load].e[i];
//% else
        *(struct product_chunk *)at = from[load];
//% end
    }
}

//% if view.dtype == "f32" then
/* A warp has two rows of a group and sixteen outputs, four times. */
static __device__ __forceinline__ int tile_row(int group, int sum) {
    (void)sum;
    return group * TILE_GROUP + threadIdx.x / 16;
}

static __device__ __forceinline__ int tile_output(int sum) {
    return sum * 16 + threadIdx.x % 16;
}

/* Add the products of a step. */
static __device__ __forceinline__ void tile_multiply(const elem_t *in, const elem_t *weight, int rows,
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
//% else
/* As mma has its sums: a warp has sixteen outputs. */
static __device__ __forceinline__ int tile_row(int group, int sum) {
    return group * TILE_GROUP + threadIdx.x % 4 * 2 + sum % 2;
}

static __device__ __forceinline__ int tile_output(int sum) {
    return (int)threadIdx.x / WARP * 16 + (int)threadIdx.x % WARP / 4 + sum / 2 * 8;
}

/* Two elements beside each other. */
static __device__ __forceinline__ word_t two_elements(const elem_t *at) {
    return *(const word_t *)at;
}

/* Add the products of a step. */
static __device__ __forceinline__ void tile_multiply(const elem_t *in, const elem_t *weight, int rows,
                                                     float (&sums)[TILE_GROUPS][TILE_EACH]) {
    const int group = threadIdx.x % WARP / 4, pair = threadIdx.x % 4 * 2;
    in += group * TILE_PITCH + pair;
    weight += tile_output(0) * TILE_PITCH + pair;
#pragma unroll
    for (int k = 0; k < TILE_STEP; k += 16) {
        const word_t a[4] = {
            two_elements(weight + k),
            two_elements(weight + 8 * TILE_PITCH + k),
            two_elements(weight + k + 8),
            two_elements(weight + 8 * TILE_PITCH + k + 8),
        };
#pragma unroll
        for (int g = 0; g < TILE_GROUPS; ++g)
            if (g * TILE_GROUP < rows) {
                const elem_t *x = in + g * TILE_GROUP * TILE_PITCH + k;
                mma(sums[g], a, two_elements(x), two_elements(x + 8));
            }
    }
}
//% end

/* sums = in x weight^T, lines of `inputs` elements; all threads of the block must call, with the same numbers. */
static __device__ __forceinline__ void tile_product(const struct tile_lines *in,
                                                    const struct tile_lines *weight, int inputs,
                                                    int whole, int rows, float (&sums)[TILE_GROUPS][TILE_EACH]) {
    __shared__ __align__(16) elem_t shared_in[TILE_GROUPED * TILE_PITCH];
    __shared__ __align__(16) elem_t shared_weight[TILE_OUTPUTS * TILE_PITCH];
    struct product_chunk next_in[TILE_LOADS], next_weight[TILE_LOADS];
#pragma unroll
    for (int i = 0; i < TILE_GROUPS * TILE_EACH; ++i)
        sums[i / TILE_EACH][i % TILE_EACH] = 0;
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

/* Lines of a matrix [outputs][inputs] from output `first` on. */
static __device__ __forceinline__ struct tile_lines weight_lines(const elem_t *weight, int first,
                                                                 int outputs, int inputs) {
    struct tile_lines lines;
#pragma unroll
    for (int load = 0; load < TILE_LOADS; ++load) {
        const int output = first + tile_line(load);
        lines.line[load] = output < outputs ? weight + (long_t)output * inputs : 0;
    }
    return lines;
}
