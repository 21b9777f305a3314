/* ledger: what ranks take of a device's memory, added up before any of it is taken. Sums saturate. It knows no CUDA. */
#pragma once

#include "core/error.h"

#include <stdint.h>

typedef struct rt_ledger {
    int32_t ranks; /* that share the device */
    int64_t slabs, workspaces, others;
    int32_t largest; /* the rank with the largest slab, */
    int64_t largest_bytes;
} rt_ledger;

/* Add a rank: the program's slab, the workspaces behind it, what else the runtime keeps for it. */
void rt_ledger_add(rt_ledger *ledger, int32_t rank, int64_t slab, int64_t workspaces,
                   int64_t others);

/* RT_UNAVAILABLE with all numbers and what helps, when the device has not `free` bytes for it and `reserve` beside. */
rt_status rt_ledger_check(const rt_ledger *ledger, int64_t free, int64_t total, int64_t reserve,
                          const char *device, rt_error *error);
