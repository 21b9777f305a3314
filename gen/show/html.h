/* html: a plan, its prediction and, where given, what was emulated and measured, as one page that needs
 * nothing else. The templates are in templates/show/. Public within gen. */
#pragma once

#include "schedule/ledger.h"
#include "schedule/simulate.h"
#include "show/compare.h"

typedef struct HtmlPage {
    const Schedule *schedule; /* proved */
    const Simulation *simulation;
    const Ledger *ledger;
    const CompareRecord *records; /* emulation, measurement: what there is of them */
    int64_t record_count;
    int64_t step;      /* that is open at first */
    const char *share; /* folder that overrides templates, or NULL */
} HtmlPage;

Status html_write(const HtmlPage *page, Buf *out, Diag *diag);
