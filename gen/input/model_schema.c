/* model_schema: the fields and tensors of a model, as data. */
#include "input/model_internal.h"

#include <assert.h>
#include <string.h>

const char *const tensor_kind_names[TENSOR_KINDS + 1] = {
    "embedding",
    "positions",
    "attention_norm",
    "attention_norm_bias",
    "query_down",
    "query_norm",
    "query",
    "query_bias",
    "key",
    "key_bias",
    "value",
    "value_bias",
    "latent",
    "latent_norm",
    "latent_up",
    "output",
    "output_bias",
    "ffn_norm",
    "ffn_norm_bias",
    "router",
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
    "final_norm",
    "final_norm_bias",
    "head",
    NULL,
};

const char *const element_names[] = {"f32", "bf16", "f16", NULL};
static const char *const norm_names[] = {"rms", "layer", NULL};
static const char *const position_names[] = {"rope", "learned", NULL};
static const char *const activation_names[] = {"silu", "gelu", "gelu_tanh", NULL};

static const Field tensor_fields[] = {
    {.name = "kind",
     .type = FIELD_ENUM,
     .offset = offsetof(ModelTensor, kind),
     .names = tensor_kind_names,
     .doc = "what the tensor is for"},
    {.name = "name",
     .type = FIELD_TEXT,
     .offset = offsetof(ModelTensor, name),
     .doc = "in checkpoints; {layer} and {expert} stand for numbers"},
    {0},
};

static const Schema tensor_schema = {
    .name = "ModelTensor",
    .doc = "The name of one kind of tensor in checkpoints.",
    .size = sizeof(ModelTensor),
    .fields = tensor_fields,
};

#define AT(member) .offset = offsetof(Model, member)
#define SIZE(member) .name = #member, .type = FIELD_INT, AT(member), .min = 1, .max = INT32_MAX
#define WIDTH(member)                                                                              \
    .name = #member, .type = FIELD_INT, AT(member), .fallback = "0", .min = 0, .max = INT32_MAX
#define FRACTION(member)                                                                           \
    .name = #member, .type = FIELD_REAL, AT(member), .fallback = "0", .min = 0, .max = 1

static const Field model_fields[] = {
    {.name = "name", .type = FIELD_TEXT, AT(name), .doc = "of the model"},
    {.name = "family",
     .type = FIELD_TEXT,
     AT(family),
     .fallback = "moe_transformer",
     .doc = "the file of lua/families/ that names its tensors"},
    {SIZE(layers), .doc = "number of layers"},
    {SIZE(hidden), .doc = "width of the residual stream"},
    {SIZE(heads), .doc = "query heads"},
    {SIZE(kv_heads), .fallback = "0", .doc = "key-value heads; as many as heads when absent"},
    {SIZE(head_dim), .fallback = "0", .doc = "width of a head; hidden / heads when absent"},
    {SIZE(vocabulary), .doc = "number of token ids"},
    {SIZE(max_positions), .doc = "longest sequence, prompt and new tokens"},
    {.name = "norm",
     .type = FIELD_ENUM,
     AT(norm),
     .names = norm_names,
     .doc = "rms: by the root mean square; layer: LayerNorm with bias"},
    {.name = "norm_eps",
     .type = FIELD_REAL,
     AT(norm_eps),
     .min = 1e-30,
     .max = 1,
     .doc = "added to the variance"},
    {.name = "position",
     .type = FIELD_ENUM,
     AT(position),
     .names = position_names,
     .doc = "rope: rotary; learned: one vector a position, added to the embedding"},
    {.name = "rope_theta",
     .type = FIELD_REAL,
     AT(rope_theta),
     .fallback = "10000",
     .min = 1,
     .max = 1e12,
     .doc = "base of the rotary frequencies"},
    {.name = "rope_interleave",
     .type = FIELD_BOOL,
     AT(rope_interleave),
     .fallback = "false",
     .doc = "rotary pairs are neighbours (2i, 2i + 1); else (i, i + half)"},
    {WIDTH(q_latent), .doc = "latent attention: width that queries pass through; 0: none"},
    {WIDTH(kv_latent), .doc = "width of the latent that keys and values are made of, and that is "
                              "cached; 0: no latent attention"},
    {WIDTH(rope_dim), .doc = "latent attention: the last elements of a head, which rotate; all of "
                             "a head in other models"},
    {WIDTH(value_dim), .doc = "width of a value head; head_dim when absent"},
    {.name = "latent_norm_eps",
     .type = FIELD_REAL,
     AT(latent_norm_eps),
     .fallback = "1e-6",
     .min = 1e-30,
     .max = 1,
     .doc = "of the RMS norms of latents"},
    {.name = "attention_bias",
     .type = FIELD_BOOL,
     AT(attention_bias),
     .fallback = "false",
     .doc = "query, key and value projections have a bias"},
    {.name = "output_bias",
     .type = FIELD_BOOL,
     AT(output_bias),
     .fallback = "false",
     .doc = "the output projection has a bias"},
    {.name = "activation",
     .type = FIELD_ENUM,
     AT(activation),
     .names = activation_names,
     .doc = "of the experts; gelu is the exact form, gelu_tanh the approximation"},
    {.name = "gated",
     .type = FIELD_BOOL,
     AT(gated),
     .doc = "true: three matrices an expert, activation(gate) x up; false: two"},
    {.name = "expert_bias",
     .type = FIELD_BOOL,
     AT(expert_bias),
     .fallback = "false",
     .doc = "matrices of experts and of dense feed-forwards have biases"},
    {SIZE(experts), .doc = "experts a layer"},
    {SIZE(expert_hidden), .doc = "width inside an expert"},
    {SIZE(top_k), .doc = "experts a token"},
    {.name = "dense_layers",
     .type = FIELD_INTS,
     AT(dense_layers),
     .fallback = "",
     .doc = "layers, from 0, with one feed-forward for all tokens instead of experts"},
    {WIDTH(dense_hidden), .doc = "width inside the feed-forward of a dense layer"},
    {WIDTH(shared_hidden),
     .doc = "width of the feed-forward that all tokens pass beside their experts; 0: none"},
    {.name = "renormalize",
     .type = FIELD_BOOL,
     AT(renormalize),
     .doc = "the probabilities of the chosen experts are divided by their sum"},
    {.name = "capacity_factor",
     .type = FIELD_REAL,
     AT(capacity_factor),
     .fallback = "0",
     .min = 0,
     .max = 1e6,
     .doc = "0: none; else an expert takes ceil(factor x length x top_k / experts) per sequence"},
    {.name = "tie_embeddings",
     .type = FIELD_BOOL,
     AT(tie_embeddings),
     .fallback = "false",
     .doc = "the head is the embedding"},
    {.name = "initializer_range",
     .type = FIELD_REAL,
     AT(initializer_range),
     .fallback = "0.02",
     .min = 0,
     .max = 1,
     .doc = "standard deviation of random weights"},
    {FRACTION(load_balance_coefficient), .doc = "of the load-balance loss; training"},
    {FRACTION(router_z_coefficient), .doc = "of the router's z-loss; training"},
    {FRACTION(attention_dropout), .doc = "training"},
    {FRACTION(residual_dropout), .doc = "training"},
    {FRACTION(expert_dropout), .doc = "training"},
    {.name = "tokenizer",
     .type = FIELD_TEXT,
     AT(tokenizer),
     .fallback = "",
     .doc = "name or path; may be absent"},
    {.name = "tensors",
     .type = FIELD_LIST,
     AT(tensors),
     .fallback = "",
     .of = &tensor_schema,
     .doc = "names in checkpoints; those absent are the family's"},
    {0},
};

