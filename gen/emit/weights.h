/* weights: compiles a checkpoint's headers into weights.map (rt_format.h): for every slice that
 * a rank holds, where it stands in the checkpoint and where it goes in the slab. No element is
 * read, but where two tensors have to be the same. It knows nothing of how a program uses its weights. */
#pragma once

#include "input/safetensors.h"
#include "schedule/schedule.h"

typedef struct WeightsSummary {
    int64_t files, tensors; /* of the checkpoint; those that are used, without scales */
    int64_t
        scaled; /* of these, of 8 bits with scales: numbers are made of them when they are read */
    int64_t ignored; /* tensors that the model says are not used */
} WeightsSummary;

/* Write the map for all ranks. Every tensor of the model must be there with its shape: E0610,
 * E0611, E0612, E0615 for each that is not; and no others but those that the model ignores: E0613. */
Status weights_write_map(Arena *arena, const Schedule *schedule, const char *checkpoint_dir,
                         const char *out_path, WeightsSummary *summary, Diag *diag);
