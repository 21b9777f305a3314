/* checkpoint: where a model's tensors stand in a checkpoint. Each is there in one of the forms that the model names:
 * as a tensor of its own, or as rows of a larger one, perhaps the other way round; the first form of which the
 * checkpoint has the tensor is taken. 8-bit tensors have scales beside them. */
#pragma once

#include "input/model.h"
#include "input/safetensors.h"

/* The scales of an 8-bit tensor: one for each block of rows and columns of a matrix as it is stored. */
typedef struct TensorScale {
    const SafetensorsTensor *tensor; /* NULL: there are none */
    int64_t first;                   /* scales before those of the matrix */
    int64_t origin; /* elements of the stored matrix before the model's tensor's first one */
    int64_t width;  /* elements in a row of the stored matrix */
    int64_t block_rows, block_columns;
    int64_t stride; /* scales of one row of blocks */
} TensorScale;

typedef struct TensorPlace {
    const SafetensorsTensor *tensor; /* NULL: it is not there, or not as it should be */
    int64_t first;                   /* elements before the model's tensor's first one */
    int64_t row_step, column_step;   /* elements between rows, columns; one of them is 1 */
    int64_t group, group_step; /* rows that stand row_step apart; elements between such groups */
    TensorScale scale;
} TensorPlace;

/* Errors as of safetensors_require: E0610 by the first form's name, E0611, E0612; and E0615 where scales are missing
 * or do not fit. Texts lie in the arena. */
TensorPlace checkpoint_find(Arena *arena, const Safetensors *checkpoint, const Model *model,
                            TensorKind kind, int64_t layer, int64_t expert, Diag *diag);

/* Elements of the stored tensor before [row][column] of the model's. */
static inline int64_t checkpoint_at(const TensorPlace *place, int64_t row, int64_t column) {
    return place->first + row / place->group * place->group_step +
           row % place->group * place->row_step + column * place->column_step;
}

/* Does the model say that a tensor of this name is not used, and if it has to be the same as another, as which?
 * *same_as: TENSOR_KINDS where it may be anything. */
bool checkpoint_ignores(const Model *model, const char *name, TensorKind *same_as);
