/* kernel: what the CUDA kernels share: the element type, 16 bytes at a time, sums over warps and blocks, faults.
 * Elements are stored as $(view.dtype); all arithmetic is in float32 unless a kernel says otherwise. Nothing here needs
 * a header of the toolkit, so that nvcc and NVRTC read the same. All kernels of a program are one translation unit: what
 * a kernel has for itself bears its name. */
#pragma once

#include "../constants.h"
#include "rt_fault.h"

typedef unsigned int word_t;
typedef long long long_t;
typedef unsigned long long wide_t;

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
/* The product, with 2^112, moves the exponent's bias and makes subnormals normal; infinities and NaN get their exponent
 * back. */
static __device__ __forceinline__ float elem_load(elem_t value) {
    word_t bits = (word_t)(value & 0x7fffu) << 13;
    bits = __float_as_uint(__uint_as_float(bits) * __uint_as_float(0x77800000u));
    bits |= (value & 0x7c00u) == 0x7c00u ? 0x7f800000u : 0u;
    return __uint_as_float(bits | (word_t)(value & 0x8000u) << 16);
}

/* To nearest, ties to even; overflow is infinity. Below 2^-14 the sum with 0.5 leaves the rounded fraction in place. */
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

/* --- 16 bytes at a time: one load or store of a thread -------------------------------------------------- */

/* Where it is known only when a kernel runs whether elements begin on 16 bytes; rows of HIDDEN are pieces (piece.cuh). */
enum { WIDE = 16 / (int)sizeof(elem_t) };

struct alignas(16) wide {
    elem_t e[WIDE];
};

static __device__ __forceinline__ bool lies_wide(const void *at) {
    return (wide_t)at % sizeof(struct wide) == 0;
}

/* Copy elements; thread `index` of `threads` that all call. */
static __device__ inline void copy_elements(elem_t *to, const elem_t *from, int count, int index,
                                            int threads) {
    int done = 0;
    if (lies_wide(to) && lies_wide(from)) {
        for (int i = index; i < count / WIDE; i += threads)
            ((struct wide *)to)[i] = ((const struct wide *)from)[i];
        done = count / WIDE * WIDE;
    }
    for (int i = done + index; i < count; i += threads)
        to[i] = from[i];
}

static __device__ __forceinline__ float infinity() {
    return __uint_as_float(0x7f800000u);
}

/* --- all lanes of a warp, all threads of a block; all must call ----------------------------------------- */

static __device__ __forceinline__ float warp_sum(float value) {
    for (int lanes = WARP / 2; lanes > 0; lanes /= 2)
        value += __shfl_xor_sync(FULL, value, lanes);
    return value;
}

static __device__ __forceinline__ double warp_sum(double value) {
    for (int lanes = WARP / 2; lanes > 0; lanes /= 2)
        value += __shfl_xor_sync(FULL, value, lanes);
    return value;
}

static __device__ __forceinline__ float warp_most(float value) {
    for (int lanes = WARP / 2; lanes > 0; lanes /= 2)
        value = fmaxf(value, __shfl_xor_sync(FULL, value, lanes));
    return value;
}

static __device__ __forceinline__ wide_t warp_most(wide_t value) {
    for (int lanes = WARP / 2; lanes > 0; lanes /= 2) {
        wide_t other = __shfl_xor_sync(FULL, value, lanes);
        value = other > value ? other : value;
    }
    return value;
}

/* Blocks have up to 1024 threads, a multiple of WARP. All threads get the same bits, and in the same order of sums
 * whatever the device. The first barrier is for `parts`, which may still be read from the last call. */
static __device__ inline float block_sum(float value) {
    __shared__ float parts[WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    value = warp_sum(value);
    __syncthreads();
    if (lane == 0)
        parts[warp] = value;
    __syncthreads();
    return warp_sum(lane < (int)(blockDim.x / WARP) ? parts[lane] : 0.0f);
}

/* Of two numbers at once. */
static __device__ inline void block_sums(double *one, double *other) {
    __shared__ double parts[2][WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    *one = warp_sum(*one);
    *other = warp_sum(*other);
    __syncthreads();
    if (lane == 0) {
        parts[0][warp] = *one;
        parts[1][warp] = *other;
    }
    __syncthreads();
    *one = warp_sum(lane < (int)(blockDim.x / WARP) ? parts[0][lane] : 0.0);
    *other = warp_sum(lane < (int)(blockDim.x / WARP) ? parts[1][lane] : 0.0);
}

static __device__ inline double block_sum(double value) {
    __shared__ double parts[WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    value = warp_sum(value);
    __syncthreads();
    if (lane == 0)
        parts[warp] = value;
    __syncthreads();
    return warp_sum(lane < (int)(blockDim.x / WARP) ? parts[lane] : 0.0);
}

static __device__ inline wide_t block_most(wide_t value) {
    __shared__ wide_t parts[WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    value = warp_most(value);
    __syncthreads();
    if (lane == 0)
        parts[warp] = value;
    __syncthreads();
    return warp_most(lane < (int)(blockDim.x / WARP) ? parts[lane] : (wide_t)0);
}

/* --- faults ---------------------------------------------------------------------------------------------- */

/* Tell what is wrong; whoever tells first is heard. */
static __device__ inline void tell(struct rt_fault *fault, int code, int tag, int value,
                                   float number = 0) {
    if (atomicCAS(&fault->code, RT_FAULT_NONE, code) != RT_FAULT_NONE)
        return;
    fault->tag = tag;
    fault->value = value;
    fault->number = number;
}
