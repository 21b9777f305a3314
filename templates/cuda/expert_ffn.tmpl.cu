/* expert_ffn: each received row through those of its experts that are held here. Choices are listed by slot, the rows of a
 * slot are cut in tiles, and a block multiplies a tile with some columns of its slot. What is launched follows from bounds
 * alone: how many rows there are is read here, and what has none returns at once. Lists are in the order of sources, rows
 * and choices: what comes out is the same each time. */
#include "activation.cuh"
#include "product.cuh"
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
                                          int *out_counts, int held, struct rt_fault *fault, int tag) {
    const int source = blockIdx.x, first = windows.first[source];
    const int bound = windows.first[source + 1] - first;
    const int each = min(CHOICES, held), most = bound * each;
    int rows = counts[source], results = 0;
    if (rows < 0 || rows > bound) {
        if (threadIdx.x == 0)
            tell(fault, RT_FAULT_COUNT, tag, rows);
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
            tell(fault, RT_FAULT_COUNT, tag, results);
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

/* The part of a bias [slots][outputs], 0 where there is none. */
static __device__ __forceinline__ float bias_at(const elem_t *bias, int slot, int outputs,
                                                int output) {
    return bias ? elem_load(bias[(long_t)slot * outputs + output]) : 0.0f;
}

/* What goes between the products: middle [tiles of the pass][TILE_GROUPED][columns]. A block a tile and TILE_OUTPUTS
 * columns, from tile `begin` on. in [bound][HIDDEN], gate, up [slots][columns][HIDDEN], biases [slots][columns] */
extern "C" __global__ void __launch_bounds__(128)
    expert_up(const elem_t *in, const int *list, const struct row_tile *tiles, const int *tile_count,
              const elem_t *gate, const elem_t *gate_bias, const elem_t *up, const elem_t *up_bias,
              elem_t *middle, int columns, int begin, int whole) {
    const int index = begin + blockIdx.x, first = blockIdx.y * TILE_OUTPUTS;
    if (index >= *tile_count)
        return;
    const struct row_tile tile = tiles[index];
    const long_t slot = (long_t)tile.slot * columns * HIDDEN;
    struct tile_lines lines, weight;
    for (int load = 0; load < TILE_LOADS; ++load) {
        const int row = tile_line(load);
        const int from = row < tile.rows ? list[tile.first + row] / CHOICES : 0;
        lines.line[load] = row < tile.rows ? in + (long_t)from * HIDDEN : 0;
    }
    float sums[TILE_GROUPS][TILE_EACH];
    middle += (long_t)blockIdx.x * TILE_GROUPED * columns;
//% if view.model.gated then
    float gates[TILE_GROUPS][TILE_EACH];
    weight = weight_lines(gate + slot, first, columns, HIDDEN);
    tile_product(&lines, &weight, HIDDEN, whole, tile.rows, gates);
//% end
    weight = weight_lines(up + slot, first, columns, HIDDEN);
    tile_product(&lines, &weight, HIDDEN, whole, tile.rows, sums);
#pragma unroll
    for (int i = 0; i < TILE_GROUPS * TILE_EACH; ++i) {
        const int group = i / TILE_EACH, sum = i % TILE_EACH;
        const int row = tile_row(group, sum), column = first + tile_output(sum);
        if (row >= tile.rows || column >= columns)
            continue;
        const float value = sums[group][sum] + bias_at(up_bias, tile.slot, columns, column);
//% if view.model.gated then
        const float open = gates[group][sum] + bias_at(gate_bias, tile.slot, columns, column);
        middle[(long_t)row * columns + column] = elem_store(value * activate(open));
//% else
        middle[(long_t)row * columns + column] = elem_store(activate(value));
//% end
    }
//% if not view.model.gated then
    (void)gate, (void)gate_bias; /* this model has none */
//% end
}

/* The results of a pass to where combine takes them from. down [slots][HIDDEN][columns], bias [slots][HIDDEN] */
extern "C" __global__ void __launch_bounds__(128)
    expert_down(const elem_t *middle, const int *list, const int *to, const struct row_tile *tiles,
                const int *tile_count, const elem_t *down, const elem_t *bias, elem_t *out,
                int columns, int begin, int whole) {
    const int index = begin + blockIdx.x, first = blockIdx.y * TILE_OUTPUTS;
    if (index >= *tile_count)
        return;
    const struct row_tile tile = tiles[index];
    const struct tile_lines lines =
        weight_lines(middle + (long_t)blockIdx.x * TILE_GROUPED * columns, 0, tile.rows, columns);
    const struct tile_lines weight =
        weight_lines(down + (long_t)tile.slot * HIDDEN * columns, first, HIDDEN, columns);
    float sums[TILE_GROUPS][TILE_EACH];
    tile_product(&lines, &weight, columns, whole, tile.rows, sums);
#pragma unroll
    for (int i = 0; i < TILE_GROUPS * TILE_EACH; ++i) {
        const int group = i / TILE_EACH, sum = i % TILE_EACH;
        const int row = tile_row(group, sum), output = first + tile_output(sum);
        if (row < tile.rows && output < HIDDEN)
            out[(long_t)to[list[tile.first + row]] * HIDDEN + output] =
                elem_store(sums[group][sum] + bias_at(bias, tile.slot, HIDDEN, output));
    }
}
