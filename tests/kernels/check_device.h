/* check_device: see the .c; what check_cuda.c gives it. */
#pragma once

#include "check.h"

void check_device(void);

/* Floats through the device's elem_store. */
void check_store(const float *from, elem_t *to, int32_t count);

/* The host's kernel, made of the host's program. */
rt_status host_choose(rt_rank *rank, const void *args);
