/* shim: CUDA C for a processor, as far as the kernels of emitted programs use it, so that they run where there is no
 * device. Included before a module's source by the stand-in's nvcc and NVRTC, which put SHIM_KERNEL lines behind it
 * (module.sh); shim.cpp runs what comes out. It gives names and meaning, not speed, and is strict where a device would
 * merely misbehave. It must not know any kernel. */
#pragma once

#include "shim_kernel.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Device code has none of these: NVRTC reads no headers. */
#undef INFINITY
#undef NAN
#undef HUGE_VALF
#undef M_PI
#undef NULL

/* --- what shim.cpp does for a thread of a block ---------------------------------------------------------- */

struct shim_dim {
    unsigned x, y, z;
};

enum shim_ask { SHIM_SYNC, SHIM_SHUFFLE, SHIM_BALLOT };

extern "C" {
/* Constant for a thread, which is a fibre with frames of its own. */
__attribute__((const)) const shim_dim *shim_thread(void);
__attribute__((const)) const shim_dim *shim_block(void);
__attribute__((const)) const shim_dim *shim_block_size(void);
__attribute__((const)) const shim_dim *shim_grid_size(void);

void shim_barrier(const char *file, int line);
/* All lanes of the mask that have not left come here with the same mask and question. A shuffle gives the value of lane
 * `from`, garbage of one that is not there; a ballot the lanes whose value is not 0. */
uint64_t shim_meet(shim_ask ask, unsigned mask, uint64_t value, int from, const char *file,
                   int line);
/* Pieces of `bytes` of all 32 lanes, [32][bytes], for emulations of tensor cores. */
void shim_gather(unsigned mask, const void *mine, size_t bytes, void *all, const char *file,
                 int line);
unsigned shim_live(void);
[[noreturn]] void shim_trap(const char *file, int line);
}

/* --- words of the language ------------------------------------------------------------------------------- */

#define __device__
#define __host__
#define __constant__
#define __shared__ thread_local /* a block runs in one thread at a time */
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __grid_constant__

typedef shim_dim dim3;
#define threadIdx (*shim_thread())
#define blockIdx (*shim_block())
#define blockDim (*shim_block_size())
#define gridDim (*shim_grid_size())
#define warpSize 32

#define SHIM_VECTOR2(name, type, bytes)                                                            \
    struct __align__(bytes) name {                                                                 \
        type x, y;                                                                                 \
    };                                                                                             \
    static inline name make_##name(type x, type y) {                                               \
        return {x, y};                                                                             \
    }
#define SHIM_VECTOR4(name, type, bytes)                                                            \
    struct __align__(bytes) name {                                                                 \
        type x, y, z, w;                                                                           \
    };                                                                                             \
    static inline name make_##name(type x, type y, type z, type w) {                               \
        return {x, y, z, w};                                                                       \
    }
SHIM_VECTOR2(char2, signed char, 2)
SHIM_VECTOR2(ushort2, unsigned short, 4)
SHIM_VECTOR2(int2, int, 8)
SHIM_VECTOR2(uint2, unsigned, 8)
SHIM_VECTOR2(float2, float, 8)
SHIM_VECTOR2(double2, double, 16)
SHIM_VECTOR2(longlong2, long long, 16)
SHIM_VECTOR2(ulonglong2, unsigned long long, 16)
SHIM_VECTOR4(ushort4, unsigned short, 8)
SHIM_VECTOR4(int4, int, 16)
SHIM_VECTOR4(uint4, unsigned, 16)
SHIM_VECTOR4(float4, float, 16)

/* --- barriers, votes, shuffles --------------------------------------------------------------------------- */

#define __syncthreads() shim_barrier(__FILE__, __LINE__)
#define __syncwarp(...) shim_sync_warp(__FILE__, __LINE__ __VA_OPT__(, ) __VA_ARGS__)
#define __shfl_sync(...) shim_shuffle(__FILE__, __LINE__, __VA_ARGS__)
#define __shfl_xor_sync(...) shim_shuffle_xor(__FILE__, __LINE__, __VA_ARGS__)
#define __shfl_down_sync(...) shim_shuffle_down(__FILE__, __LINE__, __VA_ARGS__)
#define __shfl_up_sync(...) shim_shuffle_up(__FILE__, __LINE__, __VA_ARGS__)
#define __ballot_sync(mask, value) shim_ballot(mask, (value) != 0, __FILE__, __LINE__)
#define __any_sync(mask, value) (shim_ballot(mask, (value) != 0, __FILE__, __LINE__) != 0)
#define __all_sync(mask, value) (shim_ballot(mask, (value) == 0, __FILE__, __LINE__) == 0)
#define __activemask() shim_live()
#define __trap() shim_trap(__FILE__, __LINE__)

