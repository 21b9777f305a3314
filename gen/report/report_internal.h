/* report_internal: from verdicts to words. */
#pragma once

#include "report/report.h"

/* Why claims and predictions of a row differ: what does not fit, what the claim would need, what of its own arithmetic
 * does not hold. */
const char *report_why(Arena *arena, const Study *study, const ReportTable *table, int64_t row);
