/* tables: the program's tables of numbers on the device, once a process (rt_cuda_table). */
#pragma once

#include "cuda/device.h"

/* Bytes that they take there. */
int64_t rt_tables_bytes(const rt_program *program);
rt_status rt_tables_open(rt_process *process, rt_error *error);
void rt_tables_close(rt_process *process);
