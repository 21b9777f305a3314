/* attend: what the host sides of the kernels of attention share: parts that the cache is read in. */
#pragma once

#include "kernel.h"
#include "tiles.cuh"

/* As workspace_parts of gen/schedule/workspace_cuda.c, which sized the workspace. */
static inline int32_t parts_of(int64_t blocks) {
    return (int32_t)min_of(blocks_of(SPLIT_BLOCKS, blocks), blocks_of(CONTEXT, SPLIT_KEYS));
}
