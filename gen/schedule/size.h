/* size: how large a plan's schedule would be, told from the plan alone. A plan is a small text that can ask for more
 * tables than any machine holds (a billion layers, a micro-batch a request): lowering asks here first. */
#pragma once

#include "plan/plan.h"

typedef struct ScheduleSize {
    double bytes;      /* about: of the tables that lowering and proof make */
    double operations; /* about: run over all ranks, layers and steps */
    double buffer;     /* at most: bytes of one buffer of a program */
} ScheduleSize;

/* `plan` must have passed plan_validate. */
ScheduleSize schedule_size(const Plan *plan);

/* E0524 where it is more than gen can prove, or a buffer more than an address reaches. */
Status schedule_size_check(const Plan *plan, Diag *diag);
