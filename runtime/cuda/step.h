/* step: a step on a device: its operations are put on streams in file order, then the host waits for all of them, looking
 * after the run meanwhile. It knows no transport but its table. */
#pragma once

#include "cuda/device.h"

/* Whether operations are to be timed: --trace, measure, bench. */
bool rt_step_wants_times(const rt_rank *rank);
/* RT_CUDA_SYNC=1: the host waits behind each operation. */
bool rt_step_synchronous(void);

/* Let profilers show the rank's name for its thread. */
void rt_step_thread(const rt_rank *rank);

/* Let all streams begin behind the first, and the first end behind all. */
rt_status rt_step_fork(rt_rank *rank);
rt_status rt_step_join(rt_rank *rank);

/* Wait until nothing of this rank is on its streams, for a while; where the run has failed the transport gives up first.
 * False: something is. */
bool rt_step_drain(rt_rank *rank);
