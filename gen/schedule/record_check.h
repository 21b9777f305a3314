/* record_check: what the two halves of the comparison of a record share: what is compared, and the first
 * difference that was found. Internal to record_check.c (calls) and record_tables.c (tables). */
#pragma once

#include "schedule/record.h"

typedef struct RecordCompare {
    Arena *arena;
    const Plan *plan;
    const Schedule *schedule;
    const RankSchedule *holdings; /* of the rank; NULL: not compared */
    const RankSchedule *of;       /* what the schedule says of the rank */
    const Record *record;
    RecordDifference found;
} RecordCompare;

/* Remember the first difference; always false. `op`: whose statement or line is meant, or -1. */
bool record_differs(RecordCompare *c, const char *code, int64_t call, int64_t op,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Two tables that are not alike; `format` says where. */
void record_number_differs(RecordCompare *c, int64_t op, int64_t got, int64_t want,
                           const char *format, ...) __attribute__((format(printf, 5, 6)));
void record_text_differs(RecordCompare *c, int64_t op, const char *got, const char *want,
                         const char *format, ...) __attribute__((format(printf, 5, 6)));

/* One number or text of a table; the words say which, and are put together only where it differs. */
#define SAME(c, op, got, want, ...)                                                                \
    ((got) == (want) ? true : (record_number_differs(c, op, got, want, __VA_ARGS__), false))
#define SAME_TEXT(c, op, got, want, ...)                                                           \
    (strcmp(got, want) == 0 ? true : (record_text_differs(c, op, got, want, __VA_ARGS__), false))

/* Tables of the program as the rank had them: true if all are the schedule's. */
bool record_tables_equal(RecordCompare *c);
/* The slices of weights that the rank is to hold. */
bool record_weights_equal(RecordCompare *c);
