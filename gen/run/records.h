/* records: reads the records that the ranks of a program wrote (--record), compares each with the schedule, and tells
 * of every rank the first difference, at the statement of the emitted source that made the call. */
#pragma once

#include "base/jsonw.h"
#include "run/command.h"
#include "schedule/schedule.h"

typedef struct RecordsRequest {
    const Schedule *schedule; /* with plan and holdings */
    const char *dir;          /* of the program, for its sources */
    const char *prefix;       /* PREFIX.RANK are the records */
    int64_t waves, decode;    /* that were asked for; -1: as the records say, equal in all */
    bool failed; /* the run failed: ranks may have stopped anywhere, or have no record */
} RecordsRequest;

typedef struct RecordsFinding {
    int64_t rank, call, op, line; /* call, op: -1 none; line: 0 not found */
    const char *code, *text, *file;
} RecordsFinding;

typedef struct RecordsReport {
    int64_t ranks, runs, calls; /* records compared, steps run by all of them, calls */
    const char *with;           /* what they are compared with: "schedule.json", "the schedule" */
    LIST_OF(RecordsFinding) findings;
} RecordsReport;

/* STATUS_NEGATIVE if a record differs (E0841 to E0843); E0840 and E0901 where one cannot be read. */
Status records_check(Run *run, const RecordsRequest *request, RecordsReport *report);

/* "calls      12345 of 16 ranks, as in schedule.json". */
const char *records_text(Run *run, const RecordsReport *report);
/* The key "calls" of the object that is open. */
void records_json(const RecordsReport *report, Jsonw *json);
