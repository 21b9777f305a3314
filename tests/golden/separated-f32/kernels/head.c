/* head: logits of the vocabulary entries held here, and the best of them for each sequence's last row. Only last
 * rows are computed, unless the logits of the whole prompt are wanted. */
#include "matmul.h"

struct best {
    float logit;
    int32_t entry; /* -1: no row */
};

/* Rows gathered for one product. */
struct tile {
    int64_t rows;
    float *in;                    /* [rows][H] */
    float *logits;                /* [rows][entries of a chunk] */
    float *to[TILE_HEAD];         /* where the row's logits are wanted, or NULL */
    struct best *best[TILE_HEAD]; /* of its sequence if this is the last row, or NULL */
    float *scratch;
};

static rt_status update_best(rt_rank *rank, struct best *best, const float *logits, int64_t first,
                             int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        if (!isfinite(logits[i]))
            return rt_fail(rank, RT_SOFTWARE, "the logit of entry %lld is not finite",
                           (long long)(first + i));
        if (best->entry < 0 || logits[i] > best->logit)
            *best = (struct best){logits[i], (int32_t)(first + i)};
    }
    return RT_OK;
}

/* All logits of the gathered rows, TILE_ENTRIES entries at a time. */
static rt_status compute(rt_rank *rank, const struct head_args *a, struct tile *tile) {
    const elem_t *weight = rt_at(rank, a->weight);
    for (int64_t first = 0; first < a->entries; first += TILE_ENTRIES) {
        int64_t count = min_of(TILE_ENTRIES, a->entries - first);
        matmul_transposed(&(matmul){
            .in = tile->in,
            .in_stride = HIDDEN,
            .weight = weight + first * HIDDEN,
            .weight_stride = HIDDEN,
            .out = tile->logits,
            .out_stride = count,
            .rows = tile->rows,
            .inputs = HIDDEN,
            .outputs = count,
            .scratch = tile->scratch,
        });
        for (int64_t row = 0; row < tile->rows; ++row) {
            const float *logits = tile->logits + row * count;
            if (tile->to[row])
                memcpy(tile->to[row] + a->entry_begin + first, logits,
                       (size_t)count * sizeof *logits);
            if (tile->best[row])
                RT_TRY(update_best(rank, tile->best[row], logits, a->entry_begin + first, count));
        }
    }
    tile->rows = 0;
    return RT_OK;
}

/* The last row of a sequence that is not masked, or -1. */
static int64_t last_row(const int32_t *positions, int64_t tokens) {
    int64_t row = tokens - 1;
    while (row >= 0 && positions[row] < 0)
        --row;
    return row;
}

rt_status kernel_head(rt_rank *rank, const void *args) {
    const struct head_args *a = args;
    const elem_t *in = rt_at(rank, a->in);
    const int32_t *positions = rt_at(rank, a->positions);
    struct best *best = rt_at(rank, a->best);
    const bool all = rt_wants_logits(rank);
    const int64_t capacity = min_of((int64_t)a->sequences * a->tokens, TILE_HEAD);

    float *workspace = rt_at(rank, a->workspace);
    struct tile tile = {.in = carve(&workspace, capacity * HIDDEN)};
    tile.logits = carve(&workspace, capacity * min_of(a->entries, TILE_ENTRIES));
    tile.scratch = workspace;

    for (int64_t s = 0; s < a->sequences; ++s, positions += a->tokens) {
        int64_t last = last_row(positions, a->tokens);
        best[s] = (struct best){-INFINITY, -1};
        for (int64_t t = all ? 0 : max_of(last, 0); t <= last; ++t) {
            float *to = all ? rt_logits_row(rank, (int32_t)(a->first + s), positions[t]) : NULL;
            if (positions[t] < 0 || (t < last && !to))
                continue;
            load_row(tile.in + tile.rows * HIDDEN, in + (s * a->tokens + t) * HIDDEN, HIDDEN);
            tile.to[tile.rows] = to;
            tile.best[tile.rows++] = t == last ? &best[s] : NULL;
            if (tile.rows == capacity)
                RT_TRY(compute(rank, a, &tile));
        }
    }
    return tile.rows ? compute(rank, a, &tile) : RT_OK;
}
