/* sweep: deployments over a grid of inputs: every combination of the values of some keys, planned with each of some
 * strategies, and which is best where. It reads and decides; sweep_write.h tells. Everything lies in the caller's
 * arena. */
#pragma once

#include "report/point.h"

typedef enum SweepTarget {
    SWEEP_INPUT,    /* keys of model, topology or workload, one setting a node kind for nics */
    SWEEP_GPUS,     /* of the cluster: its nodes' count */
    SWEEP_STRATEGY, /* an option of the strategies that have it */
} SweepTarget;

/* One --vary. */
typedef struct SweepKey {
    const char *name; /* as asked for */
    const char *path; /* SWEEP_INPUT: with its target; SWEEP_STRATEGY: of the option */
    int64_t target;   /* SweepTarget */
    TextList values;
    DiagPlace place;
} SweepKey;

typedef struct SweepCell {
    int64_t *at;          /* [keys] index of the value */
    Point *points;        /* [strategies] */
    int64_t best, second; /* strategies, -1: none has an answer */
    double lead;          /* how much worse the second is: 0.1 is 10 % */
    bool sure;            /* best in every case of the costs, not just the expected one */
} SweepCell;

typedef struct Sweep {
    PointRequest base; /* without strategy */
    LIST_OF(SweepKey) keys;
    TextList strategies;
    TextList *options;        /* [strategies] names of theirs */
    PointMetric by;           /* what is best */
    const char *name;         /* of model and topology, for titles */
    LIST_OF(SweepCell) cells; /* the last key varies fastest */
} Sweep;

enum { SWEEP_KEYS = 6, SWEEP_CELLS = 4096 };

/* "tp:tp=8,dp=2,ep,auto" as strategies: a part without '=', or with ':' before it, begins a new one. Then each is
 * asked for its options; errors are those of planner_option_names. */
Status sweep_strategies(Arena *arena, const char *text, Sweep *sweep, Diag *diag);

/* "KEY=V1,V2". E0923: no values, or too many; E0924: no such key in inputs, strategies or shorthands (gpus, nics). The
 * strategies must be known. All are STATUS_USAGE. */
Status sweep_key(Arena *arena, const char *text, DiagPlace place, Sweep *sweep, Diag *diag);

/* Called before each point. */
typedef void (*SweepProgress)(void *context, int64_t done, int64_t of);

/* Plan all points. What cannot be planned is an answer; an input that cannot be read is not. */
Status sweep_run(Arena *arena, Sweep *sweep, SweepProgress progress, void *context, Diag *diag);

/* Text of the value of a key at a cell. */
static inline const char *sweep_value(const Sweep *sweep, const SweepCell *cell, int64_t key) {
    return sweep->keys.items[key].values.items[cell->at[key]];
}

/* Whether any cell has an answer. */
bool sweep_answers(const Sweep *sweep);
