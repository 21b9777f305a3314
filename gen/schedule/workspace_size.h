/* workspace_size: arithmetic of the formulas for scratch, of every target's kernels. */
#pragma once

#include "schedule/workspace.h"

static inline int64_t min_of(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t max_of(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* One area of 4-byte elements, rounded up so that the next one is aligned too. */
static inline int64_t area(int64_t elements) {
    return 4 * ((elements + WORKSPACE_ALIGN - 1) / WORKSPACE_ALIGN * WORKSPACE_ALIGN);
}

/* A number that an operation is told. A schedule that was read may have any there before it is refused: within what a
 * program holds, sums and tiles do not overflow. */
static inline int64_t number(const Op *op, const char *name) {
    return min_of(max_of(op->args[op_arg(op->kind, name)].value, 0), INT32_MAX);
}
