/* model: the architecture to be deployed, in canonical terms. It comes from our own YAML or from a
 * hub's config.json, translated by the data of a family file (lua/families/NAME.lua). Nothing after
 * this module knows a family's name or a hub's keys: only the fields below and the tensor names. */
#pragma once

#include "input/override.h"

typedef enum ModelNorm { NORM_RMS, NORM_LAYER } ModelNorm;
typedef enum ModelPosition { POSITION_ROPE, POSITION_LEARNED } ModelPosition;
typedef enum ModelActivation {
    ACTIVATION_SILU,
    ACTIVATION_GELU,
    ACTIVATION_GELU_TANH
} ModelActivation;
typedef enum ElementType { ELEMENT_F32, ELEMENT_BF16, ELEMENT_F16 } ElementType;

/* Every tensor that a model may have. Shapes are [rows][columns] as in checkpoints: a projection
 * maps `columns` inputs to `rows` outputs; vectors have one column. Order: as layers use them. */
typedef enum TensorKind {
    TENSOR_EMBEDDING,      /* [vocabulary][hidden] */
    TENSOR_POSITIONS,      /* [max_positions][hidden], learned positions only */
    TENSOR_ATTENTION_NORM, /* [hidden], a layer */
    TENSOR_ATTENTION_NORM_BIAS,
    TENSOR_QUERY_DOWN, /* [q_latent][hidden] */
    TENSOR_QUERY_NORM, /* [q_latent] */
    TENSOR_QUERY,      /* [heads x head_dim][q_latent, or hidden where there is none] */
    TENSOR_QUERY_BIAS,
    TENSOR_KEY, /* [kv_heads x head_dim][hidden] */
    TENSOR_KEY_BIAS,
    TENSOR_VALUE, /* [kv_heads x head_dim][hidden] */
    TENSOR_VALUE_BIAS,
    TENSOR_LATENT, /* [kv_latent + rope_dim][hidden]: the latent, then the rotary key of all heads */
    TENSOR_LATENT_NORM, /* [kv_latent] */
    TENSOR_LATENT_UP, /* [heads x (head_dim - rope_dim + value_dim)][kv_latent]: key and value of each head */
    TENSOR_OUTPUT, /* [hidden][heads x value_dim] */
    TENSOR_OUTPUT_BIAS,
    TENSOR_FFN_NORM, /* [hidden] */
    TENSOR_FFN_NORM_BIAS,
    TENSOR_ROUTER,      /* [experts][hidden], held in float32 */
    TENSOR_EXPERT_GATE, /* [expert_hidden][hidden], an expert of a layer; gated models only */
    TENSOR_EXPERT_GATE_BIAS,
    TENSOR_EXPERT_UP, /* [expert_hidden][hidden] */
    TENSOR_EXPERT_UP_BIAS,
    TENSOR_EXPERT_DOWN, /* [hidden][expert_hidden] */
    TENSOR_EXPERT_DOWN_BIAS,
    TENSOR_DENSE_GATE, /* [dense_hidden][hidden], in dense layers; gated models only */
    TENSOR_DENSE_GATE_BIAS,
    TENSOR_DENSE_UP, /* [dense_hidden][hidden] */
    TENSOR_DENSE_UP_BIAS,
    TENSOR_DENSE_DOWN, /* [hidden][dense_hidden] */
    TENSOR_DENSE_DOWN_BIAS,
    TENSOR_SHARED_GATE, /* the same with shared_hidden, in layers with experts */
    TENSOR_SHARED_GATE_BIAS,
    TENSOR_SHARED_UP,
    TENSOR_SHARED_UP_BIAS,
    TENSOR_SHARED_DOWN,
    TENSOR_SHARED_DOWN_BIAS,
    TENSOR_FINAL_NORM, /* [hidden] */
    TENSOR_FINAL_NORM_BIAS,
    TENSOR_HEAD, /* [vocabulary][hidden]; absent when embeddings are tied */
    TENSOR_KINDS,
} TensorKind;

extern const char *const tensor_kind_names[TENSOR_KINDS + 1]; /* "embedding", ..., NULL */

/* One tensor kind of this model: its name in checkpoints, with {layer} and {expert} to be
 * replaced. */
typedef struct ModelTensor {
    int64_t kind; /* TensorKind */
    const char *name;
} ModelTensor;