/* Habits of other configurations, told as a note. */
static const char *const model_aliases[] = {"hidden_size",
                                            "hidden",
                                            "num_hidden_layers",
                                            "layers",
                                            "num_layers",
                                            "layers",
                                            "num_attention_heads",
                                            "heads",
                                            "num_key_value_heads",
                                            "kv_heads",
                                            "vocab_size",
                                            "vocabulary",
                                            "max_position_embeddings",
                                            "max_positions",
                                            "num_experts",
                                            "experts",
                                            "intermediate_size",
                                            "expert_hidden",
                                            "num_experts_per_tok",
                                            "top_k",
                                            "norm_topk_prob",
                                            "renormalize",
                                            "hidden_act",
                                            "activation",
                                            "layer_norm_eps",
                                            "norm_eps",
                                            "tie_word_embeddings",
                                            "tie_embeddings",
                                            NULL};

const Schema model_schema = {
    .name = "Model",
    .doc = "The architecture of a mixture-of-experts transformer.",
    .size = sizeof(Model),
    .fields = model_fields,
    .aliases = model_aliases,
};

bool tensor_kind_per_layer(TensorKind kind) {
    return kind >= TENSOR_ATTENTION_NORM && kind <= TENSOR_SHARED_DOWN_BIAS;
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
    case TENSOR_QUERY_NORM:
        return model->q_latent > 0;
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
    case TENSOR_QUERY_NORM:
        *rows = model->q_latent;
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
        *rows = model->experts;
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

int64_t model_same_until(const Model *model, int64_t layer, int64_t end) {
    bool dense = model_is_dense(model, layer);
    while (++layer < end && model_is_dense(model, layer) == dense)
        continue;
    return layer;
}

bool model_has_in_layer(const Model *model, TensorKind kind, int64_t layer) {
    if (kind < TENSOR_ROUTER || kind > TENSOR_SHARED_DOWN_BIAS)
        return true;
    bool dense = kind >= TENSOR_DENSE_GATE && kind <= TENSOR_DENSE_DOWN_BIAS;
    return dense == model_is_dense(model, layer);
}

const char *model_tensor_name(Arena *arena, const Model *model, TensorKind kind, int64_t layer,
                              int64_t expert) {
    const char *pattern = NULL;
    for (int64_t i = 0; i < model->tensors.count; i++)
        if (model->tensors.items[i].kind == (int64_t)kind)
            pattern = model->tensors.items[i].name;
    if (!pattern)
        return NULL;
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

int64_t model_parameters(const Model *model) {
    int64_t sum = 0;
    for (int64_t i = 0; i < model->tensors.count; i++) {
        TensorKind kind = (TensorKind)model->tensors.items[i].kind;
        int64_t rows, columns;
        model_tensor_shape(model, kind, &rows, &columns);
        int64_t copies = tensor_kind_per_layer(kind) ? 0 : 1;
        for (int64_t layer = 0; tensor_kind_per_layer(kind) && layer < model->layers; layer++)
            copies += model_has_in_layer(model, kind, layer);
        sum += rows * columns * copies * (tensor_kind_per_expert(kind) ? model->experts : 1);
    }
    return sum;
}
