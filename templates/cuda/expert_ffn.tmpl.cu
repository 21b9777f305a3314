/* expert_ffn: each received row through those of its experts that are held here. Choices are listed by slot
 * (expert_lists.cuh), the rows of a slot are cut in tiles, and a block multiplies a tile with some columns of its slot.
 * What is launched follows from bounds alone: what has no rows returns at once. */
#include "activation.cuh"
#include "expert_lists.cuh"
#include "product.cuh"

/* The part of a bias [slots][outputs], 0 where there is none. */
static __device__ __forceinline__ float bias_at(const elem_t *bias, int slot, int outputs,
                                                int output) {
    return bias ? elem_load(bias[(long_t)slot * outputs + output]) : 0.0f;
}

/* What goes between the products: middle [tiles of the pass][TILE_GROUPED][columns]. A block a tile and TILE_OUTPUTS
 * columns, from tile `begin` on. in [bound][HIDDEN], gate, up [slots][columns][HIDDEN], biases [slots][columns] */
extern "C" __global__ void __launch_bounds__(128)
    expert_up(const elem_t *in, const int *list, const struct row_tile *tiles,
              const int *tile_count, const elem_t *gate, const elem_t *gate_bias, const elem_t *up,
              const elem_t *up_bias, elem_t *middle, int columns, int begin, int whole) {
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
    tile_product(&lines, &weight, HIDDEN, whole, tile.rows, up, gates);
//% end
    weight = weight_lines(up + slot, first, columns, HIDDEN);
    tile_product(&lines, &weight, HIDDEN, whole, tile.rows, up, sums);
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
    tile_product(&lines, &weight, columns, whole, tile.rows, down, sums);
#pragma unroll
    for (int i = 0; i < TILE_GROUPS * TILE_EACH; ++i) {
        const int group = i / TILE_EACH, sum = i % TILE_EACH;
        const int row = tile_row(group, sum), output = first + tile_output(sum);
        if (row < tile.rows && output < HIDDEN)
            out[(long_t)to[list[tile.first + row]] * HIDDEN + output] =
                elem_store(sums[group][sum] + bias_at(bias, tile.slot, HIDDEN, output));
    }
}
