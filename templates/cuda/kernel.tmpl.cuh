/* kernel: what the CUDA kernels share: the element type, sums over warps and blocks, faults. Elements are stored as
 * $(view.dtype); all arithmetic is in float32 unless a kernel says otherwise. Nothing here needs a header of the
 * toolkit, so that nvcc and NVRTC read the same. */
#pragma once

#include "../constants.h"
#include "rt_fault.h"

typedef unsigned int word_t;
typedef long long long_t;

enum { WARP = 32 };

/* clang-format off */
#define FULL 0xffffffffu
/* clang-format on */

//% if view.dtype == "f32" then
typedef float elem_t;

static __device__ __forceinline__ float elem_load(elem_t value) {
    return value;
}

static __device__ __forceinline__ elem_t elem_store(float value) {
    return value;
}
//% else
typedef unsigned short elem_t;

//%   if view.dtype == "bf16" then
static __device__ __forceinline__ float elem_load(elem_t value) {
    return __uint_as_float((word_t)value << 16);
}

/* To nearest, ties to even; NaN stays NaN. */
static __device__ __forceinline__ elem_t elem_store(float value) {
    word_t bits = __float_as_uint(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (elem_t)(bits >> 16 | 0x40u);
    return (elem_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}
//%   else
static __device__ __forceinline__ float elem_load(elem_t value) {
    word_t bits = (word_t)(value & 0x7fffu) << 13;
    float number = __uint_as_float(bits) * 0x1p112f;
    bits = __float_as_uint(number) | ((value & 0x7c00u) == 0x7c00u ? 0x7f800000u : 0u);
    return __uint_as_float(bits | (word_t)(value & 0x8000u) << 16);
}

/* To nearest, ties to even: by the addition that pushes out what does not fit; overflow is infinity. */
static __device__ __forceinline__ elem_t elem_store(float value) {
    word_t bits = __float_as_uint(value), sign = bits & 0x80000000u;
    bits ^= sign;
    word_t half;
    if (bits >= 0x47800000u)
        half = bits > 0x7f800000u ? 0x7e00u : 0x7c00u;
    else if (bits < 0x38800000u)
        half = __float_as_uint(__uint_as_float(bits) + 0.5f) - 0x3f000000u;
    else
        half = (bits + 0xc8000fffu + (bits >> 13 & 1u)) >> 13;
    return (elem_t)(half | sign >> 16);
}
//%   end
//% end

/* The sum over a warp, in all its lanes; all must call. */
static __device__ __forceinline__ float warp_sum(float value) {
    for (int lanes = WARP / 2; lanes > 0; lanes /= 2)
        value += __shfl_xor_sync(FULL, value, lanes);
    return value;
}

static __device__ __forceinline__ float warp_most(float value) {
    for (int lanes = WARP / 2; lanes > 0; lanes /= 2)
        value = fmaxf(value, __shfl_xor_sync(FULL, value, lanes));
    return value;
}

/* The sum over a block of up to 1024 threads, a multiple of WARP, in all of them; all must call. */
static __device__ __forceinline__ float block_sum(float value) {
    __shared__ float parts[WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    value = warp_sum(value);
    __syncthreads(); /* parts may still be read from the last call */
    if (lane == 0)
        parts[warp] = value;
    __syncthreads();
    value = lane < (int)(blockDim.x / WARP) ? parts[lane] : 0.0f;
    return warp_sum(value);
}

/* Tell what is wrong; whoever tells first is heard. */
static __device__ inline void tell(struct rt_fault *fault, int code, int tag, int value) {
    if (atomicCAS(&fault->code, RT_FAULT_NONE, code) != RT_FAULT_NONE)
        return;
    fault->tag = tag;
    fault->value = value;
}
