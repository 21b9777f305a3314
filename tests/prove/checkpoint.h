/* checkpoint: a model's weights as a safetensors file, by counter. Unlike what programs make up without one, norms
 * differ from 1 and biases from 0, so that one that is added twice or not at all shows. */
#pragma once

#include "input/model.h"

Status checkpoint_write(Arena *arena, const Model *model, const char *path, Diag *diag);
