/* command_bench: gen bench. The program measures and prints; what was predicted for the planned cluster stands
 * in prediction.json, never beside the measured figures as if they were of one machine. */
#include "run/inputs.h"
#include "run/runner.h"

Status command_bench(Run *run) {
    static const struct {
        OptionId id;
        const char *name;
    } counts[] = {
        {OPTION_STEPS, "--steps"},
        {OPTION_PROMPT_TOKENS, "--prompt-tokens"},
        {OPTION_BATCH, "--batch"},
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
    return runner_run(run, &runner, NULL);
}
