/* workers: the further threads of a rank, which take parts of one piece of work at a time. The rank's own thread takes
 * parts too, and comes back when all are done. Nobody else knows of them: they call nothing of the runtime. */
#pragma once

#include "rt.h"

typedef struct rt_workers rt_workers;

/* `helpers` threads beside the caller's; NULL when they cannot be had. 0 helpers: the caller does it all. */
rt_workers *rt_workers_create(int helpers);
void rt_workers_free(rt_workers *workers);

/* See rt_parallel (rt.h). */
void rt_workers_run(rt_workers *workers, int64_t count, int64_t grain, rt_part_fn part,
                    const void *context);
