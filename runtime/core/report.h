/* report: what each verb prints on stdout once the ranks have ended. */
#pragma once

#include "core/results.h"

/* The new tokens, a sequence a line, or JSON. */
void rt_report_run(const rt_results *results, const rt_segment *segment);
/* Compare with the expectations; *equal: nothing differs. */
rt_status rt_report_verify(const rt_results *results, const rt_segment *segment, bool *equal,
                           rt_error *error);
void rt_report_bench(const rt_results *results, const rt_segment *segment);
/* Time of each operation; also DIR/measure.rta when --out is given. */
rt_status rt_report_measure(const rt_segment *segment, rt_error *error);
/* Links beside what the topology says; *equal: none is below --share of it. */
rt_status rt_report_preflight(const rt_segment *segment, bool *equal, rt_error *error);
void rt_report_info(const rt_program *program, bool json);
