/* prove: lowers a plan and proves the schedule; what was proved and where memory goes as JSON. */
#pragma once

#include "base/jsonw.h"
#include "run/command.h"
#include "schedule/check.h"

/* STATUS_NEGATIVE if a rule refuses the schedule; the report is complete then as well. */
Status prove_plan(Run *run, const Plan *plan, Schedule *schedule, CheckReport *report);

/* How many rules ran and hold. */
int64_t prove_count(const CheckReport *report);

/* Objects "ledger" and "rules" of the object that is open. */
void prove_json(const CheckReport *report, Jsonw *json);
