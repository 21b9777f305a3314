/* reference_state: what the files of the reference model share. */
#pragma once

#include "reference/parallel.h"
#include "reference/reference.h"

struct Reference {
    Arena arena;   /* weights; holds this struct */
    Arena scratch; /* of one call */
    const Model *model;
    Parallel *parallel;
    float *
        *weights[TENSOR_KINDS]; /* [kind][layer x experts + expert], one item where not per layer */
};

/* A token on its way through the layers. */
typedef struct ReferenceRow {
    int64_t sequence, position;
    int32_t id;
} ReferenceRow;

/* Keys and values of one run: double [layers][sequences][positions][kv_heads x head_dim, or value_dim] each. */
typedef struct ReferenceCache {
    int64_t sequences, positions;
    double *keys, *values;
} ReferenceCache;

/* Weights of a kind at a layer (and expert); NULL where the model has none. */
const float *reference_weight(const Reference *reference, TensorKind kind, int64_t layer,
                              int64_t expert);

/* Residual rows [count][hidden], in place: the attention half of a layer. */
void reference_attention(Reference *reference, int64_t layer, const ReferenceRow *rows,
                         int64_t count, ReferenceCache *cache, double *residual);

/* The second half of a dense layer. */
void reference_dense(Reference *reference, int64_t layer, int64_t count, double *residual);

/* The expert half, and the feed-forward beside the experts where the model has one. `prefill`: rows are one whole prompt, and the capacity applies. */
void reference_experts(Reference *reference, int64_t layer, const ReferenceRow *rows, int64_t count,
                       bool prefill, ReferenceResult *result, double *residual);

/* The model's norm over rows. */
void reference_norm(const Reference *reference, TensorKind weight, TensorKind bias, int64_t layer,
                    const double *in, int64_t count, double *out);
