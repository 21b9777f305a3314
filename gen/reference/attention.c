/* attention: the first half of a layer: norm, projections, rotation, causal grouped-query
 * attention over the cache, output projection, residual. Scratch is the Reference's. */
#include "reference/math.h"
#include "reference/reference_state.h"

#include <math.h>
#include <string.h>

typedef struct Attention {
    const Model *model;
    const ReferenceRow *rows;
    const double *queries; /* [count][heads x head_dim] */
    const double *keys,
        *values; /* this layer: [sequences][positions][kv_heads x head_dim or value_dim] */
    int64_t positions, window; /* positions that a row sees, its own among them; 0: all */
    double *scores;            /* [count x heads][positions] */
    double *out;               /* [count][heads x value_dim] */
} Attention;

/* Items are pairs of row and head. */
static void attend(void *context, int64_t begin, int64_t end) {
    const Attention *job = context;
    const Model *model = job->model;
    int64_t size = model->head_dim, width = model->kv_heads * size;
    int64_t value = model->value_dim, value_width = model->kv_heads * value;
    for (int64_t item = begin; item < end; item++) {
        const ReferenceRow *row = &job->rows[item / model->heads];
        int64_t kv = item % model->heads / (model->heads / model->kv_heads);
        int64_t at = row->sequence * job->positions * width + kv * size;
        int64_t value_at = row->sequence * job->positions * value_width + kv * value;
        const double *query = job->queries + item * size;
        double *scores = job->scores + item * job->positions, *out = job->out + item * value;
        int64_t first =
            job->window && row->position >= job->window ? row->position - job->window + 1 : 0;
        for (int64_t p = first; p <= row->position; p++) {
            double sum = 0;
            for (int64_t i = 0; i < size; i++)
                sum += query[i] * job->keys[at + p * width + i];
            scores[p] = sum * model->rope_scaling.score_scale / sqrt((double)size);
        }
        math_softmax(scores + first, row->position + 1 - first);
        memset(out, 0, (size_t)value * sizeof *out);
        for (int64_t p = first; p <= row->position; p++)
            for (int64_t i = 0; i < value; i++)
                out[i] += scores[p] * job->values[value_at + p * value_width + i];
    }
}

/* Rotate where the model rotates, and append keys and values to the cache. */
static void append(const Model *model, const ReferenceRow *rows, int64_t count, double *queries,
                   double *keys, const double *values, const Attention *job, double *cached_keys,
                   double *cached_values) {
    int64_t size = model->head_dim, width = model->kv_heads * size;
    int64_t still = model_is_latent(model) ? model_plain_dim(model) : 0; /* elements before those */
    int64_t value_width = model->kv_heads * model->value_dim;
    for (int64_t r = 0; r < count; r++) {
        double *query = queries + r * model->heads * size, *key = keys + r * width;
        if (model->position == POSITION_ROPE) {
            for (int64_t h = 0; h < model->heads; h++)
                math_rope(model, query + h * size + still, rows[r].position);
            for (int64_t h = 0; h < model->kv_heads; h++)
                math_rope(model, key + h * size + still, rows[r].position);
        }
        int64_t at = rows[r].sequence * job->positions + rows[r].position;
        memcpy(cached_keys + at * width, key, (size_t)width * sizeof *key);
        memcpy(cached_values + at * value_width, values + r * value_width,
               (size_t)value_width * sizeof *values);
    }
}

/* Queries, keys and values of the rows, each head written out: of the residual's projections, or of latents that
 * they are made of, in the plain form: nothing is absorbed here. */
typedef struct Heads {
    double *queries, *keys,
        *values; /* [count][heads x head_dim], likewise, [count][heads x value_dim] */
} Heads;

static void project(Reference *reference, int64_t layer, TensorKind weight, TensorKind bias,
                    const double *in, int64_t count, double *out) {
    int64_t rows, columns;
    model_tensor_shape(reference->model, weight, &rows, &columns);
    math_linear(reference->parallel, reference_weight(reference, weight, layer, 0),
                reference_weight(reference, bias, layer, 0), rows, columns, in, count, out);
}

static void norm_latents(const Reference *reference, TensorKind weight, int64_t layer,
                         int64_t count, int64_t stride, int64_t size, double *latents) {
    for (int64_t r = 0; r < count; r++)
        math_rms_norm(latents + r * stride, reference_weight(reference, weight, layer, 0),
                      reference->model->latent_norm_eps, size, latents + r * stride);
}

