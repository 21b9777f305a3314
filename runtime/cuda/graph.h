/* graph: a step that does the same each time (rt_step.captured), put into a CUDA graph once and replayed: one call of the
 * host instead of hundreds. What the host knows of a step is kept beside it: which rows to fill in before, which tokens to
 * take after, what it counts. */
#pragma once

#include "cuda/device.h"

/* Why this step's calls are made one by one, for people; NULL: they go into a graph. */
const char *rt_graph_why_not(const rt_rank *rank, const rt_step *step);

/* Whether this run of the step goes through a graph: not the first, which gets all memory and makes all plans. */
bool rt_graph_wanted(rt_rank *rank, const rt_step *step);

/* Capture it or replay it. */
rt_status rt_graph_run(rt_rank *rank, const rt_step *step);

void rt_graph_free(rt_graph *graph);
