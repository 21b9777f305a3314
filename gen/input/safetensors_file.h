/* safetensors_file: between the files of the safetensors reader only. */
#pragma once

#include "input/safetensors.h"

/* A place that is a whole file. */
DiagPlace safetensors_place(Diag *diag, const char *path);

/* Append a file and its tensors, in the order of their offsets. */
Status safetensors_file_read(Arena *arena, const char *path, size_t limit, Safetensors *checkpoint,
                             Diag *diag);

/* Read the index `path` and the shards that it names in `directory`; keep the tensors it lists. */
Status safetensors_index_read(Arena *arena, const char *directory, const char *path, size_t limit,
                              Safetensors *checkpoint, Diag *diag);

const char *safetensors_shape_text(Arena *arena, const SafetensorsTensor *tensor);
