/* head: the last row of each sequence, and of its logits what the choice of the next token needs: the best entry, or the
 * likeliest ones after a pair about all. */
#include "choice.cuh"
#include "piece.cuh"
#include "scan.cuh"

/* gathered [rows][HIDDEN]: of each sequence's `tokens` rows of `in` the last that is not masked, zero where all are;
 * last [rows]: which that is, -1: none. A block a sequence. */
extern "C" __global__ void head_last(const elem_t *in, const int *positions, elem_t *gathered,
                                     int *last, int tokens) {
    const long_t sequence = blockIdx.x;
    wide_t rows = 0;
    for (int t = threadIdx.x; t < tokens; t += blockDim.x)
        if (positions[sequence * tokens + t] >= 0)
            rows = (wide_t)t + 1;
    const int row = (int)block_most(rows) - 1;
    const struct piece *from =
        (const struct piece *)(in + (sequence * tokens + (row < 0 ? 0 : row)) * HIDDEN);
    struct piece *to = (struct piece *)(gathered + sequence * HIDDEN);
    for (int p = threadIdx.x; p < PIECES; p += blockDim.x) {
        struct piece x = {};
        if (row >= 0)
            x = from[p];
        to[p] = x;
    }
    if (threadIdx.x == 0)
        last[sequence] = row;
}

/* parts [rows][gridDim.y]: the standing of the best entry of each part of a row of `logits` [rows][entries], with its
 * noise where the choice has a temperature; 0 where `last` [rows] says that there is no row. Keys of noise are by
 * sequence of the wave, of which the first row is `sequence`. */
extern "C" __global__ void head_parts(const float *logits, const int *last, const wide_t *keys,
                                      wide_t *parts, int entries, int entry_begin,
                                      double temperature, int sequence, struct rt_fault *fault,
                                      int tag) {
    const long_t row = blockIdx.x;
    const long_t begin = (long_t)entries * blockIdx.y / gridDim.y;
    const long_t end = (long_t)entries * (blockIdx.y + 1) / gridDim.y;
    wide_t best = 0;
    for (long_t i = begin + threadIdx.x; last[row] >= 0 && i < end; i += blockDim.x) {
        float logit = logits[row * entries + i];
        const int entry = entry_begin + (int)i;
        if (!isfinite(logit))
            tell(fault, RT_FAULT_FINITE, tag, sequence + (int)row);
        if (temperature > 0)
            logit = (float)(logit / temperature + choice_noise(keys[sequence + row], entry));
        const wide_t at = standing(logit, entry);
        best = at > best ? at : best;
    }
    best = block_most(best);
    if (threadIdx.x == 0)
        parts[row * gridDim.y + blockIdx.y] = best;
}

/* The best of a row's parts, of which there are WARP, to best [rows][stride]. A warp a row. */
extern "C" __global__ void head_best(const wide_t *parts, struct best *best, int stride) {
    const wide_t most = warp_most(parts[(long_t)blockIdx.x * WARP + threadIdx.x]);
    if (threadIdx.x == 0)
        best[(long_t)blockIdx.x * stride] = at_standing(most);
}

/* A standing that `wanted` of a row's entries reach. There are more entries than these. By digits of 8 bits from the
 * highest: how many entries have which, among those that have the digits found so far. */
static __device__ wide_t head_threshold(const float *logits, int entries, int entry_begin,
                                        int wanted) {
    enum { DIGITS = 256 };
    __shared__ int counts[DIGITS];
    wide_t found = 0;
    for (int shift = 64 - 8; shift >= 0; shift -= 8) {
        __syncthreads(); /* counts may still be read */
        for (int i = threadIdx.x; i < DIGITS; i += blockDim.x)
            counts[i] = 0;
        __syncthreads();
        for (int i = threadIdx.x; i < entries; i += blockDim.x) {
            const wide_t at = standing(logits[i], entry_begin + i);
            if (shift == 64 - 8 || at >> (shift + 8) == found >> (shift + 8))
                atomicAdd(&counts[at >> shift & (DIGITS - 1)], 1);
        }
        __syncthreads();
        int digit = DIGITS - 1;
        for (; digit > 0 && counts[digit] < wanted; --digit)
            wanted -= counts[digit];
        found |= (wide_t)digit << shift;
        if (counts[digit] == wanted)
            break;
    }
    return found;
}

/* The `candidates` likeliest entries of each row, in order of their entries, after {logarithm of the sum of exp(logit /
 * temperature) over the others, how many are told}: best [rows][candidates + 1]. A block a row. */
extern "C" __global__ void head_likeliest(const float *logits, const int *last, struct best *best,
                                          int entries, int entry_begin, int candidates,
                                          double temperature, int sequence, struct rt_fault *fault,
                                          int tag) {
    const long_t row = blockIdx.x;
    logits += row * entries;
    best += row * (candidates + 1);
    if (last[row] < 0) { /* the whole block */
        if (threadIdx.x == 0)
            *best = at_standing(0);
        return;
    }
    for (int i = threadIdx.x; i < entries; i += blockDim.x)
        if (!isfinite(logits[i]))
            tell(fault, RT_FAULT_FINITE, tag, sequence + (int)row);
    wide_t least = 0, most = 0; /* of those told; of the others */
    if (entries > candidates)
        least = head_threshold(logits, entries, entry_begin, candidates);
    for (int i = threadIdx.x; i < entries; i += blockDim.x) {
        const wide_t at = standing(logits[i], entry_begin + i);
        most = at < least && at > most ? at : most;
    }
    most = block_most(most);
    const double reference = at_standing(most).logit / temperature;

    double sum = 0;
    int told = 0;
    for (int first = 0; first < entries; first += blockDim.x) {
        const int i = first + threadIdx.x;
        const bool here = i < entries;
        const bool tells = here && standing(logits[i], entry_begin + i) >= least;
        int all, place = told + block_scan(tells, &all);
        if (tells && place < candidates)
            best[1 + place] = {logits[i], entry_begin + i};
        else if (here)
            sum += exp(logits[i] / temperature - reference);
        told += all;
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) {
        const double others = most == 0 ? -infinity() : reference + log(sum);
        *best = {(float)others, told};
    }
}
