/* map: reads back which checkpoint a weights.map was made from. */
#pragma once

#include "base/diag.h"

/* What safetensors_open takes: the file, or the folder of several. In the arena. E0614 where the file is no
 * weight map. */
Status map_checkpoint(Arena *arena, const char *path, const char **checkpoint, Diag *diag);
