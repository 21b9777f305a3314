/* prompts: see prompts.h. */
#include "run/prompts.h"

#include "base/fs.h"
#include "base/jsonr.h"

#include <string.h>

static Status check_utf8(Run *run, const Prompt *prompt) {
    size_t valid = utf8_valid(prompt->text, prompt->length);
    if (valid == prompt->length)
        return STATUS_OK;
    DiagPlace place = prompt->place;
    if (place.line)
        for (size_t i = 0; i < valid; i++)
            place.column += (prompt->text[i] & 0xc0) != 0x80;
    return diag_error(&run->diag, place, "E0850", "write it in UTF-8: iconv changes what it is in",
                      "the text is no UTF-8: byte %zu is 0x%02x", valid + 1,
                      (unsigned)(unsigned char)prompt->text[valid]);
}

static Status add_prompt(Run *run, Prompts *prompts, Prompt prompt) {
    TRY(check_utf8(run, &prompt));
    *(Prompt *)LIST_PUSH(&run->arena, prompts) = prompt;
    return STATUS_OK;
}

/* The text of a line of JSON. */
static Status add_json(Run *run, Prompts *prompts, const Prompt *line) {
    json_error_t error;
    json_t *root = jsonr_parse_any(line->text, line->length, &error);
    const json_t *text = json_is_object(root) ? json_object_get(root, "prompt") : root;
    DiagPlace place = line->place;
    Status status;
    if (!root) {
        place.column = error.column > 0 ? error.column : 1;
        status = diag_error(&run->diag, place, "E0851",
                            "write a text, or {\"prompt\": \"...\"}, on each line",
                            "this is not JSON: %s", error.text);
    } else if (!json_is_string(text)) {
        status = diag_error(&run->diag, place, "E0851",
                            "write a text, or {\"prompt\": \"...\"}, on each line",
                            "this line holds no prompt");
    } else {
        Prompt prompt = {.length = json_string_length(text), .place = place};
        prompt.text = arena_strndup(&run->arena, json_string_value(text), prompt.length);
        status = add_prompt(run, prompts, prompt);
    }
    json_decref(root);
    return status;
}

static Status read_file(Run *run, const char *path, Prompts *prompts) {
    char *text;
    size_t length, line = 0, path_length = strlen(path);
    int64_t before = prompts->count;
    bool json = path_length > 6 && strcmp(path + path_length - 6, ".jsonl") == 0;
    TRY(fs_read(&run->arena, path, PROMPTS_FILE_LIMIT, &text, &length, &run->diag));
    DiagSource *source = ARENA_NEW(&run->arena, DiagSource);
    *source = (DiagSource){.name = path, .text = text};
    for (size_t at = 0, size; at < length; at += size + 1) {
        const char *end = memchr(text + at, '\n', length - at);
        size = end ? (size_t)(end - text) - at : length - at;
        size_t used = size && text[at + size - 1] == '\r' ? size - 1 : size;
        Prompt prompt = {text + at, used, {source, (int64_t)++line, 1, 1}};
        if (used == 0)
            continue;
        TRY(json ? add_json(run, prompts, &prompt) : add_prompt(run, prompts, prompt));
    }
    if (prompts->count > before)
        return STATUS_OK;
    return diag_error(&run->diag, (DiagPlace){.source = source}, "E0852",
                      "write a prompt on each line; of a file *.jsonl as JSON",
                      "there is no prompt in this file");
}

Status prompts_read(Run *run, Prompts *prompts) {
    const Options *options = &run->options;
    *prompts = (Prompts){0};
    for (int64_t i = 0; i < options->many_count; i++)
        if (options->many[i].id == OPTION_PROMPT)
            TRY(add_prompt(run, prompts,
                           (Prompt){.text = options->many[i].text,
                                    .length = strlen(options->many[i].text),
                                    .place = options_place(&run->diag, OPTION_PROMPT)}));
    if (options_given(options, OPTION_PROMPTS))
        TRY(read_file(run, options->values[OPTION_PROMPTS], prompts));
    return STATUS_OK;
}

/* --- tokens ----------------------------------------------------------------------------------- */

static Status check_ids(Run *run, const Prompt *prompt, const Ids *ids,
                        const TokensBounds *bounds) {
    if (ids->count == 0)
        return diag_error(&run->diag, prompt->place, "E0813", "give it a word, or leave it out",
                          "the prompt has no tokens");
    if (ids->count > bounds->prompt)
        return diag_error(&run->diag, prompt->place, "E0813",
                          "shorten it, or make the program with a larger --prefill",
                          "the prompt has %lld tokens, the program takes up to %lld",
                          (long long)ids->count, (long long)bounds->prompt);
    return STATUS_OK;
}

Status prompts_tokens(Run *run, Tokenizer *tokenizer, const Prompts *prompts,
                      const TokensBounds *bounds, int64_t max_new, int64_t usual, Tokens *tokens) {
    Ids *ids = ARENA_ARRAY(&run->arena, prompts->count + 1, Ids);
    Status status = STATUS_OK;
    *tokens = (Tokens){.sequences = prompts->count,
                       .lengths = ARENA_ARRAY(&run->arena, prompts->count, int32_t)};
    const Prompt *longest = NULL;
    for (int64_t i = 0; status == STATUS_OK && i < prompts->count; i++) {
        const Prompt *prompt = &prompts->items[i];
        status =
            tokenizer_encode(tokenizer, prompt->text, prompt->length, true, &ids[i], &run->diag);
        if (status == STATUS_OK)
            status = check_ids(run, prompt, &ids[i], bounds);
        tokens->lengths[i] = (int32_t)ids[i].count;
        if (ids[i].count > tokens->longest) {
            tokens->longest = ids[i].count;
            longest = prompt;
        }
    }
    if (status == STATUS_OK) {
        tokens->ids = ARENA_ARRAY(&run->arena, tokens->sequences * tokens->longest, int32_t);
        for (int64_t i = 0; i < prompts->count; i++)
            memcpy(tokens->ids + i * tokens->longest, ids[i].items,
                   (size_t)ids[i].count * sizeof *tokens->ids);
        status = tokens_choose_new(tokens, bounds, max_new, usual, longest->place, &run->diag);
    }
    for (int64_t i = 0; i < prompts->count; i++)
        ids_free(&ids[i]);
    return status;
}
