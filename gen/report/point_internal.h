/* point_internal: from a simulated schedule to the figures of a point. */
#pragma once

#include "report/point.h"
#include "schedule/ledger.h"
#include "schedule/simulate.h"

typedef struct PointStudy {
    const PointRequest *request;
    const Schedule *schedule;
    const Simulation *simulation;
    const Ledger *ledger;
    int64_t decode; /* index of the decode step, -1: none */
    double gpus;    /* of the cluster */
    Point *point;
} PointStudy;

/* All of point->figures, and point->bound in the arena. */
void point_figures(Arena *arena, const PointStudy *study);
