/* kernel: what the host side of the CUDA kernels shares: ids of the module's functions, sizes of grids, areas of the
 * workspace. */
#pragma once

#include "../constants.h"
#include "../ops.h"
#include "../program.h"

#include "rt_cuda.h"

/* Functions of the module (kernels/module.cu), by index. */
enum {
//% for _, item in ipairs(view.cuda_functions) do
    F_$(item.macro),
//% end
    FUNCTIONS,
};

/* Address of a slab offset on the device; NULL for a buffer that is absent. */
static inline void *at_or_null(const rt_rank *rank, int64_t offset) {
    return offset < 0 ? NULL : rt_at(rank, offset);
}

static inline int64_t min_of(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t max_of(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Blocks of `size` that hold `count`. */
static inline uint32_t blocks_of(int64_t count, int64_t size) {
    return (uint32_t)((count + size - 1) / size);
}

/* A block a row of HIDDEN elements, of which a thread takes a piece (piece.cuh) or more. */
//% local most = 16 // view.element_bytes
//% local piece = view.model.hidden % most == 0 and most or view.model.hidden % 4 == 0 and 4 or 1 + (view.model.hidden + 1) % 2
enum {
    ELEMENT_BYTES = $(view.element_bytes),
    PIECES = HIDDEN / $(piece), /* a row */
    ROW_WARPS = (PIECES + 31) / 32,
    ROW_THREADS = 32 * (ROW_WARPS < 2    ? 2
                        : ROW_WARPS < 16 ? ROW_WARPS
                                         : 16),
};

static inline rt_grid grid_of_rows(int64_t rows) {
    return (rt_grid){.x = (uint32_t)rows, .y = 1, .z = 1, .threads = ROW_THREADS};
}

/* `blocks` blocks along x, the one direction that has room for any number. */
static inline rt_grid grid_of(uint32_t blocks, uint32_t threads) {
    return (rt_grid){.x = blocks, .y = 1, .z = 1, .threads = threads};
}

/* The next area of the workspace: `count` floats, aligned. gen sized the workspace by the same rule. */
static inline float *carve(float **workspace, int64_t count) {
    float *area = *workspace;
    *workspace += (count + WORKSPACE_ALIGN - 1) / WORKSPACE_ALIGN * WORKSPACE_ALIGN;
    return area;
}
