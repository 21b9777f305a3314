/* product: of a tile of up to TILE_GROUPED rows with TILE_OUTPUTS outputs, by a block of TILE_THREADS. What it
 * multiplies passes through shared memory, TILE_CHUNKS chunks of 16 bytes of each line at a time, while the next ones
 * are on their way. Each thread has sums [TILE_GROUPS][TILE_EACH], of rows and outputs that tile_row and tile_output
 * tell; groups of TILE_GROUP rows beyond those of the tile cost nothing. Sums are in float32, in one order whatever the
 * number of rows. */
#pragma once

#include "kernel.cuh"

enum {
    TILE_THREADS = 128,
    TILE_OUTPUTS = TILE_GROUPED,
    TILE_GROUP = 8,
    TILE_GROUPS = TILE_GROUPED / TILE_GROUP,
    TILE_EACH = 4,                    /* sums of a thread in a group of rows */
    TILE_CHUNK = 16 / sizeof(elem_t), /* elements */
    TILE_CHUNKS = 4,                  /* of a line, a step */
    TILE_STEP = TILE_CHUNKS * TILE_CHUNK,
    TILE_LOADS = TILE_GROUPED * TILE_CHUNKS / TILE_THREADS, /* chunks a thread, a step */
};

struct __align__(16) product_chunk {
    elem_t e[TILE_CHUNK];
};

/* Lines of the tile of which this thread brings a chunk each step, tile_line tells which; 0 where there is none. */
struct tile_lines {
    const elem_t *line[TILE_LOADS];
};

static __device__ __forceinline__ int tile_line(int load) {
    return (int)(threadIdx.x + load * TILE_THREADS) / TILE_CHUNKS;
}

/* Of each of its lines a thread brings this chunk: its first element. */
static __device__ __forceinline__ int tile_column() {
    return threadIdx.x % TILE_CHUNKS * TILE_CHUNK;
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

/* Elements [at, at + TILE_CHUNK) of a line of `inputs`, zeros past its end. `whole`: no chunk is cut, all are aligned */
static __device__ __forceinline__ struct product_chunk product_chunk_at(const elem_t *line, int at,
                                                                        int inputs, int whole) {
    struct product_chunk chunk;
    if (line && whole && at < inputs)
        return *(const struct product_chunk *)(line + at);
#pragma unroll
    for (int i = 0; i < TILE_CHUNK; ++i)
        chunk.e[i] = line && at + i < inputs ? line[at + i] : elem_store(0.0f);
    return chunk;
}

//% if view.dtype == "f32" then
#include "product_plain.cuh"
//% else
#include "product_tensor.cuh"
//% end
