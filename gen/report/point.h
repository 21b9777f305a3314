/* point: one deployment, planned, lowered and simulated as gen make would, as a row of figures. What cannot be planned
 * or does not fit is a point too: it has a word and a reason instead of figures. Scratch is freed before return; texts
 * lie in the caller's arena. It knows nothing of claims, tables or sweeps. */
#pragma once

#include "input/override.h"
#include "plan/planner.h"
#include "report/point_metrics.h"

typedef enum PointMetric {
#define METRIC(id, ...) POINT_##id,
    POINT_METRICS(METRIC)
#undef METRIC
        POINT_METRIC_COUNT,
} PointMetric;

typedef struct PointMetricInfo {
    const char *name, *unit;
    bool rate;
    const char *doc;
} PointMetricInfo;
extern const PointMetricInfo point_metrics[POINT_METRIC_COUNT];

typedef struct PointRequest {
    const char *model, *topology, *workload; /* files; workload: NULL for the defaults */
    const OverrideList *settings;            /* or NULL */
    const char *strategy, *share;
    PlannerPricing price;
} PointRequest;

typedef struct Point {
    Status status;        /* STATUS_OK: there are figures; STATUS_NEGATIVE and others: see reason */
    const char *word;     /* why there are none, in a word: memory, declined, ... */
    const char *reason;   /* in a sentence */
    const char *code;     /* of the diagnostic */
    const char *bound;    /* where the lower bound of a decode step comes from, in words */
    const char *decision; /* what the plan chose first, or "" */
    const char *strategy; /* as asked for */
    int64_t gpus, ranks, copies, batch, context;
    int64_t memory, capacity; /* bytes of the fullest rank; known also where that is too much */
    /* From lowest to highest, whether that is good or bad: COST_LOW, _EXPECTED, _HIGH. */
    double figures[POINT_METRIC_COUNT][PLANNER_CASES];
} Point;

/* Always gives a point. Not STATUS_OK only where nothing can be said about any: out of processes, a bug. */
Status point_evaluate(Arena *arena, const PointRequest *request, Point *point, Diag *diag);

/* The metric of this name; POINT_METRIC_COUNT if there is none. */
PointMetric point_metric(const char *name);
