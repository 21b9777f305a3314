/* ring: pinned memory through which the host writes rows of the slab (rt_backend_stage, rt_backend_store): while some of it
 * is on its way to the device, others are filled. */
#pragma once

#include "cuda/device.h"

/* NULL without memory; buffers come as they are asked for. */
rt_ring *rt_ring_create(void);
/* All that was stored is there. */
void rt_ring_free(rt_ring *ring);
