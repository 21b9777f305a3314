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
typedef enum ModelQkNorm {
    QK_NORM_NONE,
    QK_NORM_HEAD, /* each head of queries and keys by itself, all with the same weights */
    QK_NORM_FULL, /* all heads of a row as one vector, with weights of its length */
} ModelQkNorm;
typedef enum ModelScoring { SCORING_SOFTMAX, SCORING_SIGMOID } ModelScoring;
typedef enum RopeScalingKind { ROPE_PLAIN, ROPE_LINEAR, ROPE_YARN } RopeScalingKind;
typedef enum ElementType { ELEMENT_F32, ELEMENT_BF16, ELEMENT_F16 } ElementType;

/* Every tensor that a model may have. Shapes are [rows][columns] as in checkpoints: a projection
 * maps `columns` inputs to `rows` outputs; vectors have one column. Order: as layers use them. */
typedef enum TensorKind {
    TENSOR_EMBEDDING,      /* [vocabulary][hidden] */
    TENSOR_POSITIONS,      /* [max_positions][hidden], learned positions only */
    TENSOR_ATTENTION_NORM, /* [hidden], a layer */
    TENSOR_ATTENTION_NORM_BIAS,
    TENSOR_QUERY_DOWN,        /* [q_latent][hidden] */
    TENSOR_QUERY_LATENT_NORM, /* [q_latent] */
    TENSOR_QUERY,             /* [heads x head_dim][q_latent, or hidden where there is none] */
    TENSOR_QUERY_BIAS,
    TENSOR_KEY, /* [kv_heads x head_dim][hidden] */
    TENSOR_KEY_BIAS,
    TENSOR_VALUE, /* [kv_heads x head_dim][hidden] */
    TENSOR_VALUE_BIAS,
    TENSOR_QUERY_NORM, /* [head_dim], or [heads x head_dim] where all heads are normed as one */
    TENSOR_KEY_NORM,   /* [head_dim], or [kv_heads x head_dim] */
    TENSOR_LATENT, /* [kv_latent + rope_dim][hidden]: the latent, then the rotary key of all heads */
    TENSOR_LATENT_NORM, /* [kv_latent] */
    TENSOR_LATENT_UP, /* [heads x (head_dim - rope_dim + value_dim)][kv_latent]: key and value of each head */
    TENSOR_OUTPUT, /* [hidden][heads x value_dim] */
    TENSOR_OUTPUT_BIAS,
    TENSOR_FFN_NORM, /* [hidden] */
    TENSOR_FFN_NORM_BIAS,
    TENSOR_ROUTER,            /* [experts][hidden], held in float32 */
    TENSOR_ROUTER_CORRECTION, /* [experts], held in float32: added to scores for choosing only */
    TENSOR_EXPERT_GATE,       /* [expert_hidden][hidden], an expert of a layer; gated models only */
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
    TENSOR_SHARED_SCORE, /* [1][hidden]: the sigmoid of its product with a row scales what the row gets */
    TENSOR_FINAL_NORM, /* [hidden] */
    TENSOR_FINAL_NORM_BIAS,
    TENSOR_HEAD, /* [vocabulary][hidden]; absent when embeddings are tied */
    TENSOR_KINDS,
} TensorKind;

extern const char *const tensor_kind_names[TENSOR_KINDS + 1]; /* "embedding", ..., NULL */

/* One tensor kind of this model: its name in checkpoints, with {layer} and {expert} to be
 * replaced. It may be a part of a larger tensor there, one block an expert where the kind is per expert and the name is
 * not: of each block's `block_rows` rows, `periods` equal runs one after the other, its own begin at row first_row of
 * each run, an equal share in each. */
typedef struct ModelTensor {
    int64_t kind; /* TensorKind */
    const char *name;
    int64_t first_row, block_rows; /* 0, 0: it is a tensor of its own */
    int64_t periods;               /* 0: one */
    bool transposed;               /* blocks are [columns][block_rows] there */
} ModelTensor;

/* A tensor that checkpoints may have and that is not used: by its name, where {layer} stands for a layer of the model,
 * {extra} for one of the extra_layers after them, and * for anything. */
typedef struct IgnoredTensor {
    const char *name;
    const char *
        same_as; /* of tensor_kind_names: it must have the bytes of that tensor; "": whatever it is */
} IgnoredTensor;

/* How rotary angles are stretched beyond the positions that a model was trained on. */
typedef struct RopeScaling {
    int64_t kind;               /* RopeScalingKind */
    double factor;              /* linear, yarn: positions are so many times denser */
    int64_t original_positions; /* yarn */
    double beta_fast,
        beta_slow; /* yarn: turns within original_positions above, below which a pair is left, stretched */
    double amplitude;   /* of sines and cosines; 0: yarn's own, 0.1 ln(factor) + 1 */
    double score_scale; /* attention scores are multiplied by it */
} RopeScaling;

