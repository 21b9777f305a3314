/* command_run: gen run. Token ids go to the program as an array file; the program prints the new ones. Runs with text
 * are in generate.c. */
#include "run/emulate.h"
#include "run/generate.h"
#include "run/inputs.h"
#include "run/runner.h"
#include "run/text_input.h"
#include "run/tokens.h"

static Status refuse_without_emulate(Run *run, OptionId id) {
    if (!options_given(&run->options, id))
        return STATUS_OK;
    diag_error(&run->diag, options_place(&run->diag, id), "E0919", "add --emulate, or leave it out",
               "this belongs to --emulate");
    return STATUS_USAGE;
}

/* The program measures and judges: 1 is its answer that a link is slow. */
static Status preflight(Run *run) {
    Runner runner;
    if (options_given(&run->options, OPTION_TRACE)) {
        diag_error(&run->diag, options_place(&run->diag, OPTION_TRACE), "E0919", "leave it out",
                   "no step runs that could be traced");
        return STATUS_USAGE;
    }
    TRY(runner_begin(run, run->options.operand, "preflight", &runner));
    if (run_json(run))
        runner_add(&runner, "--json");
    return runner_run(run, &runner, NULL);
}

Status command_run(Run *run) {
    const Options *options = &run->options;
    const char *dir = options->operand;
    int64_t max_new;
    Plan plan;
    Tokens tokens;
    Runner runner;
    Scratch scratch;
    Ids stops = {0};
    TokensChoice choice;
    if (options_given(options, OPTION_EMULATE))
        return emulate_program(run);
    if (options_given(options, OPTION_PREFLIGHT))
        return preflight(run);
    TRY(refuse_without_emulate(run, OPTION_SCALE));
    TRY(refuse_without_emulate(run, OPTION_STEPS));
    if (generate_wanted(run))
        return generate_text(run);
    if (options_given(options, OPTION_STOP)) {
        diag_error(&run->diag, options_place(&run->diag, OPTION_STOP), "E0919",
                   "add --tokenizer, or give --stop-id", "tokens are no text to find this in");
        return STATUS_USAGE;
    }
    TRY(options_int(options, OPTION_MAX_NEW_TOKENS, 1, 1 << 24, 0, &max_new, &run->diag));
    if (!options_given(options, OPTION_TOKENS)) {
        diag_error(&run->diag, diag_nowhere(), "E0914",
                   "for example: gen run DIR --prompt \"Once upon a time\"",
                   "--prompt TEXT or --tokens FILE is required");
        return STATUS_USAGE;
    }
    TRY(inputs_program_plan(run, dir, &plan));
    const Workload *workload = &plan.inputs.workload;
    const TokensBounds bounds = {plan.inputs.model.vocabulary, workload->prefill,
                                 workload->context};
    TRY(tokens_read(&run->arena, options->values[OPTION_TOKENS], &bounds, max_new, &tokens,
                    &run->diag));
    TRY(text_choice(run, &plan, &choice));
    TRY(runner_begin(run, dir, "run", &runner));
    TRY(scratch_open(run, "tokens.rta", &scratch));
    Status status = STATUS_OK;
    TRY_TO(text_stop_ids(run, bounds.vocabulary, &stops), done);
    TRY_TO(tokens_write(scratch.path, &tokens, &stops, &choice, &run->diag), done);
    runner_add(&runner, "--tokens");
    runner_add(&runner, scratch.path);
    runner_add_option(run, &runner, "--logits", OPTION_LOGITS);
    runner_add_option(run, &runner, "--record", OPTION_RECORD);
    if (run_json(run))
        runner_add(&runner, "--json");
    run_say(run, "running %lld ranks on this machine", (long long)plan.ranks.count);
    status = runner_run(run, &runner, NULL);
done:
    ids_free(&stops);
    scratch_close(&scratch);
    return status;
}
