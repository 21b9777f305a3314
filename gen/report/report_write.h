/* report_write: a report as Markdown, as JSON (figures in SI, and as the texts that Markdown has), and as one HTML file
 * that needs nothing else. */
#pragma once

#include "base/jsonw.h"
#include "report/report.h"

void report_markdown(const Report *report, Buf *out);
void report_json(const Report *report, Jsonw *json); /* one object */
Status report_page(const Report *report, const char *share, Buf *out, Diag *diag);

/* Texts that all of them share: what a claim states, in its unit; what we predict; a figure of a check. */
void report_claim_text(double value, const char *unit, Buf *out);
void report_ours_text(const ReportCell *cell, Buf *out);
void report_figure_text(double value, const char *unit, Buf *out); /* four digits */
/* What the claims of a table are about, and the documents that have them: a sentence, or nothing. */
void report_sources_text(const ReportTable *table, Buf *out);
/* "holds", "does not hold", "follows, not stated" */
const char *report_check_text(const StudyCheck *check);
/* What the sections are called: "performance" is "Performance". */
const char *report_part_title(const char *part);
/* Claims, cells and checks by verdict. */
typedef struct ReportTally {
    int64_t claims, within, partly, outside, infeasible; /* rows with a claim */
    int64_t checks, failed, implied;
    int64_t points, unplanned;
} ReportTally;
ReportTally report_tally(const ReportStudy *study);
/* What holds for all figures, as sentences, NULL-terminated. */
extern const char *const report_assumptions[];
