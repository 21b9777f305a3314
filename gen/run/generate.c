/* generate: see generate.h. The thread that reads the program's tokens makes text of them and prints it: of several prompts
 * one after the other, each as soon as those before are done. Without it, for JSON, the texts are kept. */
#include "run/generate.h"

#include "base/jsonr.h"
#include "base/jsonw.h"
#include "run/generate_report.h"
#include "run/inputs.h"
#include "run/prompts.h"
#include "run/text_input.h"
#include "run/token_stream.h"

#include <string.h>
#include <unistd.h>

enum { NEW_USUAL = 128, NEW_MOST = 1 << 24 };

bool generate_wanted(const Run *run) {
    const Options *options = &run->options;
    return options_given(options, OPTION_PROMPT) || options_given(options, OPTION_PROMPTS) ||
           options_given(options, OPTION_TOKENIZER);
}

/* --- texts as they come ----------------------------------------------------------------------- */

static void show(Generation *generation, TextOut *out) {
    size_t ready = text_out_ready(out, &generation->stops);
    if (generation->terminal) {
        Buf readable = {0};
        text_readable(out->text.data ? out->text.data + out->shown : "", ready - out->shown, true,
                      &readable);
        fwrite(readable.data ? readable.data : "", 1, readable.length, stdout);
        buf_free(&readable);
    } else if (ready > out->shown) {
        fwrite(out->text.data + out->shown, 1, ready - out->shown, stdout);
    }
    out->shown = ready;
}

/* Print what can be: the text in front as far as it goes; where it has ended, the next one. */
static void show_front(Generation *generation) {
    while (generation->front < generation->tokens.sequences) {
        TextOut *out = &generation->outs[generation->front];
        if (generation->tokens.sequences > 1 && !generation->headed)
            printf("--- prompt %lld of %lld ---\n", (long long)generation->front + 1,
                   (long long)generation->tokens.sequences);
        generation->headed = true;
        show(generation, out);
        if (out->end == TEXT_GOES_ON)
            break;
        putchar('\n');
        generation->headed = false;
        generation->front++;
    }
    fflush(stdout);
}

static bool is_end(const Generation *generation, int32_t token) {
    for (int64_t i = 0; i < generation->ends.count; i++)
        if (generation->ends.items[i] == token)
            return true;
    return false;
}

static bool take_token(void *context, const rt_stream_record *record) {
    Generation *generation = context;
    TextOut *out = &generation->outs[record->sequence];
    bool went_on = out->end == TEXT_GOES_ON;
    text_out_add(out, generation->tokenizer, &generation->stops, record->token,
                 is_end(generation, record->token) ? TEXT_END_TOKEN
                 : record->last                    ? TEXT_LENGTH
                                                   : TEXT_GOES_ON);
    generation->ended += went_on && out->end != TEXT_GOES_ON;
    if (!generation->json)
        show_front(generation);
    return generation->ended < generation->tokens.sequences;
}

/* --- running ---------------------------------------------------------------------------------- */

static Status run_program(Run *run, Generation *generation, const char *dir, const Plan *plan) {
    Runner runner;
    Scratch scratch;
    TokenStream stream = {.take = take_token,
                          .context = generation,
                          .sequences = generation->tokens.sequences,
                          .max_new = generation->tokens.max_new};
    Buf output = {0};
    TRY(runner_begin(run, dir, "run", &runner));
    TRY(scratch_open(run, "tokens.rta", &scratch));
    Status status = tokens_write(scratch.path, &generation->tokens, &generation->ends,
                                 &generation->choice, &run->diag);
    if (status == STATUS_OK)
        status = token_stream_open(run, &stream);
    if (status != STATUS_OK)
        goto done;
    runner_add(&runner, "--tokens");
    runner_add(&runner, scratch.path);
    runner_add(&runner, "--stream");
    runner_add(&runner, stream.scratch.path);
    runner_add(&runner, "--json");
    runner_add_option(run, &runner, "--logits", OPTION_LOGITS);
    if (!options_given(&run->options, OPTION_QUIET))
        runner_add(&runner, "--quiet"); /* its progress would stand within the text */
    run_say(run, "running %lld ranks on this machine", (long long)plan->ranks.count);
    status = runner_run(run, &runner, &output);
    Status closed = token_stream_close(run, &stream);
    status = status == STATUS_OK ? closed : status;
    if (status == STATUS_OK)
        status = generate_report(run, generation, &output);
done:
    buf_free(&output);
    scratch_close(&scratch);
    return status;
}

