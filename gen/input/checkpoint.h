/* checkpoint: where a model's tensors stand in a checkpoint. Each is there in one of the forms that the model names:
 * as a tensor of its own, or as rows of a larger one; the first form of which the checkpoint has the tensor is taken. */
#pragma once

#include "input/model.h"
#include "input/safetensors.h"

typedef struct TensorPlace {
    const SafetensorsTensor *tensor; /* NULL: it is not there, or not as it should be */
    int64_t first; /* elements before the model's tensor, which is contiguous from there */
} TensorPlace;

/* Errors as of safetensors_require: E0610 by the first form's name, E0611, E0612. Texts lie in the arena. */
TensorPlace checkpoint_find(Arena *arena, const Safetensors *checkpoint, const Model *model,
                            TensorKind kind, int64_t layer, int64_t expert, Diag *diag);
