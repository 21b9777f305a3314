/* path: sums links of the critical path. */
#include "path.h"

#include <stdlib.h>

static int by_seconds(const void *a, const void *b) {
    const PathKind *x = a, *y = b;
    if (x->seconds != y->seconds)
        return x->seconds > y->seconds ? -1 : 1;
    return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1)
                              : (x->part > y->part) - (x->part < y->part);
}

static PathKind *kind_of(Arena *arena, PathKinds *kinds, const Op *op, bool by_part) {
    for (int64_t k = 0; k < kinds->count; ++k)
        if (kinds->items[k].kind == op->kind && (!by_part || kinds->items[k].part == op->part))
            return &kinds->items[k];
    PathKind *kind = LIST_PUSH(arena, kinds);
    *kind = (PathKind){.kind = op->kind, .part = op->part};
    return kind;
}

PathKinds path_kinds(Arena *arena, const Schedule *schedule, const SimulatedStep *step,
                     bool by_part) {
    const PlanInputs *inputs = &schedule->plan->inputs;
    PathKinds kinds = {0};
    for (int64_t i = 0; i < step->path.count; ++i) {
        const SimulatedLink *link = &step->path.items[i];
        const Op *op = &schedule->ranks[link->rank].ops.items[link->op];
        const TopologyGpu *gpu =
            &topology_node(&inputs->topology, schedule->plan->ranks.items[link->rank].node)->gpu;
        bool single = inputs->workload.dtype == ELEMENT_F32;
        PathKind *kind = kind_of(arena, &kinds, op, by_part);
        kind->count++;
        kind->seconds += link->end - link->begin;
        kind->arithmetic += op->flops / (single ? gpu->flops_f32 : gpu->flops);
        kind->traffic += op->bytes / gpu->bandwidth;
    }
    if (kinds.count > 0)
        qsort(kinds.items, (size_t)kinds.count, sizeof *kinds.items, by_seconds);
    return kinds;
}
