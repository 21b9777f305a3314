/* latent_attention: causal attention over cached latents. Absorbed: the plain part of each query is carried into the
 * latent's space, so that all heads meet the cache as it lies, and what is mixed is carried back. Expanded: keys and
 * values of one head are made of a sequence's latents first, which pays where many rows meet them. */
#include "gemm.h"
#include "latent.h"
#include "matmul.h"
#include "softmax.h"

enum { UP = PLAIN_DIM + VALUE_DIM }; /* rows of latent_up a head */

/* --- absorbed ------------------------------------------------------------------------------------ */

/* (row, head) pairs of one sequence, and where their results go. */
struct tile {
    int64_t pairs, length; /* length: one more than the largest position */
    int32_t position[TILE_ATTENTION];
    const elem_t *up[TILE_ATTENTION]; /* latent_up of the pair's head */
    elem_t *to[TILE_ATTENTION];
    float *queries; /* [pairs][ENTRY], scaled by SCORE_SCALE / sqrt(D) */
    float *mixed;   /* [pairs][KV_LATENT] */
    float *scores;  /* [pairs][length] */
    float *narrow;  /* a head's plain part or value */
    float *scratch;
};

static void attend(rt_rank *rank, struct tile *tile, const elem_t *latents) {
    matmul_transposed(&(matmul){
        .rank = rank,
        .in = tile->queries,
        .in_stride = ENTRY,
        .weight = latents,
        .weight_stride = ENTRY,
        .out = tile->scores,
        .out_stride = tile->length,
        .rows = tile->pairs,
        .inputs = ENTRY,
        .outputs = tile->length,
        .scratch = tile->scratch,
    });
    for (int64_t i = 0; i < tile->pairs; ++i)
        softmax(tile->scores + i * tile->length, tile->position[i] + 1, tile->length);
    matmul_plain(&(matmul){
        .rank = rank,
        .in = tile->scores,
        .in_stride = tile->length,
        .weight = latents,
        .weight_stride = ENTRY,
        .out = tile->mixed,
        .out_stride = KV_LATENT,
        .rows = tile->pairs,
        .inputs = tile->length,
        .outputs = KV_LATENT,
        .scratch = tile->scratch,
    });
    for (int64_t i = 0; i < tile->pairs; ++i) {
        matmul_transposed(&(matmul){
            .rank = rank,
            .in = tile->mixed + i * KV_LATENT,
            .in_stride = KV_LATENT,
            .weight = tile->up[i] + PLAIN_DIM * KV_LATENT,
            .weight_stride = KV_LATENT,
            .out = tile->narrow,
            .out_stride = VALUE_DIM,
            .rows = 1,
            .inputs = KV_LATENT,
            .outputs = VALUE_DIM,
            .scratch = tile->scratch,
        });
        store_row(tile->to[i], tile->narrow, VALUE_DIM);
    }
    tile->pairs = tile->length = 0;
}

static void add_pair(rt_rank *rank, struct tile *tile, const elem_t *query, const elem_t *up,
                     elem_t *to, int32_t position) {
    const float scale = (float)SCORE_SCALE / sqrtf((float)HEAD_DIM);
    float *row = tile->queries + tile->pairs * ENTRY;
    load_row(tile->narrow, query, PLAIN_DIM);
    matmul_plain(&(matmul){
        .rank = rank,
        .in = tile->narrow,
        .in_stride = PLAIN_DIM,
        .weight = up,
        .weight_stride = KV_LATENT,
        .out = row,
        .out_stride = KV_LATENT,
        .rows = 1,
        .inputs = PLAIN_DIM,
        .outputs = KV_LATENT,
        .scratch = tile->scratch,
    });
    load_row(row + KV_LATENT, query + PLAIN_DIM, ROPE_DIM);
    for (int64_t i = 0; i < ENTRY; ++i)
        row[i] *= scale;
    tile->up[tile->pairs] = up;
    tile->to[tile->pairs] = to;
    tile->position[tile->pairs++] = position;
    tile->length = max_of(tile->length, position + 1);
}

static void absorbed(rt_rank *rank, const struct latent_attention_args *a, const elem_t *latents,
                     int64_t first_row) {
    const int32_t *positions = rt_at(rank, a->positions);
    const elem_t *queries = rt_at(rank, a->queries), *up = rt_at(rank, a->latent_up);
    elem_t *out = rt_at(rank, a->out);
    const int64_t capacity = min_of((int64_t)a->tokens * a->heads, TILE_ATTENTION);
    float *workspace = rt_at(rank, a->workspace);
    struct tile tile = {.queries = carve(&workspace, capacity * ENTRY)};
    tile.mixed = carve(&workspace, capacity * KV_LATENT);
    tile.scores = carve(&workspace, capacity * CONTEXT);
    tile.narrow = carve(&workspace, max_of(PLAIN_DIM, VALUE_DIM));
    tile.scratch = workspace;

    for (int64_t row = first_row; row < first_row + a->tokens; ++row) {
        for (int64_t head = 0; positions[row] >= 0 && head < a->heads; ++head) {
            int64_t pair = row * a->heads + head;
            add_pair(rank, &tile, queries + pair * HEAD_DIM, up + head * UP * KV_LATENT,
                     out + pair * VALUE_DIM, positions[row]);
            if (tile.pairs == capacity)
                attend(rank, &tile, latents);
        }
    }
    if (tile.pairs)
        attend(rank, &tile, latents);
}

