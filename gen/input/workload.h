/* workload: what the program is asked to do: bounds on batch, prompt and context, and the element
 * type of weights and activations. All are bounds: fewer or shorter inputs run masked. */
#pragma once

#include "input/model.h"

typedef struct Workload {
    int64_t batch;   /* sequences at a time, over all data-parallel copies */
    int64_t prefill; /* prompt tokens a sequence */
    int64_t context; /* positions a sequence: prompt and new tokens */
    int64_t dtype;   /* ElementType */
    int64_t
        candidates; /* likeliest tokens that a choice may be cut down to; 1: none are told apart */
} Workload;

/* Bytes of what a rank tells of a sequence for the choice of its next token, pairs of a logit and an entry: the best one;
 * or the likeliest after a pair about all. */
static inline int64_t workload_choice_bytes(const Workload *workload) {
    return 8 * (workload->candidates == 1 ? 1 : workload->candidates + 1);
}

extern const Schema workload_schema;

/* Read a workload file (E04xx). Defaults of absent keys: batch 64, bf16, candidates 1; prefill and context are 0 until
 * workload_complete. */
Status workload_read(Arena *arena, const char *path, Workload *workload, Diag *diag);

/* The same with settings of OVERRIDE_WORKLOAD laid over it, or NULL; a `path` of NULL is a file without keys. */
Status workload_read_with(Arena *arena, const char *path, const OverrideList *settings,
                          Workload *workload, Diag *diag);

/* Bounds that were not given, as the model allows: context at most 1024, prefill half of the context, at most 512. */
void workload_complete(Workload *workload, const Model *model);

/* Check against the model: prefill <= context <= max_positions (E0402). */
Status workload_check(const Workload *workload, const Model *model, DiagPlace place, Diag *diag);
