/* model_tensors: which tensors a model has, their shapes, and in which layers they are. */
#include "input/model_internal.h"

#include <string.h>

const char *const tensor_kind_names[TENSOR_KINDS + 1] = {
    "embedding",
    "positions",
    "attention_norm",
    "attention_norm_bias",
    "query_down",
    "query_latent_norm",
    "query",
    "query_bias",
    "key",
    "key_bias",
    "value",
    "value_bias",
    "query_norm",
    "key_norm",
    "latent",
    "latent_norm",
    "latent_up",
    "output",
    "output_bias",
    "ffn_norm",
    "ffn_norm_bias",
    "router",
    "router_correction",
    "expert_gate",
    "expert_gate_bias",
    "expert_up",
    "expert_up_bias",
    "expert_down",
    "expert_down_bias",
    "dense_gate",
    "dense_gate_bias",
    "dense_up",
    "dense_up_bias",
    "dense_down",
    "dense_down_bias",
    "shared_gate",
    "shared_gate_bias",
    "shared_up",
    "shared_up_bias",
    "shared_down",
    "shared_down_bias",
    "shared_score",
    "final_norm",
    "final_norm_bias",
    "head",
    NULL,
};

bool tensor_kind_per_layer(TensorKind kind) {
    return kind >= TENSOR_ATTENTION_NORM && kind <= TENSOR_SHARED_SCORE;
}

bool tensor_kind_per_expert(TensorKind kind) {
    return kind >= TENSOR_EXPERT_GATE && kind <= TENSOR_EXPERT_DOWN_BIAS;
}

/* Feed-forwards of dense layers, and shared ones: biases and gates as experts have them. */
static bool needs_dense(const Model *model, TensorKind kind) {
    bool shared = kind >= TENSOR_SHARED_GATE;
    TensorKind as_dense = shared ? kind - TENSOR_SHARED_GATE + TENSOR_DENSE_GATE : kind;
    bool gate = as_dense == TENSOR_DENSE_GATE || as_dense == TENSOR_DENSE_GATE_BIAS;
    bool bias = as_dense == TENSOR_DENSE_GATE_BIAS || as_dense == TENSOR_DENSE_UP_BIAS ||
                as_dense == TENSOR_DENSE_DOWN_BIAS;
    return (shared ? model->shared_hidden > 0 : model->dense_layers.count > 0) &&
           (!gate || model->gated) && (!bias || model->expert_bias);
}

bool model_needs(const Model *model, TensorKind kind) {
    switch (kind) {
    case TENSOR_POSITIONS:
        return model->position == POSITION_LEARNED;
    case TENSOR_ATTENTION_NORM_BIAS:
    case TENSOR_FFN_NORM_BIAS:
    case TENSOR_FINAL_NORM_BIAS:
        return model->norm == NORM_LAYER;
    case TENSOR_QUERY_DOWN:
    case TENSOR_QUERY_LATENT_NORM:
        return model->q_latent > 0;
    case TENSOR_QUERY_NORM:
    case TENSOR_KEY_NORM:
        return model->qk_norm != QK_NORM_NONE;
    case TENSOR_ROUTER_CORRECTION:
        return model->router_correction;
    case TENSOR_SHARED_SCORE:
        return model->shared_score;
    case TENSOR_KEY:
    case TENSOR_VALUE:
        return !model_is_latent(model);
    case TENSOR_LATENT:
    case TENSOR_LATENT_NORM:
    case TENSOR_LATENT_UP:
        return model_is_latent(model);
    case TENSOR_QUERY_BIAS:
    case TENSOR_KEY_BIAS:
    case TENSOR_VALUE_BIAS:
        return model->attention_bias;
    case TENSOR_OUTPUT_BIAS:
        return model->output_bias;
    case TENSOR_EXPERT_GATE:
        return model->gated;
    case TENSOR_EXPERT_GATE_BIAS:
        return model->gated && model->expert_bias;
    case TENSOR_EXPERT_UP_BIAS:
    case TENSOR_EXPERT_DOWN_BIAS:
        return model->expert_bias;
    case TENSOR_HEAD:
        return !model->tie_embeddings;
    default:
        return kind < TENSOR_DENSE_GATE || kind > TENSOR_SHARED_DOWN_BIAS ||
               needs_dense(model, kind);
    }
}

