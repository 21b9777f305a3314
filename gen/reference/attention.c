/* attention: the first half of a layer: norm, projections, rotation, causal grouped-query
 * attention over the cache, output projection, residual. Scratch is the Reference's. */
#include "reference/math.h"
#include "reference/reference_state.h"

#include <math.h>
#include <string.h>

typedef struct Attention {
    const Model *model;
    const ReferenceRow *rows;
    const double *queries;       /* [count][heads x head_dim] */
    const double *keys, *values; /* this layer: [sequences][positions][kv_heads x head_dim] */
    int64_t positions;
    double *scores; /* [count x heads][positions] */
    double *out;    /* [count][heads x head_dim] */
} Attention;

/* Items are pairs of row and head. */
static void attend(void *context, int64_t begin, int64_t end) {
    const Attention *job = context;
    const Model *model = job->model;
    int64_t size = model->head_dim, width = model->kv_heads * size;
    for (int64_t item = begin; item < end; item++) {
        const ReferenceRow *row = &job->rows[item / model->heads];
        int64_t kv = item % model->heads / (model->heads / model->kv_heads);
        int64_t at = row->sequence * job->positions * width + kv * size;
        const double *query = job->queries + item * size;
        double *scores = job->scores + item * job->positions, *out = job->out + item * size;
        for (int64_t p = 0; p <= row->position; p++) {
            double sum = 0;
            for (int64_t i = 0; i < size; i++)
                sum += query[i] * job->keys[at + p * width + i];
            scores[p] = sum / sqrt((double)size);
        }
        math_softmax(scores, row->position + 1);
        memset(out, 0, (size_t)size * sizeof *out);
        for (int64_t p = 0; p <= row->position; p++)
            for (int64_t i = 0; i < size; i++)
                out[i] += scores[p] * job->values[at + p * width + i];
    }
}

/* Rotate where the model rotates, and append keys and values to the cache. */
static void append(const Model *model, const ReferenceRow *rows, int64_t count, double *queries,
                   double *keys, const double *values, const Attention *job, double *cached_keys,
                   double *cached_values) {
    int64_t size = model->head_dim, width = model->kv_heads * size;
    for (int64_t r = 0; r < count; r++) {
        double *query = queries + r * model->heads * size, *key = keys + r * width;
        if (model->position == POSITION_ROPE) {
            for (int64_t h = 0; h < model->heads; h++)
                math_rope(query + h * size, size, rows[r].position, model->rope_theta);
            for (int64_t h = 0; h < model->kv_heads; h++)
                math_rope(key + h * size, size, rows[r].position, model->rope_theta);
        }
        int64_t at = (rows[r].sequence * job->positions + rows[r].position) * width;
        memcpy(cached_keys + at, key, (size_t)width * sizeof *key);
        memcpy(cached_values + at, values + r * width, (size_t)width * sizeof *values);
    }
}

void reference_attention(Reference *reference, int64_t layer, const ReferenceRow *rows,
                         int64_t count, ReferenceCache *cache, double *residual) {
    const Model *model = reference->model;
    Parallel *parallel = reference->parallel;
    Arena *arena = &reference->scratch;
    ArenaMark mark = arena_mark(arena);
    int64_t hidden = model->hidden, width = model->heads * model->head_dim;
    int64_t kv_width = model->kv_heads * model->head_dim;
    int64_t layer_cache = layer * cache->sequences * cache->positions * kv_width;
    double *normed = ARENA_ARRAY(arena, count * hidden, double);
    double *queries = ARENA_ARRAY(arena, count * width, double);
    double *keys = ARENA_ARRAY(arena, count * kv_width, double);
    double *values = ARENA_ARRAY(arena, count * kv_width, double);
    Attention job = {.model = model,
                     .rows = rows,
                     .queries = queries,
                     .keys = cache->keys + layer_cache,
                     .values = cache->values + layer_cache,
                     .positions = cache->positions,
                     .scores = ARENA_ARRAY(arena, count * model->heads * cache->positions, double),
                     .out = ARENA_ARRAY(arena, count * width, double)};
    reference_norm(reference, TENSOR_ATTENTION_NORM, TENSOR_ATTENTION_NORM_BIAS, layer, residual,
                   count, normed);
    math_linear(parallel, reference_weight(reference, TENSOR_QUERY, layer, 0),
                reference_weight(reference, TENSOR_QUERY_BIAS, layer, 0), width, hidden, normed,
                count, queries);
    math_linear(parallel, reference_weight(reference, TENSOR_KEY, layer, 0),
                reference_weight(reference, TENSOR_KEY_BIAS, layer, 0), kv_width, hidden, normed,
                count, keys);
    math_linear(parallel, reference_weight(reference, TENSOR_VALUE, layer, 0),
                reference_weight(reference, TENSOR_VALUE_BIAS, layer, 0), kv_width, hidden, normed,
                count, values);
    append(model, rows, count, queries, keys, values, &job, cache->keys + layer_cache,
           cache->values + layer_cache);
    parallel_for(parallel, count * model->heads, attend, &job);
    math_linear(parallel, reference_weight(reference, TENSOR_OUTPUT, layer, 0),
                reference_weight(reference, TENSOR_OUTPUT_BIAS, layer, 0), hidden, width, job.out,
                count, normed);
    for (int64_t i = 0; i < count * hidden; i++)
        residual[i] += normed[i];
    arena_rewind(arena, mark);
}
