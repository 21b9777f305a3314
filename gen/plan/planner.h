/* planner: runs a strategy (lua/strategies/NAME.lua, or a user's file) in a forked child under
 * limits and reads the plan that it returns as hostile data. */
#pragma once

#include "plan/plan.h"

/* A plan's price: seconds by case, from a lower bound to a pessimistic case. */
enum { PLANNER_LOW, PLANNER_EXPECTED, PLANNER_HIGH, PLANNER_CASES };

typedef struct PlannerPrice {
    double prefill[PLANNER_CASES]; /* s a prefill of the whole batch */
    double tpot[PLANNER_CASES];    /* s a decode step */
    double memory; /* share of the fullest GPU's memory that is used; over 1: refused */
} PlannerPrice;

/* What answers price(plan): costs a structurally valid plan, or refuses it with a message. It runs
 * in the planner's child, under its limits; the arena is released after the question. */
typedef Status (*PlannerPricing)(void *context, Arena *arena, const Plan *plan, PlannerPrice *price,
                                 Diag *diag);

typedef struct PlannerRequest {
    const char *strategy; /* "NAME" or "NAME:key=value,..." or "path/to/file.lua[:...]" */
    const char *share;    /* overrides embedded Lua, or NULL */
    const char *name;     /* of the program; NULL: model and strategy */
    double seconds;       /* of processor time, 0: 10 s; six times as many to wait */
    size_t memory;        /* 0: 512 MiB */
    PlannerPricing price; /* NULL: strategies cannot ask */
    void *context;        /* of price */
} PlannerRequest;

/* plan->inputs must hold model, topology and workload; everything else is filled in. A strategy
 * that declines (nil, reason) is E0460 with STATUS_NEGATIVE; an error E0450; over time or memory
 * E0461, E0462; nonsense E0463 with the field; unknown strategy E0464 (names listed) and unknown
 * option E0465 (nearest named). */
Status planner_run(Arena *arena, const PlannerRequest *request, Plan *plan, Diag *diag);

/* Names of the options that the strategy of the request declares; what it was asked with is not looked at. Errors as
 * above. */
Status planner_option_names(Arena *arena, const PlannerRequest *request, TextList *names,
                            Diag *diag);