void model_tensor_shape(const Model *model, TensorKind kind, int64_t *rows, int64_t *columns) {
    *rows = model->hidden;
    *columns = 1;
    switch (kind) {
    case TENSOR_EMBEDDING:
    case TENSOR_HEAD:
        *rows = model->vocabulary;
        *columns = model->hidden;
        break;
    case TENSOR_POSITIONS:
        *rows = model->max_positions;
        *columns = model->hidden;
        break;
    case TENSOR_QUERY_DOWN:
        *columns = model->hidden;
        /* fall through */
    case TENSOR_QUERY_LATENT_NORM:
        *rows = model->q_latent;
        break;
    case TENSOR_QUERY_NORM:
        *rows = model->qk_norm == QK_NORM_FULL ? model->heads * model->head_dim : model->head_dim;
        break;
    case TENSOR_KEY_NORM:
        *rows =
            model->qk_norm == QK_NORM_FULL ? model->kv_heads * model->head_dim : model->head_dim;
        break;
    case TENSOR_LATENT:
        *rows = model_latent_dim(model);
        *columns = model->hidden;
        break;
    case TENSOR_LATENT_NORM:
        *rows = model->kv_latent;
        break;
    case TENSOR_LATENT_UP:
        *rows = model->heads * (model_plain_dim(model) + model->value_dim);
        *columns = model->kv_latent;
        break;
    case TENSOR_QUERY:
        *columns = model->q_latent ? model->q_latent : model->hidden;
        /* fall through */
    case TENSOR_QUERY_BIAS:
        *rows = model->heads * model->head_dim;
        break;
    case TENSOR_KEY:
    case TENSOR_VALUE:
        *columns = model->hidden;
        /* fall through */
    case TENSOR_KEY_BIAS:
    case TENSOR_VALUE_BIAS:
        *rows = model->kv_heads * model->head_dim;
        break;
    case TENSOR_OUTPUT:
        *columns = model->heads * model->value_dim;
        break;
    case TENSOR_ROUTER:
        *columns = model->hidden;
        /* fall through */
    case TENSOR_ROUTER_CORRECTION:
        *rows = model->experts;
        break;
    case TENSOR_SHARED_SCORE:
        *rows = 1;
        *columns = model->hidden;
        break;
    case TENSOR_EXPERT_GATE:
    case TENSOR_EXPERT_UP:
        *columns = model->hidden;
        /* fall through */
    case TENSOR_EXPERT_GATE_BIAS:
    case TENSOR_EXPERT_UP_BIAS:
        *rows = model->expert_hidden;
        break;
    case TENSOR_EXPERT_DOWN:
        *columns = model->expert_hidden;
        break;
    case TENSOR_DENSE_GATE:
    case TENSOR_DENSE_UP:
    case TENSOR_SHARED_GATE:
    case TENSOR_SHARED_UP:
        *columns = model->hidden;
        /* fall through */
    case TENSOR_DENSE_GATE_BIAS:
    case TENSOR_DENSE_UP_BIAS:
    case TENSOR_SHARED_GATE_BIAS:
    case TENSOR_SHARED_UP_BIAS:
        *rows = kind < TENSOR_SHARED_GATE ? model->dense_hidden : model->shared_hidden;
        break;
    case TENSOR_DENSE_DOWN:
        *columns = model->dense_hidden;
        break;
    case TENSOR_SHARED_DOWN:
        *columns = model->shared_hidden;
        break;
    default: /* norms and biases of the residual stream: [hidden] */
        break;
    }
}

bool model_has(const Model *model, TensorKind kind) {
    for (int64_t i = 0; i < model->tensors.count; i++)
        if (model->tensors.items[i].kind == (int64_t)kind)
            return true;
    return false;
}

bool model_is_dense(const Model *model, int64_t layer) {
    for (int64_t i = 0; i < model->dense_layers.count; i++)
        if (model->dense_layers.items[i] == layer)
            return true;
    return false;
}

int64_t model_window(const Model *model, int64_t layer) {
    for (int64_t i = 0; i < model->window_layers.count; i++)
        if (model->window_layers.items[i] == layer)
            return model->sliding_window;
    return 0;
}

int64_t model_same_until(const Model *model, int64_t layer, int64_t end) {
    bool dense = model_is_dense(model, layer);
    while (++layer < end && model_is_dense(model, layer) == dense)
        continue;
    return layer;
}

int64_t model_alike_until(const Model *model, int64_t layer, int64_t end) {
    int64_t window = model_window(model, layer), same = model_same_until(model, layer, end);
    while (++layer < same && model_window(model, layer) == window)
        continue;
    return layer;
}

/* Kinds of a feed-forward: of dense layers, or of the others; all other kinds are in every layer. */
static bool is_of_ffn(TensorKind kind) {
    return kind >= TENSOR_ROUTER && kind <= TENSOR_SHARED_SCORE;
}

static bool is_of_dense(TensorKind kind) {
    return kind >= TENSOR_DENSE_GATE && kind <= TENSOR_DENSE_DOWN_BIAS;
}

bool model_has_in_layer(const Model *model, TensorKind kind, int64_t layer) {
    return !is_of_ffn(kind) || is_of_dense(kind) == model_is_dense(model, layer);
}

/* Layers that have a kind, without going through them: a file may ask for 2^31 of them. */
static int64_t layers_with(const Model *model, TensorKind kind) {
    int64_t dense = model->dense_layers.count;
    if (!tensor_kind_per_layer(kind))
        return 1;
    if (!is_of_ffn(kind))
        return model->layers;
    return is_of_dense(kind) ? dense : model->layers - dense;
}

const char *model_fill_name(Arena *arena, const char *pattern, int64_t layer, int64_t expert) {
    const char *name = "";
    while (*pattern) {
        size_t plain = strcspn(pattern, "{");
        name = arena_printf(arena, "%s%.*s", name, (int)plain, pattern);
        pattern += plain;
        if (strncmp(pattern, "{layer}", 7) == 0) {
            name = arena_printf(arena, "%s%lld", name, (long long)layer);
            pattern += 7;
        } else if (strncmp(pattern, "{expert}", 8) == 0) {
            name = arena_printf(arena, "%s%lld", name, (long long)expert);
            pattern += 8;
        } else if (*pattern) {
            name = arena_printf(arena, "%s{", name);
            pattern++;
        }
    }
    return name;
}

const char *model_tensor_name(Arena *arena, const Model *model, TensorKind kind, int64_t layer,
                              int64_t expert) {
    for (int64_t i = 0; i < model->tensors.count; i++)
        if (model->tensors.items[i].kind == (int64_t)kind)
            return model_fill_name(arena, model->tensors.items[i].name, layer, expert);
    return NULL;
}

int64_t model_parameters(const Model *model) {
    int64_t sum = 0;
    for (int64_t i = 0; i < model->tensors.count; i++) {
        TensorKind kind = (TensorKind)model->tensors.items[i].kind;
        int64_t rows, columns;
        model_tensor_shape(model, kind, &rows, &columns);
        sum += rows * columns * layers_with(model, kind) *
               (tensor_kind_per_expert(kind) ? model->experts : 1);
    }
    return sum;
}