typedef struct Model {
    const char *name;
    const char *family; /* for messages and for finding the family file; decides nothing later */
    int64_t layers, hidden, heads, kv_heads, head_dim, vocabulary, max_positions;
    int64_t norm; /* ModelNorm */
    double norm_eps;
    int64_t position; /* ModelPosition */
    double rope_theta;
    bool rope_interleave; /* pairs are neighbours (2i, 2i + 1), not (i, i + half) */
    RopeScaling rope_scaling;
    /* Latent attention: 0, 0 where keys and values are projected of the residual stream. Of a head's head_dim
     * elements the last rope_dim rotate; their key is one for all heads. In other models the first rope_dim do. */
    int64_t q_latent, kv_latent, rope_dim, value_dim;
    double latent_norm_eps;
    bool attention_bias; /* query, key, value */
    bool output_bias;    /* output projection */
    int64_t qk_norm;     /* ModelQkNorm: of queries and keys, before they rotate */
    double qkv_clip; /* queries, keys and values are limited to +-this, after that norm; 0: not */
    int64_t
        sliding_window; /* in window_layers a position sees itself and the sliding_window - 1 before it; 0: all */
    IntList window_layers; /* ascending */
    int64_t activation;    /* ModelActivation */
    bool gated;            /* three matrices an expert (activation(gate) x up), else two */
    bool expert_bias;
    int64_t experts, expert_hidden, top_k;
    IntList
        dense_layers; /* ascending: layers with one feed-forward for all tokens instead of experts */
    int64_t dense_hidden; /* its width */
    int64_t
        shared_hidden; /* width of the feed-forward that all tokens pass beside the experts; 0: none */
    bool shared_score; /* it is scaled by the sigmoid of a score of the row */
    int64_t scoring;   /* ModelScoring: how router logits become scores */
    bool
        router_correction; /* a figure an expert is added to its score for choosing, not for weighing */
    /* Experts are chosen within the top_groups best of expert_groups equal groups, by the sum of a group's two best
     * (corrected) scores. 1, 1: all are one group. */
    int64_t expert_groups, top_groups;
    bool renormalize;       /* scores of the chosen experts divided by their sum */
    double routed_scale;    /* and then multiplied by this */
    double capacity_factor; /* 0: no capacity; else DESIGN section 4, prefill only */
    bool tie_embeddings;
    double initializer_range; /* of random weights */
    /* Training figures, carried for the train step. */
    double load_balance_coefficient, router_z_coefficient;
    double attention_dropout, residual_dropout, expert_dropout;
    const char *tokenizer;        /* name or path; may be "" */
    LIST_OF(ModelTensor) tensors; /* the kinds that this model has, ascending */
    /* Other forms in which checkpoints have them: ascending kinds, the first that a checkpoint has is taken. Random
     * weights are drawn by `tensors`, whose entries are tensors of their own. */
    LIST_OF(ModelTensor) alternatives;
    LIST_OF(IgnoredTensor) ignored;
    int64_t extra_layers; /* after the model's own in checkpoints, not used */
    /* 8-bit tensors have scales beside them: names in which {tensor} stands for theirs, and the rows and columns that
     * share a scale; none: one scale a tensor, or one a row. */
    TextList scales;
    IntList scale_block;
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

/* A name with {layer} and {expert} replaced. */
const char *model_fill_name(Arena *arena, const char *pattern, int64_t layer, int64_t expert);

/* Name of this tensor in checkpoints with layer and expert put in (ignored where the kind has
 * none); NULL if the model has no such tensor. */
const char *model_tensor_name(Arena *arena, const Model *model, TensorKind kind, int64_t layer,
                              int64_t expert);

bool model_has(const Model *model, TensorKind kind);
/* Is it there in this layer? Kinds per layer only; the model must have the kind. */
bool model_has_in_layer(const Model *model, TensorKind kind, int64_t layer);
bool model_is_dense(const Model *model, int64_t layer);
/* Positions that a query sees in this layer, its own among them; 0: all. */
int64_t model_window(const Model *model, int64_t layer);
/* From `layer` on, the first layer up to `end` that is dense where `layer` is not, or the other way round. */
int64_t model_same_until(const Model *model, int64_t layer, int64_t end);
/* The same, or that has another window. */
int64_t model_alike_until(const Model *model, int64_t layer, int64_t end);

/* What contradicts itself in attention, layers and routing, or NULL; *key is the key to blame. Read models have none;
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
/* What a pair of the rope_dim / 2 that rotate turns by a position. */
double model_rope_frequency(const Model *model, int64_t pair);
/* Held in float32 whatever the type of the others. */
static inline bool tensor_kind_is_float32(TensorKind kind) {
    return kind == TENSOR_ROUTER || kind == TENSOR_ROUTER_CORRECTION;
}
bool tensor_kind_per_layer(TensorKind kind);
bool tensor_kind_per_expert(TensorKind kind);

/* Parameters in all, and per expert. */
int64_t model_parameters(const Model *model);

static inline int64_t element_bytes(int64_t type) {
    return type == ELEMENT_F32 ? 4 : 2;
}
extern const char *const element_names[]; /* "f32", "bf16", "f16", NULL */
