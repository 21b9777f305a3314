/* plan_validate: what the files of the structural checks share. Internal to plan. */
#pragma once

#include "plan/plan.h"

typedef struct Check {
    const Plan *plan;
    DiagPlace place;
    Diag *diag;
    Arena scratch;
    int64_t *group_of; /* [ranks_per_copy] request group of a rank, -1: none */
} Check;

Status plan_refuse(Check *check, const char *code, const char *help, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Moves of a step: kinds, groups, stages and pieces (E0512..E0514). */
Status plan_validate_moves(Check *check, const PlanStep *step, const char *where);
