/* workload: what the program is asked to do: bounds on batch, prompt and context, and the element
 * type of weights and activations. All are bounds: fewer or shorter inputs run masked. */
#pragma once

#include "input/model.h"

typedef struct Workload {
    int64_t batch;   /* sequences at a time, over all data-parallel copies */
    int64_t prefill; /* prompt tokens a sequence */
    int64_t context; /* positions a sequence: prompt and new tokens */
    int64_t dtype;   /* ElementType */
} Workload;

extern const Schema workload_schema;

/* Read a workload file (E04xx). Defaults of absent keys: batch 64, prefill 512, context 1024,
 * bf16. */
Status workload_read(Arena *arena, const char *path, Workload *workload, Diag *diag);

/* The same with settings of OVERRIDE_WORKLOAD laid over it, or NULL; a `path` of NULL is a file without keys. */
Status workload_read_with(Arena *arena, const char *path, const OverrideList *settings,
                          Workload *workload, Diag *diag);

/* Check against the model: prefill <= context <= max_positions (E0402). */
Status workload_check(const Workload *workload, const Model *model, DiagPlace place, Diag *diag);
