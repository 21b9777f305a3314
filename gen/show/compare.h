/* compare: what traces of runs say of steps and operations, to stand beside the prediction. A trace is what
 * `gen run --trace` writes, of an emulation or a measurement, or what gen itself shows; it is another's
 * data. Lies in the caller's arena. */
#pragma once

#include "schedule/simulate.h"

/* A kind of operation in a step: seconds of one run of the step without waiting for other
 * ranks, mean of the ranks that have it. */
typedef struct CompareKind {
    double seconds;
    int64_t ranks;
} CompareKind;

typedef struct CompareStep {
    int64_t runs;               /* 0: the trace has none of this step */
    double median, least, most; /* s of a run, from the first begin to the last end of any rank */
    CompareKind kinds[OP_KINDS];
} CompareStep;

typedef struct CompareRecord {
    const char *name;   /* "emulation", "measurement" */
    CompareStep *steps; /* [steps of the plan] */
} CompareRecord;

/* Read a trace in Chrome's JSON. E0730: it is no trace, or of another plan. */
Status compare_read(Arena *arena, const Schedule *schedule, const char *name, const char *path,
                    CompareRecord *record, Diag *diag);

/* The same figures of a simulated step. */
CompareStep compare_simulated(const Schedule *schedule, const Timeline *line);
