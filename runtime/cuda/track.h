/* track: which operations of a step the device has done, by an event behind each, and when, where that is wanted. Events
 * are kept from step to step. A step that goes into a graph is not tracked. */
#pragma once

#include "cuda/device.h"

/* `timed`: events tell time. NULL without memory. */
rt_track *rt_track_create(bool timed);
void rt_track_free(rt_track *track);

/* A step begins: nothing of the last one is under way. */
rt_status rt_track_step(rt_rank *rank);
/* Around an operation; between, where its stream has what other ranks bring. */
rt_status rt_track_begin(rt_rank *rank);
rt_status rt_track_met(rt_rank *rank);
rt_status rt_track_end(rt_rank *rank);

/* See how far the device has come; *moved: further than at the last look. */
cudaError_t rt_track_look(rt_rank *rank, bool *moved);
/* Let the rank's area, and so messages, name the first operation that is not known to be done; as it is when all are. */
void rt_track_name(rt_rank *rank);

/* All is done: tell when each operation ran (rt_op_took), where that is wanted. */
rt_status rt_track_tell(rt_rank *rank);
