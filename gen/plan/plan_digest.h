/* plan_digest: digests of a plan's inputs, over their canonical JSON. Internal to plan. */
#pragma once

#include "plan/plan.h"

const char *plan_digest_object(Arena *arena, const Schema *schema, const void *object);

/* Fill in the three digests. */
void plan_digest_inputs(Arena *arena, PlanInputs *inputs);
