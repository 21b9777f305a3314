/* source: element values of a model's tensors, from a checkpoint or by counter, as a program
 * that stores them in a given type sees them: rounded to it (the router stays float32), then
 * exact in float. It owns its open files until closed; texts lie in the caller's arena. */
#pragma once

#include "input/model.h"
#include "input/safetensors.h"

typedef struct Source {
    const Model *model;
    int64_t dtype;                 /* ElementType of the weights */
    const Safetensors *checkpoint; /* NULL: by counter */
    int *files;                    /* [checkpoint files] descriptors, -1: not open */
} Source;

/* `checkpoint` may be NULL and must outlive the source. E0601 when a file cannot be opened. */
Status source_open(Source *source, Arena *arena, const Model *model, int64_t dtype,
                   const Safetensors *checkpoint, Diag *diag);
void source_close(Source *source);

/* Type that elements of this kind are stored in. */
int64_t source_type(const Source *source, TensorKind kind);

/* All rows x columns elements of one tensor. Several threads may read at once, each with its own
 * `diag`. */
Status source_read(const Source *source, TensorKind kind, int64_t layer, int64_t expert, float *out,
                   Diag *diag);
