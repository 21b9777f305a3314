/* latent_attention: absorbed, queries are carried to the cached latents, which all heads meet in parts; expanded, keys and
 * values of some heads of a sequence are made first, which pays where many rows meet them. */
#include "attend.h"

enum { ENTRY = KV_LATENT + ROPE_DIM, UP = HEAD_DIM - ROPE_DIM + VALUE_DIM };

/* As in latent_attention.cu. */
struct latent {
    const void *queries, *latents, *up, *positions;
    void *out, *carried, *keys, *values;
    float *stats, *sums;
    int32_t tokens, all_heads, first_row, rows, first_head, heads, parts;
};

/* Address of element `index`. */
static const void *element(const void *from, int64_t index) {
    return (const char *)from + index * $(view.element_bytes);
}

/* Room for `count` elements. */
static void *carve_elements(float **workspace, int64_t count) {
    return carve(workspace, (count * $(view.element_bytes) + 3) / 4);
}

/* `count` sequences from `first` on, all pointers at them. */
static struct latent at_sequence(const struct latent *all, int64_t first) {
    struct latent op = *all;
    const int64_t pairs = first * op.tokens * op.all_heads;
    op.queries = element(op.queries, pairs * HEAD_DIM);
    op.out = (void *)(uintptr_t)element(op.out, pairs * VALUE_DIM);
    op.latents = element(op.latents, first * CONTEXT * ENTRY);
    op.positions = (const int32_t *)op.positions + first * op.tokens;
    return op;
}

/* op->rows rows of each of `sequences` sequences. */
static rt_status absorb(rt_rank *rank, struct latent *op, int64_t sequences) {
    int32_t count = (int32_t)sequences * op->rows;
    rt_grid carry = {.x = blocks_of(ENTRY, CARRY_COLUMNS),
                     .y = (uint32_t)op->all_heads,
                     .z = blocks_of(count, CARRY_ROWS),
                     .threads = CARRY_COLUMNS};
    rt_grid attend = {.x =
                          blocks_of((int64_t)op->rows * op->all_heads, LATENT_TILE) * LATENT_BLOCKS,
                      .y = (uint32_t)op->parts,
                      .z = (uint32_t)sequences,
                      .threads = ATTEND_THREADS,
                      .shared = TENSOR ? CHUNK_BYTES : 0};
    rt_grid value = carry;
    value.x = blocks_of(VALUE_DIM, CARRY_COLUMNS);
    RT_TRY(rt_cuda_launch(rank, F_LATENT_CARRY, carry, (void *[]){op, &count}));
    RT_TRY(rt_cuda_launch(rank, F_LATENT_ABSORBED, attend, (void *[]){op}));
    return rt_cuda_launch(rank, F_LATENT_VALUE, value, (void *[]){op, &count});
}

static rt_status absorbed(rt_rank *rank, struct latent *all, float *workspace, int64_t sequences) {
    const int64_t heads = all->all_heads, tokens = all->tokens;
    const int64_t rows = min_of(tokens, max_of(LATENT_PAIRS / heads, 1));
    const int64_t some =
        rows < tokens ? 1 : min_of(sequences, max_of(LATENT_PAIRS / (rows * heads), 1));
    const int64_t pairs = some * rows * heads;
    all->parts = parts_of(some * blocks_of(rows * heads, LATENT_SPLIT) *
                          blocks_of(KV_LATENT, LATENT_SPLIT_COLUMNS));
    all->carried = carve_elements(&workspace, pairs * ENTRY);
    all->stats = carve(&workspace, pairs * all->parts * 2);
    all->sums = carve(&workspace, pairs * all->parts * KV_LATENT);
    for (int64_t s = 0; s < sequences; s += some) {
        struct latent op = at_sequence(all, s);
        for (int64_t row = 0; row < tokens; row += rows) {
            op.first_row = (int32_t)row;
            op.rows = (int32_t)min_of(rows, tokens - row);
            RT_TRY(absorb(rank, &op, min_of(some, sequences - s)));
        }
    }
    return RT_OK;
}

/* op->heads heads of one sequence. */
static rt_status expand(rt_rank *rank, struct latent *op) {
    rt_grid make = {.x = blocks_of((int64_t)op->heads * UP, EXPAND_TILE),
                    .y = blocks_of(CONTEXT, EXPAND_TILE),
                    .z = 1,
                    .threads = ATTEND_THREADS,
                    .shared = TENSOR ? CHUNK_BYTES : 0};
    rt_grid attend = {.x = blocks_of(op->tokens, PREFILL_PAIRS) * ATTEND_BLOCKS,
                      .y = (uint32_t)op->heads,
                      .z = 1,
                      .threads = ATTEND_THREADS,
                      .shared = BY_TENSOR ? TENSOR_SHARED : 0};
    RT_TRY(rt_cuda_launch(rank, F_LATENT_EXPAND, make, (void *[]){op}));
    return rt_cuda_launch(rank, F_LATENT_EXPANDED, attend, (void *[]){op});
}

static rt_status expanded(rt_rank *rank, struct latent *all, float *workspace, int64_t sequences) {
    const int64_t room = EXPANDED_ELEMENTS / ((int64_t)CONTEXT * (HEAD_DIM + VALUE_DIM));
    const int64_t heads = max_of(min_of(all->all_heads, room), 1);
    all->keys = carve_elements(&workspace, heads * CONTEXT * HEAD_DIM);
    all->values = carve_elements(&workspace, heads * CONTEXT * VALUE_DIM);
    for (int64_t s = 0; s < sequences; ++s) {
        struct latent op = at_sequence(all, s);
        for (int64_t head = 0; head < all->all_heads; head += heads) {
            op.first_head = (int32_t)head;
            op.heads = (int32_t)min_of(heads, all->all_heads - head);
            RT_TRY(expand(rank, &op));
        }
    }
    return RT_OK;
}

rt_status kernel_latent_attention(rt_rank *rank, const void *args) {
    const struct latent_attention_args *a = args;
    const void *latents = rt_at(rank, a->latents);
    struct latent all = {.queries = rt_at(rank, a->queries),
                         .latents = element(latents, (int64_t)a->cache_first * CONTEXT * ENTRY),
                         .up = rt_at(rank, a->latent_up),
                         .positions = rt_at(rank, a->positions),
                         .out = rt_at(rank, a->out),
                         .tokens = a->tokens,
                         .all_heads = a->heads};
    return (a->expanded ? expanded : absorbed)(rank, &all, rt_at(rank, a->workspace), a->sequences);
}
