/* plan_validate: what the files of the structural checks share. Internal to plan. */
#pragma once

#include "base/yaml.h"
#include "plan/plan.h"

typedef struct Check {
    const Plan *plan;
    const YamlNode *root; /* NULL: the plan was not read */
    Diag *diag;
    Arena scratch;
    int64_t *group_of; /* [ranks_per_copy] request group of a rank over all stages, -1: none */
    int64_t *stage_of; /* [ranks_per_copy] stage of a rank, -1: none */
    int64_t groups;    /* request groups of all stages */
} Check;

/* Refuse with a message that begins with the path of what is wrong, such as "ranks[3]: ...": the place is
 * found by it. A path that begins within the one stage leaves "stages[0]." out. */
Status plan_refuse(Check *check, const char *code, const char *help, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Moves of a step: kinds, groups, stages and pieces (E0512..E0514). */
Status plan_validate_moves(Check *check, const PlanStep *step, const char *where);
