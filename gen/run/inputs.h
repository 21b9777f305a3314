/* inputs: from the options of make and plan, and from the operand of other verbs, to a plan. */
#pragma once

#include "plan/plan.h"
#include "run/command.h"

/* Read model, topology and workload as the options name them: the files, over them the flags of the workload, then
 * each --set, then the settings `more` (NULL: none), the last word on a key winning. */
Status inputs_read(Run *run, const OverrideList *more, PlanInputs *inputs);

/* --share names a folder: one that is not there would silently override nothing. E0901. */
Status inputs_check_share(Run *run);

/* Put the cost model of --cost in use, for all that is priced from here on. E0580 to E0582. */
Status inputs_cost(Run *run);

/* What the command line sets over the files: the flags of the workload, then each --set. */
Status inputs_settings(Run *run, OverrideList *settings);

/* Append what a text such as "model.experts=64" sets (input/override.h); STATUS_USAGE when it sets nothing. */
Status inputs_override(Run *run, const char *text, OverrideList *settings);

/* Read the inputs and let the strategy plan. */
Status inputs_plan(Run *run, Plan *plan);

/* Read the plan named by the operand: a plan.json, or a directory with one. */
Status inputs_operand_plan(Run *run, Plan *plan);

/* The same for any path. */
Status inputs_plan_at(Run *run, const char *path, Plan *plan);

/* plan.json of the directory `dir`. */
Status inputs_program_plan(Run *run, const char *dir, Plan *plan);

/* "16 ranks = 1 copy of 12 attention (1 group of 12) + 4 expert": what the options came to. */
const char *inputs_grid(Run *run, const Plan *plan);

/* On stdout: the plan's first choices that had alternatives. gen show lists all. */
void inputs_print_choices(const Plan *plan);