static inline unsigned shim_thread_index() {
    const shim_dim *at = shim_thread(), *size = shim_block_size();
    return at->x + size->x * (at->y + size->y * at->z);
}

static inline int shim_lane() {
    return (int)(shim_thread_index() % 32);
}

static inline void shim_sync_warp(const char *file, int line, unsigned mask = 0xffffffffu) {
    shim_meet(SHIM_SYNC, mask, 0, 0, file, line);
}

static inline unsigned shim_ballot(unsigned mask, bool value, const char *file, int line) {
    return (unsigned)shim_meet(SHIM_BALLOT, mask, value, 0, file, line);
}

template <class T>
static inline T shim_take(const char *file, int line, unsigned mask, T value, int from) {
    static_assert(sizeof(T) <= 8, "what is shuffled has up to eight bytes");
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    bits = shim_meet(SHIM_SHUFFLE, mask, bits, from, file, line);
    memcpy(&value, &bits, sizeof value);
    return value;
}

template <class T>
static inline T shim_shuffle(const char *file, int line, unsigned mask, T value, int from,
                             int width = 32) {
    const int lane = shim_lane();
    return shim_take(file, line, mask, value, lane / width * width + (from & (width - 1)));
}

template <class T>
static inline T shim_shuffle_xor(const char *file, int line, unsigned mask, T value, int lanes,
                                 int width = 32) {
    const int lane = shim_lane(), from = lane ^ lanes;
    return shim_take(file, line, mask, value, from < (lane / width + 1) * width ? from : lane);
}

template <class T>
static inline T shim_shuffle_down(const char *file, int line, unsigned mask, T value, unsigned by,
                                  int width = 32) {
    const int lane = shim_lane(), from = lane + (int)by;
    return shim_take(file, line, mask, value, from < (lane / width + 1) * width ? from : lane);
}

template <class T>
static inline T shim_shuffle_up(const char *file, int line, unsigned mask, T value, unsigned by,
                                int width = 32) {
    const int lane = shim_lane(), from = lane - (int)by;
    return shim_take(file, line, mask, value, from >= lane / width * width ? from : lane);
}

/* --- memory ---------------------------------------------------------------------------------------------- */

#define __threadfence() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define __threadfence_block() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define __threadfence_system() __atomic_thread_fence(__ATOMIC_SEQ_CST)

#define SHIM_ATOMICS(type)                                                                         \
    static inline type atomicAdd(type *at, type value) {                                           \
        return __atomic_fetch_add(at, value, __ATOMIC_RELAXED);                                    \
    }                                                                                              \
    static inline type atomicSub(type *at, type value) {                                           \
        return __atomic_fetch_sub(at, value, __ATOMIC_RELAXED);                                    \
    }                                                                                              \
    static inline type atomicOr(type *at, type value) {                                            \
        return __atomic_fetch_or(at, value, __ATOMIC_RELAXED);                                     \
    }                                                                                              \
    static inline type atomicAnd(type *at, type value) {                                           \
        return __atomic_fetch_and(at, value, __ATOMIC_RELAXED);                                    \
    }                                                                                              \
    static inline type atomicExch(type *at, type value) {                                          \
        return __atomic_exchange_n(at, value, __ATOMIC_RELAXED);                                   \
    }                                                                                              \
    static inline type atomicCAS(type *at, type expected, type value) {                            \
        __atomic_compare_exchange_n(at, &expected, value, false, __ATOMIC_RELAXED,                 \
                                    __ATOMIC_RELAXED);                                             \
        return expected;                                                                           \
    }                                                                                              \
    static inline type atomicMax(type *at, type value) {                                           \
        type seen = __atomic_load_n(at, __ATOMIC_RELAXED);                                         \
        while (seen < value && !__atomic_compare_exchange_n(at, &seen, value, false,               \
                                                            __ATOMIC_RELAXED, __ATOMIC_RELAXED))   \
            ;                                                                                      \
        return seen;                                                                               \
    }                                                                                              \
    static inline type atomicMin(type *at, type value) {                                           \
        type seen = __atomic_load_n(at, __ATOMIC_RELAXED);                                         \
        while (seen > value && !__atomic_compare_exchange_n(at, &seen, value, false,               \
                                                            __ATOMIC_RELAXED, __ATOMIC_RELAXED))   \
            ;                                                                                      \
        return seen;                                                                               \
    }
