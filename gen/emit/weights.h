/* weights: compiles a checkpoint's headers into weights.map (rt_format.h): for every slice that
 * a rank holds, where it stands in the checkpoint and where it goes in the slab. No element is
 * read. It knows nothing of how a program uses its weights. */
#pragma once

#include "input/safetensors.h"
#include "schedule/schedule.h"

/* Write the map for all ranks. Every tensor of the model must be there with its shape: E0610,
 * E0611, E0612 for each that is not; tensors that the model has no use for are a warning, E0613. */
Status weights_write_map(Arena *arena, const Schedule *schedule, const char *checkpoint_dir,
                         const char *out_path, Diag *diag);
