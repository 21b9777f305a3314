/* planner: runs a strategy (lua/strategies/NAME.lua, or a user's file) in a forked child under
 * limits and reads the plan that it returns as hostile data. */
#pragma once

#include "plan/plan.h"

typedef struct PlannerRequest {
    const char *strategy; /* "NAME" or "NAME:key=value,..." or "path/to/file.lua[:...]" */
    const char *share;    /* overrides embedded Lua, or NULL */
    const char *name;     /* of the program; NULL: model and strategy */
    double seconds;       /* 0: 10 s */
    size_t memory;        /* 0: 512 MiB */
} PlannerRequest;

/* plan->inputs must hold model, topology and workload; everything else is filled in. A strategy
 * that declines (nil, reason) is E0460 with STATUS_NEGATIVE; an error E0450; over time or memory
 * E0461, E0462; nonsense E0463 with the field; unknown strategy E0464 (names listed) and unknown
 * option E0465 (nearest named). */
Status planner_run(Arena *arena, const PlannerRequest *request, Plan *plan, Diag *diag);
