/* command_bench: gen bench. The program measures and prints; the prediction is printed after it, under the name of
 * the cluster that it is for, never as if it were of this machine. */
#include "run/calibrate.h"
#include "run/inputs.h"
#include "run/prove.h"
#include "run/runner.h"
#include "show/show.h"

static Status print_prediction(Run *run, const Plan *plan) {
    Schedule schedule;
    CheckReport report;
    TRY(prove_plan(run, plan, &schedule, &report));
    calibrate_check_host(run, &plan->inputs.topology);
    Simulation simulation = simulate(&run->arena, &schedule);
    Buf text = {0};
    show_prediction_text(&schedule, &simulation, &text);
    printf("\n%s: %s", plan->inputs.topology.name, text.data);
    buf_free(&text);
    return STATUS_OK;
}

Status command_bench(Run *run) {
    static const struct {
        OptionId id;
        const char *name;
    } counts[] = {
        {OPTION_STEPS, "--steps"},
        {OPTION_PROMPT_TOKENS, "--prompt-tokens"},
        {OPTION_BATCH, "--batch"},
        {OPTION_REPEAT, "--repeat"},
    };
    int64_t ignored;
    Plan plan;
    Runner runner;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        TRY(options_int(&run->options, counts[i].id, 1, INT32_MAX, 1, &ignored, &run->diag));
    TRY(inputs_program_plan(run, run->options.operand, &plan));
    TRY(runner_begin(run, run->options.operand, "bench", &runner));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        runner_add_option(run, &runner, counts[i].name, counts[i].id);
    if (run_json(run))
        runner_add(&runner, "--json");
    run_say(run, "measuring %lld ranks on this machine", (long long)plan.ranks.count);
    TRY(runner_run(run, &runner, NULL));
    return run_json(run) ? STATUS_OK : print_prediction(run, &plan);
}
