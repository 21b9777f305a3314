/* mutate: operators that break a plan, its collectives or its schedule in one way at one place, for the driver in
 * mutants.c. An operator walks all places at which it applies and breaks the one that is asked for, so that it can be
 * tried at every place or at seeded ones. What it breaks is a copy in the arena of the mutant. Operators know nothing
 * of rules; the tables of a role are folded anew behind them, as digests would be. */
#pragma once

#include "schedule/check.h"
#include "schedule/lower.h"
#include "schedule/walk.h"

typedef enum MutantObject { OF_PLAN, OF_COLLECTIVES, OF_SCHEDULE, MUTANT_OBJECTS } MutantObject;
extern const char *const mutant_object_names[MUTANT_OBJECTS];

typedef struct Mutant {
    Arena *arena;
    Plan *plan;
    Schedule *schedule; /* NULL while a plan is mutated */
    int64_t wanted;     /* the place to break; -1: count places */
    int64_t seen;       /* places so far */
    bool done;
    const char *what; /* where it was broken, for people */
} Mutant;

typedef struct MutantOperator {
    const char *name, *does;
    void (*mutate)(Mutant *m);
    const char *equal; /* why what it makes may be no fault; NULL: it always is one */
} MutantOperator;

typedef struct MutantTable {
    MutantObject object;
    const MutantOperator *operators;
    int64_t count;
} MutantTable;

/* One file each. */
extern const MutantTable mutate_plan_table, mutate_order_table, mutate_moves_table;
extern const MutantTable mutate_ops_table, mutate_args_table, mutate_layout_table,
    mutate_ways_table;

/* Is this the place? Then `what` is kept, and the operator breaks it. */
bool mutate_here(Mutant *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

Plan *mutate_copy_plan(Arena *arena, const Plan *plan);
Schedule *mutate_copy_schedule(Arena *arena, const Schedule *schedule, const Plan *plan);
/* Roles and their tables anew from the operations of the ranks. */
void mutate_fold(Arena *arena, Schedule *schedule);

/* Drop item i of a list; put item i in twice. */
#define MUTATE_DROP(list, i)                                                                       \
    (memmove(&(list)->items[i], &(list)->items[(i) + 1],                                           \
             (size_t)((list)->count - (i)-1) * sizeof *(list)->items),                             \
     (void)--(list)->count)
#define MUTATE_DOUBLE(arena, list, i)                                                              \
    do {                                                                                           \
        LIST_PUSH(arena, list);                                                                    \
        memmove(&(list)->items[(i) + 1], &(list)->items[i],                                        \
                (size_t)((list)->count - (i)-1) * sizeof *(list)->items);                          \
    } while (0)
#define MUTATE_SWAP(type, a, b)                                                                    \
    do {                                                                                           \
        type kept_ = (a);                                                                          \
        (a) = (b);                                                                                 \
        (b) = kept_;                                                                               \
    } while (0)

/* Are they equal in all that the program is made of, field by field but for names? */
bool mutate_same(const Schedule *a, const Schedule *b);

/* --- the meaning of a schedule (mutate_meaning.c) ------------------------------------------------------- */

/* A digest of what the steps report, run over symbols instead of numbers: equal for schedules that compute the same of
 * the same weights, whatever the order of what does not depend on each other. 0: they do not come to their end, or
 * streams and waits leave accesses to common bytes unordered. */
uint64_t mutate_meaning(Arena *arena, const Schedule *schedule);
