/* unused: tensors of a checkpoint that a model does not use. It may be another model's, so that each must be one that
 * the model says may be there. */
#pragma once

#include "input/checkpoint.h"

/* used: for each tensor of the checkpoint. E0613 for tensors that the model does not ignore, and for one that has to be
 * the same as another and is not; E0601 when these cannot be read. *ignored: how many are left out. */
Status unused_check(Arena *arena, const Safetensors *checkpoint, const Model *model,
                    const bool *used, int64_t *ignored, Diag *diag);