SHIM_ATOMICS(int)
SHIM_ATOMICS(unsigned)
SHIM_ATOMICS(unsigned long long)

static inline float atomicAdd(float *at, float value) {
    unsigned *bits = (unsigned *)at, seen = __atomic_load_n(bits, __ATOMIC_RELAXED), next;
    float sum;
    do {
        memcpy(&sum, &seen, 4);
        sum += value;
        memcpy(&next, &sum, 4);
    } while (
        !__atomic_compare_exchange_n(bits, &seen, next, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    memcpy(&sum, &seen, 4);
    return sum;
}

static inline float atomicExch(float *at, float value) {
    unsigned bits;
    memcpy(&bits, &value, 4);
    bits = __atomic_exchange_n((unsigned *)at, bits, __ATOMIC_RELAXED);
    memcpy(&value, &bits, 4);
    return value;
}

/* What is read past a cache, or through one, or for the last time. */
#define SHIM_LOAD(name)                                                                            \
    template <class T> static inline T name(const T *at) {                                         \
        return *at;                                                                                \
    }
#define SHIM_STORE(name)                                                                           \
    template <class T> static inline void name(T *at, T value) {                                   \
        *at = value;                                                                               \
    }
SHIM_LOAD(__ldg)
SHIM_LOAD(__ldca)
SHIM_LOAD(__ldcg)
SHIM_LOAD(__ldcs)
SHIM_LOAD(__ldcv)
SHIM_STORE(__stcg)
SHIM_STORE(__stcs)
SHIM_STORE(__stwb)
SHIM_STORE(__stwt)

/* --- numbers --------------------------------------------------------------------------------------------- */

#define SHIM_BITS(name, to, from)                                                                  \
    static inline to name(from value) {                                                            \
        to bits;                                                                                   \
        memcpy(&bits, &value, sizeof bits);                                                        \
        return bits;                                                                               \
    }
SHIM_BITS(__float_as_uint, unsigned, float)
SHIM_BITS(__float_as_int, int, float)
SHIM_BITS(__uint_as_float, float, unsigned)
SHIM_BITS(__int_as_float, float, int)
SHIM_BITS(__double_as_longlong, long long, double)
SHIM_BITS(__longlong_as_double, double, long long)

#define SHIM_CHOOSE(type)                                                                          \
    static inline type min(type a, type b) {                                                       \
        return b < a ? b : a;                                                                      \
    }                                                                                              \
    static inline type max(type a, type b) {                                                       \
        return a < b ? b : a;                                                                      \
    }
SHIM_CHOOSE(int)
SHIM_CHOOSE(unsigned)
SHIM_CHOOSE(long)
SHIM_CHOOSE(unsigned long)
SHIM_CHOOSE(long long)
SHIM_CHOOSE(unsigned long long)
static inline float min(float a, float b) {
    return fminf(a, b);
}
static inline float max(float a, float b) {
    return fmaxf(a, b);
}
static inline double min(double a, double b) {
    return fmin(a, b);
}
static inline double max(double a, double b) {
    return fmax(a, b);
}

#define SHIM_FLOAT1(name, value)                                                                   \
    static inline float name(float a) {                                                            \
        return value;                                                                              \
    }
#define SHIM_FLOAT2(name, value)                                                                   \
    static inline float name(float a, float b) {                                                   \
        return value;                                                                              \
    }
/* The C library has some of these names. */
#define __expf shim_expf
#define __exp10f shim_exp10f
#define __logf shim_logf
#define __log2f shim_log2f
#define __log10f shim_log10f
#define __sinf shim_sinf
#define __cosf shim_cosf
#define __tanf shim_tanf
#define __powf shim_powf
SHIM_FLOAT1(__expf, expf(a))
SHIM_FLOAT1(__exp10f, powf(10.0f, a))
SHIM_FLOAT1(__logf, logf(a))
SHIM_FLOAT1(__log2f, log2f(a))
SHIM_FLOAT1(__log10f, log10f(a))
SHIM_FLOAT1(__sinf, sinf(a))
SHIM_FLOAT1(__cosf, cosf(a))
SHIM_FLOAT1(__tanf, tanf(a))
SHIM_FLOAT1(rsqrtf, 1.0f / sqrtf(a))
SHIM_FLOAT1(__frsqrt_rn, 1.0f / sqrtf(a))
SHIM_FLOAT1(__frcp_rn, 1.0f / a)
SHIM_FLOAT1(__fsqrt_rn, sqrtf(a))
SHIM_FLOAT1(__saturatef, a<0 ? 0 : a> 1 ? 1 : a)
SHIM_FLOAT2(__powf, powf(a, b))
SHIM_FLOAT2(__fdividef, a / b)
SHIM_FLOAT2(fdividef, a / b)
SHIM_FLOAT2(__fdiv_rn, a / b)
SHIM_FLOAT2(__fadd_rn, a + b)
SHIM_FLOAT2(__fsub_rn, a - b)
SHIM_FLOAT2(__fmul_rn, a *b)

static inline float __fmaf_rn(float a, float b, float c) {
    return fmaf(a, b, c);
}
static inline double rsqrt(double a) {
    return 1.0 / sqrt(a);
}
static inline double __dadd_rn(double a, double b) {
    return a + b;
}
static inline double __dmul_rn(double a, double b) {
    return a * b;
}
static inline double __fma_rn(double a, double b, double c) {
    return fma(a, b, c);
}
static inline float __int2float_rn(int a) {
    return (float)a;
}
static inline float __uint2float_rn(unsigned a) {
    return (float)a;
}
static inline int __float2int_rn(float a) {
    return (int)rintf(a);
}
static inline int __float2int_rd(float a) {
    return (int)floorf(a);
}
static inline double __ull2double_rn(unsigned long long a) {
    return (double)a;
}

static inline int __popc(unsigned a) {
    return __builtin_popcount(a);
}
static inline int __popcll(unsigned long long a) {
    return __builtin_popcountll(a);
}
static inline int __clz(int a) {
    return a == 0 ? 32 : __builtin_clz((unsigned)a);
}
static inline int __clzll(long long a) {
    return a == 0 ? 64 : __builtin_clzll((unsigned long long)a);
}
static inline int __ffs(int a) {
    return __builtin_ffs(a);
}
static inline int __ffsll(long long a) {
    return __builtin_ffsll(a);
}
static inline unsigned __brev(unsigned a) {
    unsigned bits = 0;
    for (int i = 0; i < 32; ++i)
        bits |= (a >> i & 1u) << (31 - i);
    return bits;
}
static inline unsigned __umulhi(unsigned a, unsigned b) {
    return (unsigned)((uint64_t)a * b >> 32);
}
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)((unsigned __int128)a * b >> 64);
}

