/* reads: bytes of the device for the host (rt_cuda_read), through pinned memory: there when the step is over. */
#pragma once

#include "cuda/device.h"

/* NULL without memory; buffers come with the first read. */
rt_reads *rt_reads_create(void);
void rt_reads_free(rt_reads *reads);

/* The step is over: put what was read where it belongs. */
rt_status rt_reads_finish(rt_rank *rank);
