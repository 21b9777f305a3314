/* property: what holds of every legal case, and a failure where it does not. */
#pragma once

#include "random_case.h"
#include "schedule/check.h"

typedef enum Outcome {
    OUTCOME_PROVED,
    OUTCOME_DECLINED, /* by a documented limit; `code` says which */
    OUTCOME_FAILED,
} Outcome;

typedef struct Verdict {
    Outcome outcome;
    char kind[48];      /* stays the same while a case shrinks: a rule, or what was violated */
    char message[1024]; /* of the first one */
} Verdict;

/* Faults of tests: something is broken on purpose, or a property that does not hold of all. */
typedef enum Plant {
    PLANT_NONE,
    PLANT_REPLICA, /* "no plan of over 2 ranks has a replica" */
    PLANT_WAIT,    /* the last wait across streams of each schedule is dropped */
    PLANT_CRASH,   /* the process dies at a plan with 3 stages */
    PLANT_HANG,    /* it loops for ever at one */
} Plant;

extern const char *const plant_names[]; /* "none", ..., NULL */

/* Codes of documented limits, by which a plan may be declined. */
enum { PROPERTY_LIMITS = 3 };
extern const char *const property_limits[PROPERTY_LIMITS];

/* Draw the case and look at it. `made` and `schedule` stay valid as long as the arena. */
void property_check(RandomCase *made, Plant plant, Schedule *schedule, Verdict *verdict);

void verdict_fail(Verdict *verdict, const char *kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* By the first error: a limit declines, anything else is a failure. */
void verdict_judge(Verdict *verdict, const Diag *diag, const char *where);
