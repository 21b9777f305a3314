/* expert_lists: which rows an expert gets, from what came with them, and where their results go. Lists are in the order
 * of sources, rows and choices: what comes out is the same each time. */
#pragma once

#include "scan.cuh"
#include "windows.cuh"

/* Rows of a slot: entries [first, first + rows) of the list. */
struct row_tile {
    int slot, first, rows;
};

/* Of a source's window: where the result of each choice goes, -1 where the choice is not here; by row, then choice. A
 * block a source. meta, to [bound][CHOICES], counts, out_counts [sources] */
extern "C" __global__ void expert_returns(const int *meta, const int *counts,
                                          const struct source_windows windows, int *to,
                                          int *out_counts, int held, struct rt_fault *fault,
                                          int tag) {
    const int source = blockIdx.x, first = windows.first[source];
    const int bound = windows.first[source + 1] - first;
    const int each = min(CHOICES, held), most = bound * each;
    int rows = counts[source], results = 0;
    if (rows < 0 || rows > bound) {
        if (threadIdx.x == 0)
            tell(fault, RT_FAULT_COUNT, tag, rows, bound);
        rows = rows < 0 ? 0 : bound;
    }
    meta += (long_t)first * CHOICES;
    to += (long_t)first * CHOICES;
    for (int at = 0; at < bound; at += blockDim.x) {
        const int row = at + threadIdx.x;
        int count = 0, all;
        for (int k = 0; row < rows && k < CHOICES; ++k) {
            const int slot = meta[row * CHOICES + k];
            if (slot >= held)
                tell(fault, RT_FAULT_SLOT, tag, slot);
            count += slot >= 0;
        }
        int result = results + block_scan(count, &all);
        for (int k = 0; row < bound && k < CHOICES; ++k) {
            const bool here = row < rows && meta[row * CHOICES + k] >= 0;
            to[row * CHOICES + k] = here && result < most ? first * each + result : -1;
            result += here;
        }
        results += all;
    }
    if (threadIdx.x == 0) {
        if (results > most)
            tell(fault, RT_FAULT_COUNT, tag, results, most);
        out_counts[source] = min(results, most);
    }
}

/* Choices of each slot; a block a slot, `first` is the first of them. sizes [slots] */
extern "C" __global__ void expert_count(const int *meta, const int *to, int *sizes, int first,
                                        int bound) {
    const int slot = first + blockIdx.x;
    int count = 0;
    for (int i = threadIdx.x; i < bound * CHOICES; i += blockDim.x)
        count += meta[i] == slot && to[i] >= 0;
    count = block_total(count);
    if (threadIdx.x == 0)
        sizes[blockIdx.x] = count;
}

/* The tiles of a slot; where its entries begin. The last slot says how many tiles there are. */
static __device__ inline int list_tiles(const int *sizes, struct row_tile *tiles, int *tile_count) {
    const int slot = blockIdx.x, size = sizes[slot];
    int before = 0, tiles_before = 0;
    for (int i = threadIdx.x; i < slot; i += blockDim.x) {
        before += sizes[i];
        tiles_before += (sizes[i] + TILE_GROUPED - 1) / TILE_GROUPED;
    }
    before = block_total(before);
    tiles_before = block_total(tiles_before);
    const int count = (size + TILE_GROUPED - 1) / TILE_GROUPED;
    for (int i = threadIdx.x; i < count; i += blockDim.x)
        tiles[tiles_before + i] = {slot, before + i * TILE_GROUPED,
                                   min((int)TILE_GROUPED, size - i * TILE_GROUPED)};
    if (threadIdx.x == 0 && slot == (int)gridDim.x - 1)
        *tile_count = tiles_before + count;
    return before;
}

/* The choices of each slot in order, and its tiles; a block a slot. list: choices [bound x CHOICES] by number */
extern "C" __global__ void expert_list(const int *meta, const int *to, const int *sizes, int *list,
                                       struct row_tile *tiles, int *tile_count, int first,
                                       int bound) {
    const int slot = first + blockIdx.x;
    int next = list_tiles(sizes, tiles, tile_count);
    if (sizes[blockIdx.x] == 0)
        return;
    for (int at = 0; at < bound; at += blockDim.x) {
        const int row = at + threadIdx.x;
        int mine = 0, count = 0, all;
        for (int k = 0; row < bound && k < CHOICES; ++k)
            mine += meta[row * CHOICES + k] == slot && to[row * CHOICES + k] >= 0;
        count = next + block_scan(mine, &all);
        for (int k = 0; mine > 0 && k < CHOICES; ++k)
            if (meta[row * CHOICES + k] == slot && to[row * CHOICES + k] >= 0)
                list[count++] = row * CHOICES + k;
        next += all;
    }
}
