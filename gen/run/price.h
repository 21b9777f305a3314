/* price: what a plan costs, for planners that ask. */
#pragma once

#include "plan/planner.h"

/* A PlannerPricing without context: lower, see that every rank has memory enough and that no two
 * wait for each other, simulate. What else the proof would refuse is not looked for: the plan that
 * is taken in the end is proved as any other. */
Status price_plan(void *context, Arena *arena, const Plan *plan, PlannerPrice *price, Diag *diag);
