/* command_perplexity: gen perplexity: how well a model foretells a text. The text is cut into windows that overlap; of each
 * the program rates the tokens, and those that no window before has are counted. */
#include "base/fs.h"
#include "base/jsonw.h"
#include "run/inputs.h"
#include "run/npy.h"
#include "run/runner.h"
#include "run/text_input.h"
#include "run/tokens.h"

#include <math.h>
#include <string.h>

enum { TEXT_LIMIT = 1 << 30, WINDOW_LEAST = 2, IDS_MOST = 1 << 28, SCORES_LIMIT = 1 << 30 };

typedef struct Perplexity {
    Ids ids;      /* of the text */
    size_t bytes; /* of the text */
    int64_t window, stride;
    int64_t scored;
    double nats; /* minus the sum of the logarithms */
} Perplexity;

/* Windows begin each `stride` tokens; the last one is the first that reaches the end. */
static int64_t window_count(const Perplexity *of) {
    int64_t rest = of->ids.count - of->window;
    return rest <= 0 ? 1 : 1 + (rest + of->stride - 1) / of->stride;
}

static int64_t window_length(const Perplexity *of, int64_t window) {
    int64_t left = of->ids.count - window * of->stride;
    return left < of->window ? left : of->window;
}

static Status read_sizes(Run *run, const Workload *workload, Perplexity *of) {
    TRY(options_int(&run->options, OPTION_WINDOW, WINDOW_LEAST, workload->prefill,
                    workload->prefill, &of->window, &run->diag));
    return options_int(&run->options, OPTION_STRIDE, 1, of->window - 1, of->window / 2, &of->stride,
                       &run->diag);
}

static Status read_text(Run *run, Tokenizer *tokenizer, Perplexity *of) {
    const char *path = run->options.values[OPTION_TEXT];
    char *text;
    DiagSource *source = ARENA_NEW(&run->arena, DiagSource);
    source->name = path;
    DiagPlace place = {.source = source};
    TRY(fs_read(&run->arena, path, TEXT_LIMIT, &text, &of->bytes, &run->diag));
    size_t valid = utf8_valid(text, of->bytes);
    if (valid != of->bytes)
        return diag_error(&run->diag, place, "E0850",
                          "write it in UTF-8: iconv changes what it is in",
                          "the text is no UTF-8: byte %zu is 0x%02x", valid + 1,
                          (unsigned)(unsigned char)text[valid]);
    TRY(tokenizer_encode(tokenizer, text, of->bytes, true, &of->ids, &run->diag));
    if (of->ids.count < WINDOW_LEAST)
        return diag_error(&run->diag, place, "E0853", "give it a longer text",
                          "the text has %lld tokens: none follows another",
                          (long long)of->ids.count);
    if (window_count(of) > IDS_MOST / of->window)
        return diag_error(&run->diag, place, "E0853", "give a larger --stride, or a shorter text",
                          "the text makes %lld windows of %lld tokens, which is too much",
                          (long long)window_count(of), (long long)of->window);
    return STATUS_OK;
}

static void make_windows(Arena *arena, const Perplexity *of, Tokens *tokens) {
    *tokens =
        (Tokens){.sequences = window_count(of), .longest = window_length(of, 0), .max_new = 1};
    tokens->lengths = ARENA_ARRAY(arena, tokens->sequences, int32_t);
    tokens->ids = ARENA_ARRAY(arena, tokens->sequences * tokens->longest, int32_t);
    for (int64_t w = 0; w < tokens->sequences; w++) {
        tokens->lengths[w] = (int32_t)window_length(of, w);
        memcpy(tokens->ids + w * tokens->longest, of->ids.items + w * of->stride,
               (size_t)tokens->lengths[w] * sizeof *tokens->ids);
    }
}

/* The score at position t of a window is that of the token after it. */
static Status add_scores(Run *run, const char *path, const Tokens *tokens, Perplexity *of) {
    Npy scores;
    int64_t next = 1;
    TRY(npy_read(&run->arena, path, SCORES_LIMIT, &scores, &run->diag));
    if (scores.dims != 2 || scores.shape[0] != tokens->sequences ||
        scores.shape[1] != tokens->longest)
        return diag_error(&run->diag, diag_nowhere(), "E0801",
                          "emit and build the program with this gen: gen emit, gen build",
                          "the program's scores have another shape");
    for (int64_t w = 0; w < tokens->sequences; w++) {
        int64_t begin = w * of->stride, end = begin + tokens->lengths[w];
        for (; next < end; next++, of->scored++)
            of->nats -= npy_value(&scores, w * tokens->longest + next - 1 - begin);
    }
    return STATUS_OK;
}

static Status run_windows(Run *run, const char *dir, Perplexity *of) {
    Tokens tokens;
    Runner runner;
    Scratch in, out;
    Buf output = {0};
    make_windows(&run->arena, of, &tokens);
    TRY(runner_begin(run, dir, "run", &runner));
    TRY(scratch_open(run, "tokens.rta", &in));
    Status status = scratch_open(run, "scores.npy", &out);
    if (status != STATUS_OK)
        goto close_in;
    TRY_TO(tokens_write(in.path, &tokens, &(Ids){0}, &(TokensChoice){0}, &run->diag), done);
    runner_add(&runner, "--tokens");
    runner_add(&runner, in.path);
    runner_add(&runner, "--scores");
    runner_add(&runner, out.path);
    runner_add(&runner, "--json");
    run_say(run, "rating %lld tokens in %lld windows of %lld", (long long)of->ids.count,
            (long long)tokens.sequences, (long long)tokens.longest);
    TRY_TO(runner_run(run, &runner, &output), done);
    TRY_TO(add_scores(run, out.path, &tokens, of), done);
done:
    scratch_close(&out);
close_in:
    scratch_close(&in);
    buf_free(&output);
    return status;
}

static void report(Run *run, const Perplexity *of) {
    double mean = of->nats / (double)of->scored, bits = of->nats / log(2) / (double)of->bytes;
    if (!run_json(run)) {
        printf("perplexity %.6g over %lld tokens; %.4f bits a byte\n", exp(mean),
               (long long)of->scored, bits);
        return;
    }
    Buf out = {0};
    Jsonw json;
    jsonw_begin(&json, &out);
    jsonw_object(&json, false);
    jsonw_key(&json, "bits_per_byte");
    jsonw_real(&json, bits);
    jsonw_key_int(&json, "bytes", (int64_t)of->bytes);
    jsonw_key(&json, "nats_per_token");
    jsonw_real(&json, mean);
    jsonw_key(&json, "perplexity");
    jsonw_real(&json, exp(mean));
    jsonw_key_int(&json, "scored", of->scored);
    jsonw_key_int(&json, "stride", of->stride);
    jsonw_key_int(&json, "tokens", of->ids.count);
    jsonw_key_int(&json, "window", of->window);
    jsonw_end(&json);
    jsonw_finish(&json);
    fputs(out.data, stdout);
    buf_free(&out);
}

Status command_perplexity(Run *run) {
    const char *dir = run->options.operand;
    Plan plan;
    Tokenizer *tokenizer = NULL;
    Perplexity of = {0};
    TRY(inputs_program_plan(run, dir, &plan));
    TRY(read_sizes(run, &plan.inputs.workload, &of));
    TRY(text_tokenizer(run, dir, &plan, &tokenizer));
    Status status = read_text(run, tokenizer, &of);
    if (status == STATUS_OK)
        status = run_windows(run, dir, &of);
    if (status == STATUS_OK)
        report(run, &of);
    ids_free(&of.ids);
    tokenizer_free(tokenizer);
    return status;
}
