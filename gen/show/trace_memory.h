/* trace_memory: how much of a rank's memory holds something of use while a step runs. A buffer of a step is
 * in use from when it is written until it was last read before it is written anew; weights and state
 * always are. Private to gen/show. */
#pragma once

#include "schedule/simulate.h"

typedef struct MemoryLevel {
    int64_t weights, state, windows, activations; /* bytes */
} MemoryLevel;

/* Tell the level at the begin of the step and at each change, rank by rank (or of one rank) and in the order
 * of time. */
void trace_memory(const Schedule *schedule, const Timeline *line, int64_t only,
                  void (*tell)(void *context, int64_t rank, double seconds,
                               const MemoryLevel *level),
                  void *context);