static void latent_heads(Reference *reference, int64_t layer, const double *normed, int64_t count,
                         const Heads *heads) {
    const Model *model = reference->model;
    Arena *arena = &reference->scratch;
    int64_t entry = model_latent_dim(model), plain = model_plain_dim(model);
    int64_t turned = model->rope_dim, value = model->value_dim, each = plain + value;
    double *low = ARENA_ARRAY(arena, count * model->q_latent, double);
    double *latents = ARENA_ARRAY(arena, count * entry, double);
    double *bare = ARENA_ARRAY(arena, count * model->kv_latent, double);
    double *made = ARENA_ARRAY(arena, count * model->heads * each, double);
    if (model->q_latent) {
        project(reference, layer, TENSOR_QUERY_DOWN, TENSOR_QUERY_BIAS, normed, count, low);
        norm_latents(reference, TENSOR_QUERY_LATENT_NORM, layer, count, model->q_latent,
                     model->q_latent, low);
    }
    project(reference, layer, TENSOR_QUERY, TENSOR_QUERY_BIAS, model->q_latent ? low : normed,
            count, heads->queries);
    project(reference, layer, TENSOR_LATENT, TENSOR_KEY_BIAS, normed, count, latents);
    norm_latents(reference, TENSOR_LATENT_NORM, layer, count, entry, model->kv_latent, latents);
    for (int64_t r = 0; r < count; r++)
        memcpy(bare + r * model->kv_latent, latents + r * entry,
               (size_t)model->kv_latent * sizeof *bare);
    project(reference, layer, TENSOR_LATENT_UP, TENSOR_KEY_BIAS, bare, count, made);
    for (int64_t i = 0; i < count * model->heads; i++) {
        const double *shared = latents + i / model->heads * entry + model->kv_latent;
        memcpy(heads->keys + i * model->head_dim, made + i * each, (size_t)plain * sizeof *made);
        memcpy(heads->keys + i * model->head_dim + plain, shared, (size_t)turned * sizeof *made);
        memcpy(heads->values + i * value, made + i * each + plain, (size_t)value * sizeof *made);
    }
}

/* The norm of `heads` heads a row, each by itself or all as one vector. */
static void norm_heads(const Reference *reference, TensorKind weight, int64_t layer, int64_t count,
                       int64_t heads, double *values) {
    const Model *model = reference->model;
    bool full = model->qk_norm == QK_NORM_FULL;
    int64_t size = full ? heads * model->head_dim : model->head_dim;
    int64_t vectors = full ? count : count * heads;
    for (int64_t i = 0; i < vectors; i++)
        math_rms_norm(values + i * size, reference_weight(reference, weight, layer, 0),
                      model->norm_eps, size, values + i * size);
}

static void clip(const Model *model, int64_t elements, double *values) {
    for (int64_t i = 0; i < elements && model->qkv_clip > 0; i++)
        values[i] = fmin(fmax(values[i], -model->qkv_clip), model->qkv_clip);
}

static void plain_heads(Reference *reference, int64_t layer, const double *normed, int64_t count,
                        const Heads *heads) {
    project(reference, layer, TENSOR_QUERY, TENSOR_QUERY_BIAS, normed, count, heads->queries);
    project(reference, layer, TENSOR_KEY, TENSOR_KEY_BIAS, normed, count, heads->keys);
    project(reference, layer, TENSOR_VALUE, TENSOR_VALUE_BIAS, normed, count, heads->values);
    const Model *model = reference->model;
    if (model->qk_norm != QK_NORM_NONE) {
        norm_heads(reference, TENSOR_QUERY_NORM, layer, count, model->heads, heads->queries);
        norm_heads(reference, TENSOR_KEY_NORM, layer, count, model->kv_heads, heads->keys);
    }
    clip(model, count * model->heads * model->head_dim, heads->queries);
    clip(model, count * model->kv_heads * model->head_dim, heads->keys);
    clip(model, count * model->kv_heads * model->head_dim, heads->values);
}

void reference_attention(Reference *reference, int64_t layer, const ReferenceRow *rows,
                         int64_t count, ReferenceCache *cache, double *residual) {
    const Model *model = reference->model;
    Arena *arena = &reference->scratch;
    ArenaMark mark = arena_mark(arena);
    int64_t hidden = model->hidden, width = model->heads * model->value_dim;
    int64_t before = layer * cache->sequences * cache->positions * model->kv_heads;
    double *layer_keys = cache->keys + before * model->head_dim;
    double *layer_values = cache->values + before * model->value_dim;
    double *normed = ARENA_ARRAY(arena, count * hidden, double);
    Heads heads = {.queries = ARENA_ARRAY(arena, count * model->heads * model->head_dim, double),
                   .keys = ARENA_ARRAY(arena, count * model->kv_heads * model->head_dim, double),
                   .values =
                       ARENA_ARRAY(arena, count * model->kv_heads * model->value_dim, double)};
    Attention job = {.model = model,
                     .rows = rows,
                     .queries = heads.queries,
                     .keys = layer_keys,
                     .values = layer_values,
                     .positions = cache->positions,
                     .window = model_window(model, layer),
                     .scores = ARENA_ARRAY(arena, count * model->heads * cache->positions, double),
                     .out = ARENA_ARRAY(arena, count * width, double)};
    reference_norm(reference, TENSOR_ATTENTION_NORM, TENSOR_ATTENTION_NORM_BIAS, layer, residual,
                   count, normed);
    (model_is_latent(model) ? latent_heads : plain_heads)(reference, layer, normed, count, &heads);
    append(model, rows, count, heads.queries, heads.keys, heads.values, &job, layer_keys,
           layer_values);
    parallel_for(reference->parallel, count * model->heads, attend, &job);
    project(reference, layer, TENSOR_OUTPUT, TENSOR_OUTPUT_BIAS, job.out, count, normed);
    for (int64_t i = 0; i < count * hidden; i++)
        residual[i] += normed[i];
    arena_rewind(arena, mark);
}
