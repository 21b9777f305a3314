/* attempt: one case looked at, in this process or in one of its own that may crash or hang. */
#pragma once

#include "program.h"

enum { ALIKE = 16 /* cases of a group, which share model, workload and prompts */ };

typedef struct Task {
    uint64_t seed, number;
    bool runs; /* not only proved, but run too */
    Plant plant;
    const ChoiceList *choices; /* NULL: fresh ones of seed and number */
    Twin *twin;                /* of the group; NULL: one of its own */
    const char *folder;        /* for programs, of this task alone */
    unsigned seconds;          /* limit of one that is guarded */
} Task;

/* The choices that were drawn go to `drawn`, in its arena, if that is not NULL. */
typedef struct Attempt {
    Verdict verdict;
    ProgramCounts counts;
} Attempt;

/* The choices that the task plays back, or fresh ones. */
Choices attempt_choices(Arena *arena, const Task *task);

void attempt(const Task *task, Attempt *result, Arena *arena, ChoiceList *drawn);

/* The same in a process of its own: a signal, an exit or too much time is a failure by that name. */
void attempt_guarded(const Task *task, Attempt *result, Arena *arena, ChoiceList *drawn);

/* The name of how a process ended. */
void attempt_end(int status, Verdict *verdict);

/* Files of a case: choices, message, inputs, the plan. `failed` tells kind and message. */
void attempt_report(const Task *task, const Verdict *failed, const char *folder);
