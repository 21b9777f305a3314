/* ledger: what each rank's memory is spent on. Read by the memory rule, show and reports. It
 * lies in the caller's arena and knows nothing of how offsets were chosen. */
#pragma once

#include "schedule/schedule.h"

/* Bytes of one rank. Buffers that share bytes by lifetime are counted once, under the first of
 * these that they belong to: weights, state, windows, workspace, activations. */
typedef struct LedgerRow {
    int64_t rank;
    int64_t weights, state, windows, workspace, activations;
    int64_t padding;  /* alignment, and what other ranks of the role need */
    int64_t total;    /* the slab */
    int64_t capacity; /* of the GPU */
} LedgerRow;

typedef struct Ledger {
    LedgerRow *rows; /* [count] */
    int64_t count;
} Ledger;

Ledger ledger_make(Arena *arena, const Schedule *schedule);

/* Bytes of a buffer over all layers that it has a copy for. */
int64_t ledger_buffer_bytes(const Buffer *buffer);

/* "12.3 GB" (10^9), three significant digits; into `text`, which holds 24 bytes, and returned. */
const char *ledger_bytes(char *text, int64_t bytes);
