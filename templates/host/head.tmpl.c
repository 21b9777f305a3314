/* head: logits of the vocabulary entries held here, and for the last row of each sequence what the choice of the next
 * token needs of them: the best entry, or the likeliest ones after a pair about all. Only last rows are computed, unless
 * the logits of the whole prompt are wanted. */
#include "matmul.h"

#include "choice.h"

/* What is kept of a sequence. */
struct tally {
    struct best *best; /* [candidates_width] of the result */
    int64_t count;     /* likeliest entries so far, a heap with the least of them in front */
    double most, sum;  /* of exp(logit / temperature - most) over the other entries */
    uint64_t key;      /* of its noise */
};

/* Rows gathered for one product. */
struct tile {
    int64_t rows;
    float *in;                     /* [rows][H] */
    float *logits;                 /* [rows][entries of a chunk] */
    float *to[TILE_HEAD];          /* where the row's logits are wanted, or NULL */
    struct tally tally[TILE_HEAD]; /* of its sequence if this is the last row, else best NULL */
    float *scratch;
};

/* The last of a heap goes down to its place from `at`. */
static void sift(struct best *heap, int64_t count, int64_t at, struct best item) {
    for (int64_t down; (down = 2 * at + 1) < count; at = down) {
        if (down + 1 < count && likelier(heap[down], heap[down + 1]))
            ++down;
        if (!likelier(item, heap[down]))
            break;
        heap[at] = heap[down];
    }
    heap[at] = item;
}

static void add_to_sum(struct tally *tally, double value) {
    if (value > tally->most) {
        tally->sum = tally->sum * exp(tally->most - value) + 1;
        tally->most = value;
    } else {
        tally->sum += exp(value - tally->most);
    }
}

/* The likeliest entries stay, others go into the sum. */
static void keep_candidate(const rt_choice *choice, int64_t candidates, struct tally *tally,
                           struct best item) {
    struct best *heap = tally->best + 1, least = heap[0];
    if (tally->count == candidates && !likelier(item, least)) {
        add_to_sum(tally, item.logit / choice->temperature);
    } else if (tally->count == candidates) {
        sift(heap, candidates, 0, item);
        add_to_sum(tally, least.logit / choice->temperature);
    } else {
        int64_t at = tally->count++;
        for (int64_t up; at > 0 && likelier(heap[up = (at - 1) / 2], item); at = up)
            heap[at] = heap[up];
        heap[at] = item;
    }
}

/* An entry into the tally of its sequence, as the choice is to be made. */
static void count_entry(const rt_choice *choice, int64_t candidates, struct tally *tally,
                        struct best item) {
    if (choice_cuts(choice)) {
        keep_candidate(choice, candidates, tally, item);
        return;
    }
    if (choice->temperature > 0)
        item.logit =
            (float)(item.logit / choice->temperature + rt_choice_noise(tally->key, item.entry));
    if (tally->best->entry < 0 || likelier(item, *tally->best))
        *tally->best = item;
}

static rt_status count_row(rt_rank *rank, const struct head_args *a, struct tally *tally,
                           const float *logits, int64_t first, int64_t count) {
    const rt_choice *choice = rt_choice_of(rank);
    const bool greedy = choice->temperature == 0;
    struct best best = *tally->best;
    for (int64_t i = 0; i < count; ++i) {
        struct best item = {logits[i], (int32_t)(first + i)};
        if (!isfinite(item.logit))
            return rt_fail(rank, RT_SOFTWARE, "the logit of entry %lld is not finite",
                           (long long)(first + i));
        if (!greedy)
            count_entry(choice, a->candidates, tally, item);
        else if (best.entry < 0 || item.logit > best.logit)
            best = item;
    }
    if (greedy)
        *tally->best = best;
    return RT_OK;
}

/* All logits of the gathered rows, TILE_ENTRIES entries at a time. */
static rt_status compute(rt_rank *rank, const struct head_args *a, struct tile *tile) {
    const elem_t *weight = rt_at(rank, a->weight);
    for (int64_t first = 0; first < a->entries; first += TILE_ENTRIES) {
        int64_t count = min_of(TILE_ENTRIES, a->entries - first);
        matmul_transposed(&(matmul){
            .rank = rank,
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
            if (tile->tally[row].best)
                RT_TRY(
                    count_row(rank, a, &tile->tally[row], logits, a->entry_begin + first, count));
        }
    }
    for (int64_t row = 0; row < tile->rows; ++row) {
        const struct tally *tally = &tile->tally[row];
        if (tally->best && choice_cuts(rt_choice_of(rank)))
            *tally->best =
                (struct best){(float)(tally->most + log(tally->sum)), (int32_t)tally->count};
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
        struct best *to_best = best + s * choice_width(a->candidates);
        *to_best = (struct best){-INFINITY, -1};
        for (int64_t t = all ? 0 : max_of(last, 0); t <= last; ++t) {
            float *to = all ? rt_logits_row(rank, (int32_t)(a->first + s), positions[t]) : NULL;
            if (positions[t] < 0 || (t < last && !to))
                continue;
            load_row(tile.in + tile.rows * HIDDEN, in + (s * a->tokens + t) * HIDDEN, HIDDEN);
            tile.to[tile.rows] = to;
            tile.tally[tile.rows++] = (struct tally){
                .best = t == last ? to_best : NULL,
                .most = -INFINITY,
                .key = t == last ? rt_choice_key(rank, (int32_t)(a->first + s)) : 0,
            };
            if (tile.rows == capacity)
                RT_TRY(compute(rank, a, &tile));
        }
    }
    return tile.rows ? compute(rank, a, &tile) : RT_OK;
}
