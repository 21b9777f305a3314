/* emulate: see emulate.h. The verb: figures out, the program's times in, both sides printed. */
#include "run/emulate.h"

#include "base/jsonw.h"
#include "base/number.h"
#include "rt_format.h"
#include "run/inputs.h"
#include "run/prove.h"
#include "run/runner.h"

#include <math.h>
#include <stdio.h>

/* Real seconds that a run is stretched to: enough for this host's threads to wake for every operation, and for
 * one late wake to be little of it. */
static const double seconds_an_operation = 150e-6, seconds_least = 1;
/* A run whose host was late by more than this part of it says little. */
static const double late_limit = 0.02;

/* --- options ------------------------------------------------------------------------------------------------ */

static Status refuse_others(Run *run) {
    static const OptionId others[] = {OPTION_TOKENS, OPTION_PROMPT, OPTION_MAX_NEW_TOKENS,
                                      OPTION_LOGITS, OPTION_WEIGHTS};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (!options_given(&run->options, others[i]))
            continue;
        diag_error(&run->diag, options_place(&run->diag, others[i]), "E0919",
                   "leave one of the two out", "with --emulate nothing is computed");
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

static Status read_scale(Run *run, double *scale) {
    const char *text = run->options.values[OPTION_SCALE];
    *scale = 0;
    if (!text || (number_parse_real(text, scale) && *scale > 0 && *scale <= 1e6))
        return STATUS_OK;
    diag_error(&run->diag, options_place(&run->diag, OPTION_SCALE), "E0917",
               "write a number above 0, at most 1e6: seconds of this host for one of the cluster",
               "'%s' is no number in range", text);
    return STATUS_USAGE;
}

static double automatic_scale(const Timeline *timeline) {
    double seconds = fmax(seconds_least, seconds_an_operation * (double)timeline->items.count);
    return timeline->makespan > 0 ? seconds / timeline->makespan : 1;
}

/* How often each step may run so that a rank can record all that it does. */
static int64_t most_runs(Run *run, const Schedule *schedule, const Timeline *timelines) {
    int64_t *executed = ARENA_ARRAY(&run->arena, schedule->world, int64_t), most = 1;
    for (int64_t s = 0; s < schedule->plan->steps.count; s++)
        for (int64_t i = 0; i < timelines[s].items.count; i++)
            executed[timelines[s].items.items[i].rank]++;
    for (int64_t r = 0; r < schedule->world; r++)
        most = executed[r] > most ? executed[r] : most;
    return RT_TRACE_EVENTS / most;
}

/* --- printing ------------------------------------------------------------------------------------------------ */

static void print_busy(Run *run, const char *what, const char *name, EmulatedBusy busy,
                       int64_t world) {
    if (busy.simulated <= 0 && busy.emulated <= 0)
        return;
    const char *simulated = run_seconds(run, busy.simulated / (double)world);
    const char *emulated = run_seconds(run, busy.emulated / (double)world);
    printf("  %-6s %-18s %12s %12s  %7.4f\n", what, name, simulated, emulated,
           busy.emulated / busy.simulated);
}

static void print_differs(Run *run, const Schedule *schedule, const EmulatedStep *step) {
    if (step->missing || step->surplus)
        printf("  %lld operations that were simulated were not executed, %lld executed ones not "
               "simulated\n",
               (long long)step->missing, (long long)step->surplus);
    if (step->rank < 0)
        return;
    const Op *op = &schedule->ranks[step->rank].ops.items[step->op];
    char layer[48] = "";
    if (step->layer >= 0)
        snprintf(layer, sizeof layer, " of layer %lld", (long long)step->layer);
    printf("  differs most: rank %lld, operation %lld %s%s, stream %s: ends at %s, emulated %s\n",
           (long long)step->rank, (long long)step->op, op_info[op->kind].name, layer,
           plan_stream_names[op->stream], run_seconds(run, step->simulated_end),
           run_seconds(run, step->emulated_end));
}

static void print_text(Run *run, const Schedule *schedule, const EmulatedStep *steps) {
    const Plan *plan = schedule->plan;
    printf("%s emulated: its program with operations and moves asleep, times of %s;\n"
           "nothing is computed. Busy times are means over the ranks, of the run in which this "
           "host was least late.\n\n",
           plan->name, plan->inputs.topology.name);
    printf("%-27s %12s %12s  %7s\n", "", "simulated", "emulated", "ratio");
    for (int64_t s = 0; s < plan->steps.count; s++) {
        const EmulatedStep *step = &steps[s];
        printf("%-27s %12s %12s  %7.4f  %s to %s in %lld runs, scale %.4g, late by %s\n",
               plan->steps.items[s].name, run_seconds(run, step->simulated),
               run_seconds(run, step->seconds), step->seconds / step->simulated,
               run_seconds(run, step->least), run_seconds(run, step->most), (long long)step->runs,
               step->scale, run_seconds(run, step->late));
        for (int i = 0; i < EMULATE_STREAMS; i++)
            print_busy(run, "stream", plan_stream_names[i], step->streams[i], schedule->world);
        for (int i = 0; i < SIMULATE_MOVES; i++)
            print_busy(run, "move", plan_move_names[i], step->moves[i], schedule->world);
        print_differs(run, schedule, step);
    }
}

static void json_real(Jsonw *json, const char *key, double value) {
    jsonw_key(json, key);
    jsonw_real(json, value);
}

static void json_busy(Jsonw *json, const char *key, const char *const *names,
                      const EmulatedBusy *busy, int64_t count) {
    jsonw_key(json, key);
    jsonw_array(json, false);
    for (int64_t i = 0; i < count; i++) {
        if (busy[i].simulated <= 0 && busy[i].emulated <= 0)
            continue;
        jsonw_object(json, true);
        json_real(json, "emulated_s", busy[i].emulated);
        jsonw_key_string(json, "name", names[i]);
        json_real(json, "simulated_s", busy[i].simulated);
        jsonw_end(json);
    }
    jsonw_end(json);
}

static void json_differs(Jsonw *json, const EmulatedStep *step) {
    jsonw_key(json, "differs_most");
    if (step->rank < 0) {
        jsonw_null(json);
        return;
    }
    jsonw_object(json, true);
    json_real(json, "emulated_end_s", step->emulated_end);
    jsonw_key_int(json, "layer", step->layer);
    jsonw_key_int(json, "op", step->op);
    jsonw_key_int(json, "rank", step->rank);
    json_real(json, "simulated_end_s", step->simulated_end);
    jsonw_end(json);
}

static void json_step(Jsonw *json, const char *name, const EmulatedStep *step) {
    jsonw_object(json, false);
    json_differs(json, step);
    jsonw_key(json, "emulated_s");
    jsonw_object(json, true);
    json_real(json, "least_late", step->seconds);
    json_real(json, "max", step->most);
    json_real(json, "median", step->median);
    json_real(json, "min", step->least);
    jsonw_end(json);
    json_real(json, "late_s", step->late);
    jsonw_key_int(json, "missing", step->missing);
    json_busy(json, "moves", plan_move_names, step->moves, SIMULATE_MOVES);
    jsonw_key_string(json, "name", name);
    json_real(json, "ratio", step->seconds / step->simulated);
    jsonw_key_int(json, "runs", step->runs);
    json_real(json, "scale", step->scale);
    json_real(json, "simulated_s", step->simulated);
    json_busy(json, "streams", plan_stream_names, step->streams, EMULATE_STREAMS);
    jsonw_key_int(json, "surplus", step->surplus);
    jsonw_end(json);
}

static void print_json(const Schedule *schedule, const EmulatedStep *steps) {
    enum { EMULATION_SCHEMA_VERSION = 1 };
    const Plan *plan = schedule->plan;
    Jsonw json;
    Buf text = {0};
    jsonw_begin(&json, &text);
    jsonw_object(&json, false);
    jsonw_key_string(&json, "name", plan->name);
    jsonw_key_int(&json, "schema_version", EMULATION_SCHEMA_VERSION);
    jsonw_key(&json, "steps");
    jsonw_array(&json, false);
    for (int64_t s = 0; s < plan->steps.count; s++)
        json_step(&json, plan->steps.items[s].name, &steps[s]);
    jsonw_end(&json);
    jsonw_end(&json);
    jsonw_finish(&json);
    fputs(text.data, stdout);
    buf_free(&text);
}

/* --- the verb ------------------------------------------------------------------------------------------------- */

static void warn_late(const Run *run, const Plan *plan, const EmulatedStep *steps) {
    for (int64_t s = 0; s < plan->steps.count; s++)
        if (steps[s].late > late_limit * steps[s].simulated)
            run_say(run,
                    "%s: this host was late by up to %.1f %% of the step: a greater --scale than "
                    "%.4g, or a quieter machine, tells more",
                    plan->steps.items[s].name, 100 * steps[s].late / steps[s].simulated,
                    steps[s].scale);
}

/* The program's own table is swallowed: the file has it. */
static Status run_program(Run *run, Runner *runner) {
    Buf output = {0};
    Status status = runner_run(run, runner, &output);
    buf_free(&output);
    return status;
}

static Status emulate_schedule(Run *run, Runner *runner, const Schedule *schedule, double scale) {
    const Plan *plan = schedule->plan;
    int64_t steps = plan->steps.count;
    Timeline *timelines = ARENA_ARRAY(&run->arena, steps, Timeline);
    double *scales = ARENA_ARRAY(&run->arena, steps, double), seconds = 0;
    int64_t ignored;
    EmulatedStep *emulated = ARENA_ARRAY(&run->arena, steps, EmulatedStep);
    Scratch figures, results;
    for (int64_t s = 0; s < steps; s++) {
        timelines[s] = simulate_timeline(&run->arena, schedule, s, COST_EXPECTED);
        scales[s] = scale > 0 ? scale : automatic_scale(&timelines[s]);
        seconds += scales[s] * timelines[s].makespan;
    }
    TRY(options_int(&run->options, OPTION_STEPS, 1, most_runs(run, schedule, timelines), 1,
                    &ignored, &run->diag));
    TRY(scratch_open(run, "figures.rta", &figures));
    Status status = scratch_open(run, "emulation.rta", &results);
    if (status != STATUS_OK) {
        scratch_close(&figures);
        return status;
    }
    TRY_TO(emulate_figures_write(&run->arena, schedule, scales, figures.path, &run->diag), done);
    runner_add(runner, "--figures");
    runner_add(runner, figures.path);
    runner_add_option(run, runner, "--record", OPTION_RECORD);
    runner_add(runner, "--out");
    runner_add(runner, results.dir);
    run_say(run, "emulating %lld ranks on this machine: %.1f s for each run of all steps",
            (long long)plan->ranks.count, seconds);
    TRY_TO(run_program(run, runner), done);
    TRY_TO(emulate_compare(&run->arena, schedule, timelines, results.path, emulated, &run->diag),
           done);
    run_json(run) ? print_json(schedule, emulated) : print_text(run, schedule, emulated);
    warn_late(run, plan, emulated);
done:
    scratch_close(&figures);
    scratch_close(&results);
    return status;
}

Status emulate_program(Run *run) {
    double scale;
    Plan plan;
    Schedule schedule;
    CheckReport report;
    Runner runner;
    TRY(refuse_others(run));
    TRY(read_scale(run, &scale));
    TRY(inputs_program_plan(run, run->options.operand, &plan));
    TRY(prove_plan(run, &plan, &schedule, &report));
    TRY(runner_begin(run, run->options.operand, "emulate", &runner));
    runner_add_option(run, &runner, "--steps", OPTION_STEPS);
    return emulate_schedule(run, &runner, &schedule, scale);
}
