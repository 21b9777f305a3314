/* command: what every verb gets, and the verbs. A verb prints its results on stdout, says what it does on
 * stderr, and returns the exit code of gen; main renders the diagnostics. */
#pragma once

#include "base/arena.h"
#include "base/diag.h"
#include "run/options.h"

typedef struct Run {
    Arena arena;
    Diag diag;
    Options options;
} Run;

typedef Status (*Command)(Run *run);

Status command_init(Run *run);
Status command_make(Run *run);
Status command_plan(Run *run);
Status command_check(Run *run);
Status command_emit(Run *run);
Status command_build(Run *run);
Status command_weights(Run *run);
Status command_run(Run *run);
Status command_verify(Run *run);
Status command_bench(Run *run);
Status command_perplexity(Run *run);
Status command_tokens(Run *run);
Status command_simulate(Run *run);
Status command_calibrate(Run *run);
Status command_show(Run *run);
Status command_diff(Run *run);
Status command_sweep(Run *run);
Status command_report(Run *run);
Status command_doctor(Run *run);
Status command_explain(Run *run);
Status command_help(Run *run);

static inline bool run_json(const Run *run) {
    return options_given(&run->options, OPTION_JSON);
}

/* A line on stderr unless --quiet; run_detail only with --verbose. */
void run_say(const Run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
void run_detail(const Run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One line on a terminal that says how far long work is: each call writes over it, run_say and the end remove it.
 * Elsewhere, and with --quiet, nothing is written. run_progress_wanted says whether it is worth asking. */
void run_progress(const Run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
void run_progress_end(const Run *run);
bool run_progress_wanted(const Run *run);

/* A quantity for people: "1.50 GiB", "3.20 ms". The text lies in the arena. */
const char *run_bytes(Run *run, double bytes);
const char *run_seconds(Run *run, double seconds);
