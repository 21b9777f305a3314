/* reference: the model as its definition says, in double precision, on one machine and without
 * any placement: what every emitted program is compared with. It knows no plan and no schedule.
 * A Reference owns its weights and threads until closed; results lie in the caller's arena. */
#pragma once

#include "input/safetensors.h"
#include "input/model.h"

typedef struct Reference Reference;

typedef struct ReferencePrompts {
    int64_t sequences, longest;
    const int32_t *lengths; /* [sequences], 1 .. longest */
    const int32_t *ids;     /* [sequences][longest] */
    int64_t max_new;        /* new tokens of each sequence, at least 1 */
    /* Told after each prompt and each further token of all: tokens done, of how many. NULL: not wanted. */
    void (*progress)(void *context, int64_t done, int64_t all);
    void *context;
} ReferencePrompts;

/* The smallest of a margin, and where it was met. */
typedef struct ReferenceMargin {
    double value;
    int64_t sequence, position, layer; /* layer -1: outside layers */
} ReferenceMargin;

/* Positions of a sequence count prompt and generated tokens that were fed back; there are
 * `positions` = longest + max_new - 1, of which a shorter sequence uses fewer. */
typedef struct ReferenceResult {
    int64_t sequences, longest, max_new, positions, layers, top_k, vocabulary;
    float *logits;    /* [sequences][longest][vocabulary] of the prompts, NaN past the end */
    int32_t *tokens;  /* [sequences][max_new] greedy choices, the lower id where equal */
    int32_t *choices; /* [sequences][positions][layers][top_k] expert; -1: dropped, or no token */
    double *router_margin; /* [sequences][positions] smallest over layers of (p_k - p_k+1) / p_k */
    double *argmax_margin; /* [sequences][max_new] (largest - second) / largest |logit| */
    ReferenceMargin router, argmax;
    double largest_logit; /* of |logits| */
} ReferenceResult;

/* Read all weights: as a program that stores them as `dtype` (ElementType) sees them.
 * `checkpoint` NULL: weights by counter. `threads` 0: one a core. */
Status reference_open(Reference **reference, const Model *model, int64_t dtype,
                      const Safetensors *checkpoint, int64_t threads, Diag *diag);
void reference_close(Reference *reference);

/* Prompts through all layers, then max_new - 1 decode steps with cached keys and values.
 * `result` may leave logits NULL: want_logits false. */
void reference_run(Reference *reference, const ReferencePrompts *prompts, bool want_logits,
                   Arena *arena, ReferenceResult *result);

/* Bytes of memory that opening and running will take; multiply-adds that a run takes. */
double reference_memory(const Model *model, const ReferencePrompts *prompts);
double reference_work(const Model *model, const ReferencePrompts *prompts);

static inline int32_t *reference_choices(const ReferenceResult *result, int64_t sequence,
                                         int64_t position, int64_t layer) {
    return result->choices +
           ((sequence * result->positions + position) * result->layers + layer) * result->top_k;
}
