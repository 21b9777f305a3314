/* report: studies with their points predicted and every claim judged. It knows no way of showing them: report_write.h
 * does. All lies in the caller's arena. */
#pragma once

#include "report/study.h"

typedef enum ReportVerdict {
    REPORT_NONE,       /* no claim, or nothing to compare it with */
    REPORT_WITHIN,     /* the claim lies within our interval */
    REPORT_LOWER,      /* the claim is below it */
    REPORT_HIGHER,     /* above it */
    REPORT_INFEASIBLE, /* the deployment cannot be: there is no figure of ours */
} ReportVerdict;
extern const char *const report_verdicts[]; /* "none", "within", ... */

/* What a row says in one column. */
typedef struct ReportCell {
    const ClaimValue *claim; /* NULL: none */
    const ClaimGroup *claim_group;
    const StudyPoint *point, *versus; /* versus: NULL where it is no ratio */
    const char *unit;                 /* of ours, in SI */
    bool answered;
    double claimed, ours[PLANNER_CASES]; /* in it */
    ReportVerdict verdict;
} ReportCell;

typedef struct ReportRow {
    const StudyRow *row;
    ReportCell *cells; /* [columns] */
    const char *why;   /* "" where there is nothing to say */
} ReportRow;

typedef struct ReportTable {
    const StudyTable *table;
    LIST_OF(ReportRow) rows;
} ReportTable;

typedef struct ReportStudy {
    const char *name;
    Study study;
    LIST_OF(ReportTable) tables; /* those that are wanted */
    bool arithmetic, untold;     /* whether they are */
} ReportStudy;

typedef struct Report {
    LIST_OF(ReportStudy) studies;
} Report;

typedef struct ReportRequest {
    const char *models, *topologies; /* folders */
    const char *share;
    const char *only; /* names of parts or studies with commas, or NULL: all */
    PlannerPricing price;
    void (*progress)(void *context, int64_t done, int64_t of);
    void *context;
} ReportRequest;

/* E0918: `only` names no part (STATUS_USAGE). */
Status report_make(Arena *arena, const ReportRequest *request, Report *report, Diag *diag);

/* Judge one cell: sets verdict. A figure that is counted (no interval) agrees within 1 %. */
void report_judge(ReportCell *cell);
