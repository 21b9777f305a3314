/* attention: causal grouped-query attention over the cache. The query heads that share a key-value head are
 * taken together, TILE_ATTENTION (row, head) pairs at a time: scores, softmax, weighted values. */
#include "matmul.h"
#include "softmax.h"

enum { GROUP = HEADS / KV_HEADS }; /* query heads a key-value head */

/* Pairs gathered for one product, and where their results go. */
struct tile {
    int64_t pairs, begin, end; /* positions [begin, end) that some pair sees */
    int32_t first[TILE_ATTENTION], position[TILE_ATTENTION]; /* that a pair sees, both included */
    elem_t *to[TILE_ATTENTION];
    float *queries; /* [pairs][D], scaled by SCORE_SCALE / sqrt(D) */
    float *mixed;   /* [pairs][D] */
    float *scores;  /* [pairs][end - begin] */
    float *scratch;
};

/* Attend from all pairs of the tile to keys and values with `stride` elements between positions. */
static void attend(rt_rank *rank, struct tile *tile, const elem_t *keys, const elem_t *values,
                   int64_t stride) {
    const int64_t length = tile->end - tile->begin;
    matmul_transposed(&(matmul){
        .rank = rank,
        .in = tile->queries,
        .in_stride = HEAD_DIM,
        .weight = keys + tile->begin * stride,
        .weight_stride = stride,
        .out = tile->scores,
        .out_stride = length,
        .rows = tile->pairs,
        .inputs = HEAD_DIM,
        .outputs = length,
        .scratch = tile->scratch,
    });
    for (int64_t i = 0; i < tile->pairs; ++i) {
        int64_t unseen = tile->first[i] - tile->begin;
        float *scores = tile->scores + i * length;
        memset(scores, 0, (size_t)unseen * sizeof *scores);
        softmax(scores + unseen, tile->position[i] + 1 - tile->first[i], length - unseen);
    }
    matmul_plain(&(matmul){
        .rank = rank,
        .in = tile->scores,
        .in_stride = length,
        .weight = values + tile->begin * stride,
        .weight_stride = stride,
        .out = tile->mixed,
        .out_stride = HEAD_DIM,
        .rows = tile->pairs,
        .inputs = length,
        .outputs = HEAD_DIM,
        .scratch = tile->scratch,
    });
    for (int64_t i = 0; i < tile->pairs; ++i)
        store_row(tile->to[i], tile->mixed + i * HEAD_DIM, HEAD_DIM);
    tile->pairs = tile->end = 0;
}

static void add_pair(struct tile *tile, const elem_t *query, elem_t *to, int32_t position,
                     int32_t window) {
    const float scale = (float)SCORE_SCALE / sqrtf((float)HEAD_DIM);
    const int32_t first = window && position >= window ? position - window + 1 : 0;
    float *row = tile->queries + tile->pairs * HEAD_DIM;
    load_row(row, query, HEAD_DIM);
    for (int64_t i = 0; i < HEAD_DIM; ++i)
        row[i] *= scale;
    tile->to[tile->pairs] = to;
    tile->first[tile->pairs] = first;
    tile->position[tile->pairs++] = position;
    tile->begin = tile->pairs > 1 ? min_of(tile->begin, first) : first;
    tile->end = max_of(tile->end, position + 1);
}

rt_status kernel_attention(rt_rank *rank, const void *args) {
    const struct attention_args *a = args;
    const int32_t *positions = rt_at(rank, a->positions);
    const elem_t *qkv = rt_at(rank, a->qkv), *keys = rt_at(rank, a->keys);
    const elem_t *values = rt_at(rank, a->values);
    elem_t *out = rt_at(rank, a->out);
    const int64_t width = ((int64_t)a->heads + 2 * a->kv_heads) * HEAD_DIM;
    const int64_t wide = (int64_t)a->heads * HEAD_DIM, stride = (int64_t)a->kv_heads * HEAD_DIM;
    const int64_t capacity = min_of((int64_t)a->tokens * GROUP, TILE_ATTENTION);

    float *workspace = rt_at(rank, a->workspace);
    struct tile tile = {.queries = carve(&workspace, capacity * HEAD_DIM)};
    tile.mixed = carve(&workspace, capacity * HEAD_DIM);
    tile.scores = carve(&workspace, capacity * CONTEXT);
    tile.scratch = workspace;

    memset(out, 0, (size_t)((int64_t)a->sequences * a->tokens * wide) * sizeof *out);
    for (int64_t s = 0; s < a->sequences; ++s) {
        const elem_t *key = keys + (a->cache_first + s) * CONTEXT * stride;
        const elem_t *value = values + (a->cache_first + s) * CONTEXT * stride;
        for (int64_t kv = 0; kv < a->kv_heads; ++kv) {
            /* The heads held that share this key-value head, counted from head_begin. */
            int64_t begin = max_of((a->kv_begin + kv) * GROUP - a->head_begin, 0);
            int64_t end = min_of((a->kv_begin + kv + 1) * GROUP - a->head_begin, a->heads);
            for (int64_t row = s * a->tokens; row < (s + 1) * a->tokens; ++row) {
                for (int64_t head = begin; positions[row] >= 0 && head < end; ++head) {
                    add_pair(&tile, qkv + row * width + head * HEAD_DIM,
                             out + row * wide + head * HEAD_DIM, positions[row], a->window);
                    if (tile.pairs == capacity)
                        attend(rank, &tile, key + kv * HEAD_DIM, value + kv * HEAD_DIM, stride);
                }
            }
            if (tile.pairs)
                attend(rank, &tile, key + kv * HEAD_DIM, value + kv * HEAD_DIM, stride);
        }
    }
    return RT_OK;
}
