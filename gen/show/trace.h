/* trace: a simulated time line as Chrome's JSON, for https://ui.perfetto.dev: a process a rank, a thread a
 * stream, arrows from who sends to who gets, and memory as counters. Public within gen. */
#pragma once

#include "schedule/simulate.h"

/* Append the trace of a step, or of all steps one after the other (step -1); of a rank, or of all (rank -1).
 * The schedule must have been proved. */
void trace_write(const Schedule *schedule, int64_t step, int64_t rank, CostCase at, Buf *out);
