/* expert_ffn: each received row through those of its experts that are held here. Slot by slot, rows are
 * gathered into a tile, multiplied, and their results scattered to where combine takes them from:
 * by source, packed row, then choice. */
#include "activation.h"
#include "matmul.h"

/* Rows gathered for one slot. */
struct tile {
    int64_t rows;
    const elem_t *from[TILE_EXPERT];
    elem_t *to[TILE_EXPERT];
    float *in;   /* [rows][H] */
    float *out;  /* [rows][H] */
    float *up;   /* [rows][columns] */
    float *gate; /* [rows][columns] */
    float *scratch;
};

/* out = in x weight^T for the slot's part of a matrix [slots][outputs][inputs]. */
static matmul product(rt_rank *rank, const struct tile *tile, const float *in, float *out,
                      int64_t weight, int64_t slot, int64_t inputs, int64_t outputs) {
    return (matmul){
        .rank = rank,
        .in = in,
        .in_stride = inputs,
        .weight = (const elem_t *)rt_at(rank, weight) + slot * inputs * outputs,
        .weight_stride = inputs,
        .out = out,
        .out_stride = outputs,
        .rows = tile->rows,
        .inputs = inputs,
        .outputs = outputs,
        .scratch = tile->scratch,
    };
}

/* Add the slot's part of biases [slots][outputs], if there are any. */
static void add_slot_bias(rt_rank *rank, const struct tile *tile, float *out, int64_t bias,
                          int64_t slot, int64_t outputs) {
    const elem_t *biases = at_or_null(rank, bias);
    add_bias(out, biases ? biases + slot * outputs : NULL, tile->rows, outputs);
}

static void compute(rt_rank *rank, const struct expert_ffn_args *a, int64_t slot,
                    struct tile *tile) {
    for (int64_t row = 0; row < tile->rows; ++row)
        load_row(tile->in + row * HIDDEN, tile->from[row], HIDDEN);
    matmul in[] = {
        product(rank, tile, tile->in, tile->up, a->up, slot, HIDDEN, a->columns),
        product(rank, tile, tile->in, tile->gate, a->gate, slot, HIDDEN, a->columns),
    };
    matmul_together(in, sizeof in / sizeof *in);
    add_slot_bias(rank, tile, tile->up, a->up_bias, slot, a->columns);
    add_slot_bias(rank, tile, tile->gate, a->gate_bias, slot, a->columns);
    for (int64_t i = 0; i < tile->rows * a->columns; ++i)
        tile->up[i] *= activate(tile->gate[i]);
    matmul down = product(rank, tile, tile->up, tile->out, a->down, slot, a->columns, HIDDEN);
    matmul_transposed(&down);
    add_slot_bias(rank, tile, tile->out, a->down_bias, slot, HIDDEN);
    for (int64_t row = 0; row < tile->rows; ++row)
        store_row(tile->to[row], tile->out + row * HIDDEN, HIDDEN);
    tile->rows = 0;
}

/* The rows of all sources that chose this slot. out_counts become what each source gets back. */
static void run_slot(rt_rank *rank, const struct expert_ffn_args *a, int64_t slot,
                     struct tile *tile) {
    const rt_exchange *exchange = &exchanges[a->exchange];
    const elem_t *in = rt_at(rank, a->in);
    const int32_t *meta = rt_at(rank, a->meta), *counts = rt_at(rank, a->counts);
    int32_t *out_counts = rt_at(rank, a->out_counts);
    elem_t *out = rt_at(rank, a->out);

    for (int source = 0; source < exchange->sources; ++source) {
        int64_t bound = exchange->source[source].count, result = 0;
        for (int64_t i = 0; i < (int64_t)counts[source] * CHOICES; ++i) {
            if (meta[i] == a->first + slot) {
                tile->from[tile->rows] = in + i / CHOICES * HIDDEN;
                tile->to[tile->rows++] = out + result * HIDDEN;
                if (tile->rows == TILE_EXPERT)
                    compute(rank, a, slot, tile);
            }
            result += meta[i] >= 0;
        }
        out_counts[source] = (int32_t)result;
        in += bound * HIDDEN;
        meta += bound * CHOICES;
        out += bound * min_of(CHOICES, a->held) * HIDDEN;
    }
    if (tile->rows)
        compute(rank, a, slot, tile);
}

rt_status kernel_expert_ffn(rt_rank *rank, const void *args) {
    const struct expert_ffn_args *a = args;
    float *workspace = rt_at(rank, a->workspace);
    struct tile tile = {.in = carve(&workspace, TILE_EXPERT * HIDDEN)};
    tile.out = carve(&workspace, TILE_EXPERT * HIDDEN);
    tile.up = carve(&workspace, TILE_EXPERT * a->columns);
    tile.gate = carve(&workspace, TILE_EXPERT * a->columns);
    tile.scratch = workspace;

    for (int64_t slot = 0; slot < a->slots; ++slot)
        run_slot(rank, a, slot, &tile);
    return RT_OK;
}
