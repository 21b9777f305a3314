/* planner_child: what parent and child of the planner share. Internal to plan. */
#pragma once

#include "plan/planner.h"

#include <sys/types.h>

typedef struct PlannerJob {
    const PlanInputs *inputs;
    const char *strategy; /* name or path, as asked for */
    const char *options;  /* "key=value,..." or NULL */
    const char *share;
    const char *file; /* name of its Lua file, for messages and for the sandbox */
    const char *text; /* of a user's file; NULL: the sandbox finds the file by its name */
    size_t length, memory;
    bool names_only;      /* of its options: no plan */
    PlannerPricing price; /* or NULL */
    void *context;
} PlannerJob;

/* First byte of a reply: what follows is the plan as JSON, NUL-terminated names of options, or messages as
 * NUL-terminated fields (code, file, line, text, help). */
enum {
    PLANNER_PLAN = 'P',
    PLANNER_NAMES = 'N',
    PLANNER_DECLINED = 'D',
    PLANNER_MISUSED = 'U',
    PLANNER_FAILED = 'E'
};

/* How the child ends when it has used the memory that it may have, questions about prices included: nothing can be
 * written any more. */
enum { PLANNER_OVER_MEMORY = 3 };

/* The child's whole life; writes its reply to `pipe`. */
_Noreturn void planner_child(const PlannerJob *job, int pipe, pid_t parent);

/* "MODEL-STRATEGY" as [a-z0-9-]. */
const char *planner_program_name(Arena *arena, const char *model, const char *strategy);
