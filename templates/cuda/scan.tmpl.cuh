/* scan: counts over the threads of a block, in their order, so that what they say is the same each time. */
#pragma once

#include "kernel.cuh"

/* The sum of `value` over the threads before this one; *total: over all of the block. Blocks of up to 1024 threads, a
 * multiple of WARP; all must call. */
static __device__ inline int block_scan(int value, int *total) {
    __shared__ int warps[WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    int sum = value, before = 0, all = 0;
    for (int lanes = 1; lanes < WARP; lanes *= 2) {
        const int other = __shfl_up_sync(FULL, sum, lanes);
        sum += lane >= lanes ? other : 0;
    }
    __syncthreads(); /* warps may still be read from the last call */
    if (lane == WARP - 1)
        warps[warp] = sum;
    __syncthreads();
    for (int i = 0; i < (int)(blockDim.x / WARP); ++i) {
        before += i < warp ? warps[i] : 0;
        all += warps[i];
    }
    *total = all;
    return before + sum - value;
}

/* The sum over the block, in all its threads. */
static __device__ inline int block_total(int value) {
    int total;
    block_scan(value, &total);
    return total;
}

/* The sum over a warp, in all its lanes; all must call. */
static __device__ __forceinline__ int warp_total(int value) {
    for (int lanes = WARP / 2; lanes > 0; lanes /= 2)
        value += __shfl_xor_sync(FULL, value, lanes);
    return value;
}
