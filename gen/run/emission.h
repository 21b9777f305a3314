/* emission: what make and emit do with a plan: prove, predict, write, and tell what came of it. */
#pragma once

#include "plan/plan.h"
#include "run/command.h"

/* Prove and predict the plan, write the program to `dir`, and print the summary and the next commands. A plan
 * that a rule refuses is STATUS_NEGATIVE, with its ledger on stderr, and nothing is written. */
Status emission_write(Run *run, const Plan *plan, const char *dir);
