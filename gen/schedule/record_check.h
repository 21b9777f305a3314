/* record_check: what the two halves of the comparison of a record share: what is compared, and the first
 * difference that was found. Internal to record_check.c (calls) and record_tables.c (tables). */
#pragma once

#include "schedule/record.h"

typedef struct RecordCompare {
    Arena *arena;
    const Schedule *schedule;
    const RankSchedule *of; /* what the schedule says of the rank */
    const Record *record;
    RecordDifference found;
} RecordCompare;

/* Remember the first difference; always false. `op`: whose statement or line is meant, or -1. */
bool record_differs(RecordCompare *c, const char *code, int64_t call, int64_t op,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Tables of the program as the rank had them: true if all are the schedule's. */
bool record_tables_equal(RecordCompare *c);