/* --- what is asked for ------------------------------------------------------------------------ */

static Status read_stops(Run *run, Generation *generation) {
    const Options *options = &run->options;
    const char **texts = ARENA_ARRAY(&run->arena, OPTIONS_MANY, const char *);
    generation->stops.texts = texts;
    for (int64_t i = 0; i < options->many_count; i++) {
        const char *text = options->many[i].text;
        if (options->many[i].id != OPTION_STOP)
            continue;
        if (!*text) {
            diag_error(&run->diag, options_place(&run->diag, OPTION_STOP), "E0918",
                       "write the text that ends an answer", "a stop string cannot be empty");
            return STATUS_USAGE;
        }
        texts[generation->stops.count++] = text;
        if (strlen(text) > generation->stops.longest)
            generation->stops.longest = strlen(text);
    }
    return STATUS_OK;
}

static Status read_tokens(Run *run, Generation *generation, const Plan *plan) {
    const Options *options = &run->options;
    const Workload *workload = &plan->inputs.workload;
    const TokensBounds bounds = {plan->inputs.model.vocabulary, workload->prefill,
                                 workload->context};
    Prompts prompts;
    int64_t max_new;
    TRY(options_int(options, OPTION_MAX_NEW_TOKENS, 1, NEW_MOST, 0, &max_new, &run->diag));
    TRY(prompts_read(run, &prompts));
    if (options_given(options, OPTION_TOKENS) && prompts.count) {
        diag_error(&run->diag, options_place(&run->diag, OPTION_TOKENS), "E0919",
                   "give prompts as text, or as tokens", "there are prompts as text as well");
        return STATUS_USAGE;
    }
    if (options_given(options, OPTION_TOKENS))
        return tokens_read(&run->arena, options->values[OPTION_TOKENS], &bounds, max_new,
                           &generation->tokens, &run->diag);
    if (prompts.count == 0) {
        diag_error(&run->diag, diag_nowhere(), "E0914",
                   "for example: gen run DIR --prompt \"Once upon a time\"",
                   "--prompt TEXT is required");
        return STATUS_USAGE;
    }
    return prompts_tokens(run, generation->tokenizer, &prompts, &bounds, max_new, NEW_USUAL,
                          &generation->tokens);
}

Status generate_text(Run *run) {
    const char *dir = run->options.operand;
    Plan plan;
    Generation generation = {.json = run_json(run), .terminal = isatty(STDOUT_FILENO)};
    TRY(read_stops(run, &generation));
    TRY(inputs_program_plan(run, dir, &plan));
    TRY(text_tokenizer(run, dir, &plan, &generation.tokenizer));
    Status status =
        text_end_tokens(run, generation.tokenizer, plan.inputs.model.vocabulary, &generation.ends);
    if (status == STATUS_OK)
        status = text_choice(run, &plan, &generation.choice);
    if (status == STATUS_OK)
        status = text_tell_choice(run, generation.tokenizer);
    if (status == STATUS_OK)
        status = read_tokens(run, &generation, &plan);
    if (status == STATUS_OK) {
        generation.outs = ARENA_ARRAY(&run->arena, generation.tokens.sequences, TextOut);
        status = run_program(run, &generation, dir, &plan);
    }
    for (int64_t i = 0; generation.outs && i < generation.tokens.sequences; i++)
        text_out_free(&generation.outs[i]);
    ids_free(&generation.ends);
    tokenizer_free(generation.tokenizer);
    return status;
}
