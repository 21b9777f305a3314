/* io: what goes between the host and a slab in a step, through pinned memory at addresses that stay: rows of begins, chosen
 * tokens of finishes. */
#pragma once

#include "cuda/device.h"

/* The same begin or finish in a step that is replayed: fill in the rows, or expect the tokens. */
rt_status rt_io_again(rt_rank *rank, const rt_pending *pending);

/* The step is over: take the tokens of its finishes, in order. */
rt_status rt_io_finish(rt_rank *rank);