/* --- expanded ------------------------------------------------------------------------------------ */

/* One head of one sequence: keys and values of positions [0, length), a row an element of the head. */
struct expansion {
    int64_t length;
    float *queries; /* [rows][D], scaled */
    float *mixed;   /* [rows][VALUE_DIM] */
    float *scores;  /* [rows][length] */
    float *up;      /* [UP][KV_LATENT] */
    float *keys;    /* [D][length] */
    float *values;  /* [VALUE_DIM][length], behind the keys */
    float *scratch;
};

static void expand(rt_rank *rank, struct expansion *e, const elem_t *latents, const elem_t *up) {
    const struct {
        float *from, *to;
        int64_t rows;
    } parts[] = {{e->up, e->keys, PLAIN_DIM},
                 {e->up + PLAIN_DIM * KV_LATENT, e->values, VALUE_DIM}};
    load_row(e->up, up, UP * KV_LATENT);
    for (int i = 0; i < 2; ++i)
        matmul_transposed(&(matmul){
            .rank = rank,
            .in = parts[i].from,
            .in_stride = KV_LATENT,
            .weight = latents,
            .weight_stride = ENTRY,
            .out = parts[i].to,
            .out_stride = e->length,
            .rows = parts[i].rows,
            .inputs = KV_LATENT,
            .outputs = e->length,
            .scratch = e->scratch,
        });
    for (int64_t i = 0; i < ROPE_DIM; ++i)
        for (int64_t t = 0; t < e->length; ++t)
            e->keys[(PLAIN_DIM + i) * e->length + t] =
                elem_load(latents[t * ENTRY + KV_LATENT + i]);
}

/* Rows [first, first + count) of one head of `heads`; masked ones get zero. */
static void attend_rows(rt_rank *rank, const struct expansion *e, const elem_t *queries,
                        elem_t *out, const int32_t *positions, int64_t count, int64_t heads) {
    const float scale = (float)SCORE_SCALE / sqrtf((float)HEAD_DIM);
    for (int64_t i = 0; i < count; ++i)
        load_row(e->queries + i * HEAD_DIM, queries + i * heads * HEAD_DIM, HEAD_DIM);
    for (int64_t i = 0; i < count * HEAD_DIM; ++i)
        e->queries[i] *= scale;
    gemm_plain_f32(e->queries, e->keys, e->scores, count, HEAD_DIM, e->length);
    for (int64_t i = 0; i < count; ++i)
        softmax(e->scores + i * e->length, max_of(positions[i], 0) + 1, e->length);
    matmul_f32(rank, e->scores, e->values, e->mixed, count, e->length, VALUE_DIM);
    for (int64_t i = 0; i < count; ++i)
        if (positions[i] >= 0)
            store_row(out + i * heads * VALUE_DIM, e->mixed + i * VALUE_DIM, VALUE_DIM);
}

static void expanded(rt_rank *rank, const struct latent_attention_args *a, const elem_t *latents,
                     int64_t first_row) {
    const int32_t *positions = (const int32_t *)rt_at(rank, a->positions) + first_row;
    const elem_t *queries = rt_at(rank, a->queries), *up = rt_at(rank, a->latent_up);
    elem_t *out = rt_at(rank, a->out);
    const int64_t capacity = min_of(a->tokens, TILE_ATTENTION);
    float *workspace = rt_at(rank, a->workspace);
    struct expansion e = {.queries = carve(&workspace, capacity * HEAD_DIM)};
    e.mixed = carve(&workspace, capacity * VALUE_DIM);
    e.scores = carve(&workspace, capacity * CONTEXT);
    e.up = carve(&workspace, UP * KV_LATENT);
    e.keys = carve(&workspace, (HEAD_DIM + VALUE_DIM) * CONTEXT);
    e.scratch = workspace;

    for (int64_t row = 0; row < a->tokens; ++row)
        e.length = max_of(e.length, (int64_t)positions[row] + 1);
    e.values = e.keys + HEAD_DIM * e.length;
    for (int64_t head = 0; e.length && head < a->heads; ++head) {
        expand(rank, &e, latents, up + head * UP * KV_LATENT);
        for (int64_t row = 0; row < a->tokens; row += capacity) {
            int64_t pair = (first_row + row) * a->heads + head;
            attend_rows(rank, &e, queries + pair * HEAD_DIM, out + pair * VALUE_DIM,
                        positions + row, min_of(capacity, a->tokens - row), a->heads);
        }
    }
}

rt_status kernel_latent_attention(rt_rank *rank, const void *args) {
    const struct latent_attention_args *a = args;
    const elem_t *latents = rt_at(rank, a->latents);
    elem_t *out = rt_at(rank, a->out);
    int64_t elements = (int64_t)a->sequences * a->tokens * a->heads * VALUE_DIM;

    memset(out, 0, (size_t)elements * sizeof *out);
    for (int64_t s = 0; s < a->sequences; ++s)
        (a->expanded ? expanded : absorbed)(
            rank, a, latents + (a->cache_first + s) * CONTEXT * ENTRY, s * a->tokens);
    return RT_OK;
}
