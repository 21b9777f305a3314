/* workers: processes that take cases one after the other. One that crashes or hangs is replaced, and its case is a
 * failure. Counts lie in memory that all share. */
#pragma once

#include "attempt.h"

#include <stdatomic.h>

enum { JOBS = 64, FAILURES = 32 /* kept; further ones are counted */ };

typedef struct Failure {
    uint64_t number;
    bool runs;
    Verdict verdict;
} Failure;

typedef struct Shared {
    _Atomic uint64_t next;     /* unit */
    _Atomic uint64_t at[JOBS]; /* case of each worker, 1 + number; 0: between cases */
    _Atomic int64_t proved, equal, failed, kept;
    _Atomic int64_t declined[PROPERTY_LIMITS];
    _Atomic int64_t tokens, compared_tokens, positions, compared_positions;
    Failure failures[FAILURES];
} Shared;

typedef struct Campaign {
    uint64_t seed, first, count;
    bool runs;
    Plant plant;
    int jobs;
    const char *folder; /* for programs */
    double progress;    /* s between lines on stderr; 0: none */
} Campaign;

Shared *workers_share(void);

/* All cases of the campaign; returns when all are looked at. */
void workers_run(const Campaign *campaign, Shared *shared);
