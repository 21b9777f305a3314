/* generate_report: see generate_report.h. */
#include "run/generate_report.h"

#include "base/jsonr.h"
#include "base/jsonw.h"

static void write_text(Jsonw *json, const TextOut *out, int64_t prompt_tokens) {
    Buf readable = {0};
    text_readable(out->text.data ? out->text.data : "", out->text.length, false, &readable);
    jsonw_object(json, false);
    jsonw_key_string(json, "end", text_end_names[out->end]);
    jsonw_key_int(json, "prompt_tokens", prompt_tokens);
    jsonw_key_string(json, "text", readable.data ? readable.data : "");
    jsonw_key(json, "tokens");
    jsonw_array(json, true);
    for (int64_t i = 0; i < out->ids.count; i++)
        jsonw_int(json, out->ids.items[i]);
    jsonw_end(json);
    jsonw_end(json);
    buf_free(&readable);
}

static void key_real(Jsonw *json, const char *key, double value) {
    jsonw_key(json, key);
    jsonw_real(json, value);
}

static double number(const json_t *root, const char *key) {
    return json_number_value(json_object_get(root, key));
}

static void write_json(const Generation *generation, const json_t *program) {
    const json_t *between = json_object_get(program, "inter_token_s");
    Buf out = {0};
    Jsonw json;
    jsonw_begin(&json, &out);
    jsonw_object(&json, false);
    key_real(&json, "decode_s", number(program, "decode_s"));
    jsonw_key(&json, "inter_token_s");
    jsonw_object(&json, true);
    key_real(&json, "median", number(between, "median"));
    key_real(&json, "min", number(between, "min"));
    key_real(&json, "p95", number(between, "p95"));
    key_real(&json, "p99", number(between, "p99"));
    jsonw_end(&json);
    key_real(&json, "prefill_s", number(program, "prefill_s"));
    jsonw_key(&json, "texts");
    jsonw_array(&json, false);
    for (int64_t i = 0; i < generation->tokens.sequences; i++)
        write_text(&json, &generation->outs[i], generation->tokens.lengths[i]);
    jsonw_end(&json);
    key_real(&json, "time_to_first_token_s", number(program, "time_to_first_token_s"));
    key_real(&json, "tokens_per_s", number(program, "tokens_per_s"));
    jsonw_end(&json);
    jsonw_finish(&json);
    fputs(out.data, stdout);
    buf_free(&out);
}

Status generate_report(Run *run, const Generation *generation, const Buf *output) {
    json_error_t error;
    json_t *program = jsonr_parse(output->data ? output->data : "", output->length, &error);
    if (!json_is_object(json_object_get(program, "inter_token_s"))) {
        json_decref(program);
        return diag_error(&run->diag, diag_nowhere(), "E0801",
                          "emit and build the program with this gen: gen emit, gen build",
                          "what the program tells of its run is of another version");
    }
    if (generation->json)
        write_json(generation, program);
    run_say(run, "first token after %s, then %s a token (95 of 100 within %s); %.1f tokens/s",
            run_seconds(run, number(program, "time_to_first_token_s")),
            run_seconds(run, number(json_object_get(program, "inter_token_s"), "median")),
            run_seconds(run, number(json_object_get(program, "inter_token_s"), "p95")),
            number(program, "tokens_per_s"));
    json_decref(program);
    return STATUS_OK;
}
