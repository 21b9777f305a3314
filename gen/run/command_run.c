/* command_run: gen run. Token ids go to the program as an array file; the program prints the new ones. */
#include "run/arrays.h"
#include "run/emulate.h"
#include "run/inputs.h"
#include "run/runner.h"
#include "run/tokens.h"

static Status write_tokens(Run *run, const char *path, const Tokens *tokens) {
    const int32_t max_new = (int32_t)tokens->max_new;
    const Array arrays[] = {
        {"lengths", RT_I32, 1, {tokens->sequences}, tokens->lengths},
        {"ids", RT_I32, 2, {tokens->sequences, tokens->longest}, tokens->ids},
        {"max_new", RT_I32, 1, {1}, &max_new},
    };
    return arrays_write(path, NULL, arrays, 3, &run->diag);
}

static Status refuse_prompt(Run *run) {
    diag_error(&run->diag, options_place(&run->diag, OPTION_PROMPT), "E0833",
               "give token ids: --tokens F.json with an array of arrays of ids",
               "text needs a tokenizer, which gen does not have yet");
    return STATUS_UNAVAILABLE;
}

static Status refuse_without_emulate(Run *run, OptionId id) {
    if (!options_given(&run->options, id))
        return STATUS_OK;
    diag_error(&run->diag, options_place(&run->diag, id), "E0919", "add --emulate, or leave it out",
               "this belongs to --emulate");
    return STATUS_USAGE;
}

Status command_run(Run *run) {
    const Options *options = &run->options;
    const char *dir = options->operand;
    int64_t max_new;
    Plan plan;
    Tokens tokens;
    Runner runner;
    Scratch scratch;
    if (options_given(options, OPTION_EMULATE))
        return emulate_program(run);
    TRY(refuse_without_emulate(run, OPTION_SCALE));
    TRY(refuse_without_emulate(run, OPTION_STEPS));
    if (options_given(options, OPTION_PROMPT))
        return refuse_prompt(run);
    TRY(options_int(options, OPTION_MAX_NEW_TOKENS, 1, 1 << 24, 0, &max_new, &run->diag));
    if (!options_given(options, OPTION_TOKENS)) {
        diag_error(&run->diag, diag_nowhere(), "E0914",
                   "for example: gen run DIR --tokens prompts.json", "--tokens FILE is required");
        return STATUS_USAGE;
    }
    TRY(inputs_program_plan(run, dir, &plan));
    const Workload *workload = &plan.inputs.workload;
    const TokensBounds bounds = {plan.inputs.model.vocabulary, workload->prefill,
                                 workload->context};
    TRY(tokens_read(&run->arena, options->values[OPTION_TOKENS], &bounds, max_new, &tokens,
                    &run->diag));
    TRY(runner_begin(run, dir, "run", &runner));
    TRY(scratch_open(run, "tokens.rta", &scratch));
    Status status = STATUS_OK;
    TRY_TO(write_tokens(run, scratch.path, &tokens), done);
    runner_add(&runner, "--tokens");
    runner_add(&runner, scratch.path);
    runner_add_option(run, &runner, "--logits", OPTION_LOGITS);
    runner_add_option(run, &runner, "--record", OPTION_RECORD);
    if (run_json(run))
        runner_add(&runner, "--json");
    run_say(run, "running %lld ranks on this machine", (long long)plan.ranks.count);
    status = runner_run(run, &runner, NULL);
done:
    scratch_close(&scratch);
    return status;
}
