/* command_tokens: gen tokens: a text as token ids, as --tokens takes them, and back. */
#include "base/fs.h"
#include "base/jsonw.h"
#include "run/text_input.h"
#include "run/tokens.h"
#include "text/text_out.h"

#include <string.h>

enum { TEXT_LIMIT = 1 << 30 };

/* To stdout, or to the file of -o. */
static Status put(Run *run, const Buf *out) {
    const char *path = run->options.values[OPTION_OUTPUT];
    if (!path || strcmp(path, "-") == 0) {
        fwrite(out->data ? out->data : "", 1, out->length, stdout);
        return STATUS_OK;
    }
    return fs_write(path, out->data ? out->data : "", out->length, &run->diag);
}

static Status write_sequence(Run *run, Tokenizer *tokenizer, const char *text, size_t length,
                             Jsonw *json) {
    Ids ids = {0};
    Status status = tokenizer_encode(tokenizer, text, length, true, &ids, &run->diag);
    jsonw_array(json, true);
    for (int64_t i = 0; i < ids.count; i++)
        jsonw_int(json, ids.items[i]);
    jsonw_end(json);
    ids_free(&ids);
    return status;
}

static Status encode(Run *run, Tokenizer *tokenizer) {
    char *text;
    size_t length, size;
    Buf out = {0};
    Jsonw json;
    Status status = STATUS_OK;
    bool lines = options_given(&run->options, OPTION_LINES);
    TRY(fs_read(&run->arena, run->options.operand, TEXT_LIMIT, &text, &length, &run->diag));
    if (utf8_valid(text, length) != length)
        run_say(run, "%s is no UTF-8: bytes become tokens of single bytes", run->options.operand);
    jsonw_begin(&json, &out);
    jsonw_array(&json, false);
    for (size_t at = 0; status == STATUS_OK && at < length; at += size + lines) {
        const char *end = lines ? memchr(text + at, '\n', length - at) : NULL;
        size = end ? (size_t)(end - text) - at : length - at;
        if (size)
            status = write_sequence(run, tokenizer, text + at, size, &json);
    }
    jsonw_end(&json);
    jsonw_finish(&json);
    if (status == STATUS_OK)
        status = put(run, &out);
    buf_free(&out);
    return status;
}

static Status decode(Run *run, Tokenizer *tokenizer) {
    const TokensBounds bounds = {tokenizer_size(tokenizer), INT32_MAX, INT32_MAX};
    Tokens tokens;
    Buf out = {0};
    Jsonw json;
    TRY(tokens_read(&run->arena, run->options.operand, &bounds, 1, &tokens, &run->diag));
    if (run_json(run)) {
        jsonw_begin(&json, &out);
        jsonw_array(&json, false);
    }
    for (int64_t s = 0; s < tokens.sequences; s++) {
        Buf text = {0}, readable = {0};
        tokenizer_decode(tokenizer, tokens.ids + s * tokens.longest, tokens.lengths[s], false,
                         &text);
        if (run_json(run)) {
            text_readable(text.data ? text.data : "", text.length, false, &readable);
            jsonw_string(&json, readable.data ? readable.data : "");
        } else {
            buf_append(&out, text.data ? text.data : "", text.length);
            if (tokens.sequences > 1)
                buf_putc(&out, '\n');
        }
        buf_free(&text);
        buf_free(&readable);
    }
    if (run_json(run)) {
        jsonw_end(&json);
        jsonw_finish(&json);
    }
    Status status = put(run, &out);
    buf_free(&out);
    return status;
}

Status command_tokens(Run *run) {
    Tokenizer *tokenizer;
    TRY(text_tokenizer(run, NULL, NULL, &tokenizer));
    bool back = options_given(&run->options, OPTION_DECODE);
    Status status = back ? decode(run, tokenizer) : encode(run, tokenizer);
    tokenizer_free(tokenizer);
    return status;
}
