/* path: the critical path of a step by kind of operation. Lies in the caller's arena. Private to gen/show. */
#pragma once

#include "schedule/simulate.h"

/* Operations of one kind in one part of a layer, on the path. */
typedef struct PathKind {
    int64_t kind, part, count;
    double seconds;
    double arithmetic, traffic; /* s that its FLOPs and its bytes take at the GPUs' peaks */
} PathKind;

typedef LIST_OF(PathKind) PathKinds;

/* Most seconds first. `by_part`: the same kind in another part counts apart. */
PathKinds path_kinds(Arena *arena, const Schedule *schedule, const SimulatedStep *step,
                     bool by_part);
