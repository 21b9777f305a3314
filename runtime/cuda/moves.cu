/* moves: what the runtime itself does on a device: copies of ranges, sums, counts of windows, random weights (moves.h). It
 * stands before the kernels of a program in its module and shares nothing with them: types are arguments here, for a
 * move may carry others than the program's. */
#include "cuda/moves.h"

/* --- elements of any type: as rt_format.h converts them, to the bit ------------------------------------------ */

enum { RT_MOVES_F32, RT_MOVES_BF16, RT_MOVES_F16 }; /* rt_type */

static __device__ __forceinline__ float rt_moves_from_f16(unsigned short value) {
    /* as a float with too small an exponent, by 112; what has the largest is infinite or no number */
    unsigned int bits = (unsigned int)(value & 0x7fffu) << 13;
    bits = __float_as_uint(__uint_as_float(bits) * 0x1p112f);
    bits |= (value & 0x7c00u) == 0x7c00u ? 0x7f800000u : 0u;
    return __uint_as_float(bits | (unsigned int)(value & 0x8000u) << 16);
}

static __device__ __forceinline__ unsigned short rt_moves_to_f16(float value) {
    unsigned int bits = __float_as_uint(value), sign = bits & 0x80000000u, half;
    bits ^= sign;
    if (bits >= 0x47800000u)
        half = bits > 0x7f800000u ? 0x7e00u : 0x7c00u;
    else if (bits < 0x38800000u)
        half = __float_as_uint(__uint_as_float(bits) + 0.5f) - 0x3f000000u;
    else
        half = (bits + 0xc8000fffu + (bits >> 13 & 1u)) >> 13;
    return (unsigned short)(half | sign >> 16);
}

static __device__ __forceinline__ unsigned short rt_moves_to_bf16(float value) {
    unsigned int bits = __float_as_uint(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (unsigned short)(bits >> 16 | 0x40u);
    return (unsigned short)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

static __device__ __forceinline__ float rt_moves_load(const void *from, long long i, int type) {
    if (type == RT_MOVES_F32)
        return ((const float *)from)[i];
    const unsigned short half = ((const unsigned short *)from)[i];
    return type == RT_MOVES_BF16 ? __uint_as_float((unsigned int)half << 16)
                                 : rt_moves_from_f16(half);
}

static __device__ __forceinline__ void rt_moves_store(void *to, long long i, int type, float value) {
    if (type == RT_MOVES_F32)
        ((float *)to)[i] = value;
    else
        ((unsigned short *)to)[i] =
            type == RT_MOVES_BF16 ? rt_moves_to_bf16(value) : rt_moves_to_f16(value);
}

/* --- copies and sums ----------------------------------------------------------------------------------------- */

/* grid (any, parts): the widest words that both ends are aligned to, and the bytes behind them one by one. */
extern "C" __global__ void rt_copy(const __grid_constant__ struct rt_copy_args args) {
    const struct rt_copy_part *part = &args.part[blockIdx.y];
    const long long at = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    const long long step = (long long)gridDim.x * blockDim.x, bytes = part->bytes;
    const unsigned long long places = (unsigned long long)part->to | (unsigned long long)part->from;
    long long whole = 0;
    if (places % sizeof(uint4) == 0) {
        whole = bytes / (long long)sizeof(uint4) * (long long)sizeof(uint4);
        for (long long i = at; i < whole / (long long)sizeof(uint4); i += step)
            ((uint4 *)part->to)[i] = ((const uint4 *)part->from)[i];
    } else if (places % sizeof(unsigned int) == 0) {
        whole = bytes / (long long)sizeof(unsigned int) * (long long)sizeof(unsigned int);
        for (long long i = at; i < whole / (long long)sizeof(unsigned int); i += step)
            ((unsigned int *)part->to)[i] = ((const unsigned int *)part->from)[i];
    }
    for (long long i = whole + at; i < bytes; i += step)
        part->to[i] = part->from[i];
}

extern "C" __global__ void rt_sum(const __grid_constant__ struct rt_sum_args args) {
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < args.count; i += step) {
        float sum = -0.0f; /* the one value whose sum with any x is x to the bit */
        for (int t = 0; t < args.terms; ++t)
            sum += rt_moves_load(args.from[t], i, args.type);
        rt_moves_store(args.to, i, args.type, sum);
    }
}

/* --- counts ---------------------------------------------------------------------------------------------- */

/* Tell what is wrong; whoever tells first is heard. */
static __device__ void rt_moves_tell(struct rt_fault *fault, int code, int tag, int value,
                                     float number) {
    if (atomicCAS(&fault->code, RT_FAULT_NONE, code) != RT_FAULT_NONE)
        return;
    fault->tag = tag;
    fault->value = value;
    fault->number = number;
}

/* One block, a thread a count. */
extern "C" __global__ void rt_counts(const __grid_constant__ struct rt_counts_args args) {
    if ((int)threadIdx.x >= args.parts)
        return;
    const struct rt_counts_part *part = &args.part[threadIdx.x];
    const int count = *part->from;
    const bool fits = count >= 0 && count <= part->window;
    if (!fits)
        rt_moves_tell(args.fault, RT_FAULT_COUNT, args.tag, count, (float)part->window);
    else if (part->known && *part->known != count)
        rt_moves_tell(args.fault, RT_FAULT_KNOWN, args.tag, count, (float)*part->known);
    if (part->to)
        *part->to = fits ? count : 0;
}

/* --- weights --------------------------------------------------------------------------------------------- */

static __device__ __forceinline__ unsigned long long rt_moves_bits(unsigned long long key,
                                                                   unsigned long long index) {
    unsigned long long z = key + (index + 1) * 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

/* grid (columns, rows), any. All steps but the products are exact, so that they may be contracted. */
extern "C" __global__ void rt_random(const __grid_constant__ struct rt_random_args args) {
    enum { UNIFORM, ONE }; /* rt_fill */
    const long long step = (long long)gridDim.x * blockDim.x;
    const long long first = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    for (long long row = blockIdx.y; row < args.rows; row += gridDim.y)
        for (long long column = first; column < args.columns; column += step) {
            float value = args.fill == ONE ? 1.0f : 0.0f;
            if (args.fill == UNIFORM) {
                const unsigned long long index = args.first + row * args.row_step + column;
                const float uniform = (float)(rt_moves_bits(args.key, index) >> 40) * 0x1p-24f;
                value = (2.0f * uniform - 1.0f) * 1.7320508f * args.range;
            }
            rt_moves_store(args.to, row * args.pitch + column, args.type, value);
        }
}