/* --- a module's table ------------------------------------------------------------------------------------ */

template <size_t... Index> struct shim_indices {};
template <size_t Count, size_t... Index>
struct shim_count : shim_count<Count - 1, Count - 1, Index...> {};
template <size_t... Index> struct shim_count<0, Index...> { typedef shim_indices<Index...> type; };

template <class... Types, size_t... Index>
static inline void shim_apply(void (*kernel)(Types...), void **arguments, shim_indices<Index...>) {
    (void)arguments;
    kernel(*(Types *)arguments[Index]...);
}

template <class... Types> static inline void shim_call(void (*kernel)(Types...), void **arguments) {
    shim_apply(kernel, arguments, typename shim_count<sizeof...(Types)>::type());
}

template <class... Types> struct shim_sizes {
    static constexpr size_t values[] = {sizeof(Types)..., 0};
};

template <class... Types> static constexpr int shim_parameters(void (*)(Types...)) {
    return (int)sizeof...(Types);
}

template <class... Types> static constexpr const size_t *shim_sizes_of(void (*)(Types...)) {
    return shim_sizes<Types...>::values;
}

#define SHIM_KERNEL(name)                                                                          \
    {#name, [](void **arguments) { shim_call(name, arguments); }, shim_parameters(name),           \
     shim_sizes_of(name)},

/* The most dynamic shared memory of a block that any device of the last three families gives, and a guard. */
enum { SHIM_DYNAMIC = 227 * 1024, SHIM_GUARD = 256 };