typedef struct Model {
    const char *name;
    const char *family; /* for messages and for finding the family file; decides nothing later */
    int64_t layers, hidden, heads, kv_heads, head_dim, vocabulary, max_positions;
    int64_t norm; /* ModelNorm */
    double norm_eps;
    int64_t position; /* ModelPosition */
    double rope_theta;
    bool rope_interleave; /* pairs are neighbours (2i, 2i + 1), not (i, i + half) */
    /* Latent attention: 0, 0 where keys and values are projected of the residual stream. Of a head's head_dim
     * elements the last rope_dim rotate; their key is one for all heads. Else rope_dim is head_dim. */
    int64_t q_latent, kv_latent, rope_dim, value_dim;
    double latent_norm_eps;
    bool attention_bias; /* query, key, value */
    bool output_bias;    /* output projection */
    int64_t activation;  /* ModelActivation */
    bool gated;          /* three matrices an expert (activation(gate) x up), else two */
    bool expert_bias;
    int64_t experts, expert_hidden, top_k;
    IntList
        dense_layers; /* ascending: layers with one feed-forward for all tokens instead of experts */
    int64_t dense_hidden; /* its width */
    int64_t
        shared_hidden; /* width of the feed-forward that all tokens pass beside the experts; 0: none */
    bool renormalize;       /* top-k probabilities divided by their sum */
    double capacity_factor; /* 0: no capacity; else DESIGN section 4, prefill only */
    bool tie_embeddings;
    double initializer_range; /* of random weights */
    /* Training figures, carried for the train step. */
    double load_balance_coefficient, router_z_coefficient;
    double attention_dropout, residual_dropout, expert_dropout;
    const char *tokenizer;        /* name or path; may be "" */
    LIST_OF(ModelTensor) tensors; /* the kinds that this model has, ascending */
} Model;

extern const Schema model_schema;

/* Read MODEL: our YAML (any mapping without "model_type"), or a hub's config.json, or a directory
 * that holds one. `share` overrides the embedded Lua files, or NULL. Checks sizes against each
 * other (E02xx): heads over kv_heads, top_k over experts, positive sizes below 2^31; and warns of
 * the tokenizer gpt2 with a vocabulary other than its 50257 (E0210). */
Status model_read(Arena *arena, const char *path, const char *share, Model *model, Diag *diag);

/* The same with settings of OVERRIDE_MODEL laid over it, or NULL. */
Status model_read_with(Arena *arena, const char *path, const char *share,
                       const OverrideList *settings, Model *model, Diag *diag);

/* Check a model that was read as `root` by the schema alone, as in a plan: what model_read demands of sizes, and that
 * it has the tensors of such a model. */
Status model_check(const Model *model, const YamlNode *root, Diag *diag);

/* Rows and columns of a tensor of this kind in the checkpoint. */
void model_tensor_shape(const Model *model, TensorKind kind, int64_t *rows, int64_t *columns);

/* Name of this tensor in checkpoints with layer and expert put in (ignored where the kind has
 * none); NULL if the model has no such tensor. */
const char *model_tensor_name(Arena *arena, const Model *model, TensorKind kind, int64_t layer,
                              int64_t expert);

bool model_has(const Model *model, TensorKind kind);
/* Is it there in this layer? Kinds per layer only; the model must have the kind. */
bool model_has_in_layer(const Model *model, TensorKind kind, int64_t layer);
bool model_is_dense(const Model *model, int64_t layer);
/* From `layer` on, the first layer up to `end` that is dense where `layer` is not, or the other way round. */
int64_t model_same_until(const Model *model, int64_t layer, int64_t end);

/* What contradicts itself in attention and dense layers, or NULL; *key is the key to blame. Read models have none;
 * for plans, which people edit. */
const char *model_fault(const Model *model, const char **key);

static inline bool model_is_latent(const Model *model) {
    return model->kv_latent > 0;
}
/* Elements of a key or query head that do not rotate; of a position's entry in the cache of latents. */
static inline int64_t model_plain_dim(const Model *model) {
    return model->head_dim - model->rope_dim;
}
static inline int64_t model_latent_dim(const Model *model) {
    return model->kv_latent + model->rope_dim;
}
bool tensor_kind_per_layer(TensorKind kind);
bool tensor_kind_per_expert(TensorKind kind);

/* Parameters in all, and per expert. */
int64_t model_parameters(const Model *model);

static inline int64_t element_bytes(int64_t type) {
    return type == ELEMENT_F32 ? 4 : 2;
}
extern const char *const element_names[]; /* "f32", "bf16", "f16", NULL */
