/* pack: the rows that go to each target, each once however many of its experts are there, and where their results will
 * come back. The layout of both windows is that of rt_dispatch and rt_combine in rt.h. Places follow from counts of the
 * rows before, in their order: what comes out is the same each time. */
#include "piece.cuh"
#include "scan.cuh"
#include "windows.cuh"

typedef short route_part[2]; /* target, slot there; a table has PARTS for each expert */

/* Results that the row of `choice` has at a target. */
static __device__ inline int results_at(const int *choice, const route_part *table, int target) {
    int count = 0;
    for (int k = 0; k < CHOICES; ++k)
        for (int part = 0; choice[k] >= 0 && part < PARTS; ++part)
            count += table[choice[k] * PARTS + part][0] == target;
    return count;
}

/* choice [rows][CHOICES], table [ROUTED][PARTS], counts, returns [targets] */
extern "C" __global__ void pack_count(const int *choice, const route_part *table, int *counts,
                                      int *returns, int rows) {
    const int target = blockIdx.x;
    int visits = 0, results = 0;
    for (int row = threadIdx.x; row < rows; row += blockDim.x) {
        const int count = results_at(choice + (long_t)row * CHOICES, table, target);
        visits += count > 0;
        results += count;
    }
    visits = block_total(visits);
    results = block_total(results);
    if (threadIdx.x == 0) {
        counts[target] = visits;
        returns[target] = results;
    }
}

/* The sum of what is before a target, in all threads of the block. */
static __device__ inline int sum_before(const int *counts, int target) {
    int sum = 0;
    for (int t = threadIdx.x; t < target; t += blockDim.x)
        sum += counts[t];
    return block_total(sum);
}

/* The row of the returned window for each part of each choice that is at this target; parts that are nowhere are the
 * first target's. */
static __device__ inline void write_back(const int *choice, const route_part *table, int target,
                                         int result, int *back) {
    for (int k = 0; k < CHOICES; ++k)
        for (int part = 0; part < PARTS; ++part) {
            const int at = choice[k] < 0 ? -1 : table[choice[k] * PARTS + part][0];
            if (at == target)
                back[k * PARTS + part] = result++;
            else if (at < 0 && target == 0)
                back[k * PARTS + part] = -1;
        }
}

/* A row's number waits in the first word of its metadata until pack_rows takes it. results.first: of padded windows.
 * send_meta [][CHOICES], back [rows][CHOICES][PARTS] */
extern "C" __global__ void pack_place(const int *choice, const route_part *table, const int *counts,
                                      const int *returns, const struct target_windows results,
                                      int *send_meta, int *back, int rows, int exact) {
    const int target = blockIdx.x;
    long_t to = exact ? sum_before(counts, target) : (long_t)target * rows;
    int result = exact ? sum_before(returns, target) : results.first[target];
    for (int first = 0; first < rows; first += blockDim.x) {
        const int row = first + threadIdx.x;
        const int *mine = choice + (long_t)row * CHOICES;
        const int count = row < rows ? results_at(mine, table, target) : 0;
        int visits, more;
        const long_t at = to + block_scan(count > 0, &visits);
        const int from = result + block_scan(count, &more);
        if (count > 0)
            send_meta[at * CHOICES] = row;
        if (row < rows)
            write_back(mine, table, target, from, back + (long_t)row * CHOICES * PARTS);
        to += visits;
        result += more;
    }
}

/* A warp a row of a window, blocks of a window beside each other. in [rows][HIDDEN], send_rows [][HIDDEN] */
extern "C" __global__ void pack_rows(const elem_t *in, const int *choice, const route_part *table,
                                     const int *counts, elem_t *send_rows, int *send_meta, int rows,
                                     int exact) {
    const int target = blockIdx.y, lane = threadIdx.x % WARP;
    const int index = (blockIdx.x * blockDim.x + threadIdx.x) / WARP;
    if (index >= counts[target])
        return;
    int first = 0;
    for (int t = lane; exact && t < target; t += WARP)
        first += counts[t];
    const long_t to = (exact ? warp_total(first) : (long_t)target * rows) + index;
    int *meta = send_meta + to * CHOICES;
    const int row = meta[0];
    __syncwarp(); /* all lanes have read */
    choice += (long_t)row * CHOICES;
    for (int k = lane; k < CHOICES; k += WARP) {
        int slot = -1;
        for (int part = 0; choice[k] >= 0 && part < PARTS; ++part)
            slot = table[choice[k] * PARTS + part][0] == target ? table[choice[k] * PARTS + part][1]
                                                                : slot;
        meta[k] = slot;
    }
    for (int i = lane; i < PIECES; i += WARP)
        ((struct piece *)(send_rows + to * HIDDEN))[i] =
            ((const struct piece *)(in + (long_t)row * HIDDEN))[i];
}
