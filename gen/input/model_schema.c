/* model_schema: the fields and tensors of a model, as data. */
#include "input/model_internal.h"

#include <assert.h>
#include <string.h>

const char *const tensor_kind_names[TENSOR_KINDS + 1] = {
    "embedding",
    "positions",
    "attention_norm",
    "attention_norm_bias",
    "query",
    "query_bias",
    "key",
    "key_bias",
    "value",
    "value_bias",
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
     .doc = "expert matrices have biases"},
    {SIZE(experts), .doc = "experts a layer"},
    {SIZE(expert_hidden), .doc = "width inside an expert"},
    {SIZE(top_k), .doc = "experts a token"},
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
    return kind >= TENSOR_ATTENTION_NORM && kind <= TENSOR_EXPERT_DOWN_BIAS;
}

bool tensor_kind_per_expert(TensorKind kind) {
    return kind >= TENSOR_EXPERT_GATE && kind <= TENSOR_EXPERT_DOWN_BIAS;
}

bool model_needs(const Model *model, TensorKind kind) {
    switch (kind) {
    case TENSOR_POSITIONS:
        return model->position == POSITION_LEARNED;
    case TENSOR_ATTENTION_NORM_BIAS:
    case TENSOR_FFN_NORM_BIAS:
    case TENSOR_FINAL_NORM_BIAS:
        return model->norm == NORM_LAYER;
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
        return true;
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
    case TENSOR_QUERY:
        *columns = model->hidden;
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
        *columns = model->heads * model->head_dim;
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
        int64_t copies = tensor_kind_per_layer(kind) ? model->layers : 1;
        sum += rows * columns * copies * (tensor_kind_per_expert(kind) ? model->experts : 1);
    }
    return sum;
}
