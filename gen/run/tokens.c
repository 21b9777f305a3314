/* tokens: see tokens.h. jansson reads; it keeps no positions of values, so a mistake's place is
 * found by a second look at the text, which is known to be JSON by then. */
#include "run/tokens.h"

#include "base/fs.h"
#include "base/jsonr.h"
#include "run/arrays.h"

#include <string.h>

enum { TOKENS_NEW = 16, TOKENS_MADE_NEW = 8, PROMPT_MIN = 1 };
enum { TOKENS_IDS = 1 << 26 }; /* of all prompts, each as long as the longest */

typedef struct Reader {
    Arena *arena;
    DiagSource *source;
    const TokensBounds *bounds;
    Diag *diag;
} Reader;

/* --- places ----------------------------------------------------------------------------------- */

static const char *skip_string(const char *at) {
    for (at++; *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at + 1;
}

/* Start of the item-th value of the array that begins at `at`. */
static const char *array_item(const char *at, int64_t item) {
    int depth = 0;
    for (at++; depth > 0 || item > 0;) {
        if (*at == '"') {
            at = skip_string(at);
            continue;
        }
        depth += (*at == '[' || *at == '{') - (*at == ']' || *at == '}');
        item -= depth == 0 && *at == ',';
        at++;
    }
    return at + strspn(at, " \t\r\n");
}

/* Place of sequence `sequence`, or of its token `token` (-1: the sequence itself; both -1: the
 * file's value). */
static DiagPlace place_of(const Reader *reader, int64_t sequence, int64_t token) {
    const char *text = reader->source->text, *at = text + strspn(text, " \t\r\n");
    if (sequence >= 0)
        at = array_item(at, sequence);
    if (token >= 0)
        at = array_item(at, token);
    DiagPlace place = {.source = reader->source, .line = 1, .column = 1};
    for (const char *c = text; c < at; c++) {
        place.line += *c == '\n';
        place.column = *c == '\n' ? 1 : place.column + 1;
    }
    int64_t width = *at == '"' ? skip_string(at) - at : (int64_t)strcspn(at, ",[]{} \t\r\n");
    place.width = width ? width : 1;
    return place;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Places are looked for only where there is a mistake: each look reads the text. */
static Status check_sequence(const Reader *reader, const json_t *ids, int64_t sequence) {
    int64_t length = (int64_t)json_array_size(ids);
    if (!json_is_array(ids))
        return diag_error(reader->diag, place_of(reader, sequence, -1), "E0811",
                          "write an array of arrays of ids: [[5, 17], [8]]",
                          "sequence %lld is not an array of token ids", (long long)sequence);
    if (length < PROMPT_MIN)
        return diag_error(reader->diag, place_of(reader, sequence, -1), "E0813",
                          "give it a token, or leave it out", "sequence %lld is empty",
                          (long long)sequence);
    if (length > reader->bounds->prompt)
        return diag_error(reader->diag, place_of(reader, sequence, -1), "E0813",
                          "shorten it, or make the program with a larger --prefill",
                          "sequence %lld has %lld tokens, the program takes prompts of up to %lld",
                          (long long)sequence, (long long)length,
                          (long long)reader->bounds->prompt);
    return STATUS_OK;
}

static Status read_ids(const Reader *reader, const json_t *ids, int64_t sequence, int32_t *out) {
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const json_t *id = json_array_get(ids, i);
        if (!json_is_integer(id))
            return diag_error(reader->diag, place_of(reader, sequence, (int64_t)i), "E0811",
                              "ids are whole numbers", "this is not a token id");
        if (json_integer_value(id) < 0 || json_integer_value(id) >= reader->bounds->vocabulary)
            return diag_error(reader->diag, place_of(reader, sequence, (int64_t)i), "E0812",
                              "use the tokenizer of this model",
                              "token id %lld is outside the vocabulary of %lld",
                              (long long)json_integer_value(id),
                              (long long)reader->bounds->vocabulary);
        out[i] = (int32_t)json_integer_value(id);
    }
    return STATUS_OK;
}

static Status read_sequences(const Reader *reader, const json_t *root, Tokens *tokens) {
    if (!json_is_array(root) || json_array_size(root) == 0)
        return diag_error(reader->diag, place_of(reader, -1, -1), "E0811",
                          "write an array of arrays of ids: [[5, 17], [8]]",
                          "this is not an array of sequences");
    tokens->sequences = (int64_t)json_array_size(root);
    tokens->lengths = ARENA_ARRAY(reader->arena, tokens->sequences, int32_t);
    for (int64_t s = 0; s < tokens->sequences; s++) {
        const json_t *ids = json_array_get(root, (size_t)s);
        TRY(check_sequence(reader, ids, s));
        tokens->lengths[s] = (int32_t)json_array_size(ids);
        if (tokens->lengths[s] > tokens->longest)
            tokens->longest = tokens->lengths[s];
    }
    if (tokens->sequences > TOKENS_IDS / tokens->longest)
        return diag_error(reader->diag, place_of(reader, -1, -1), "E0813",
                          "run them in several files",
                          "%lld sequences of up to %lld tokens are over the limit of %d ids",
                          (long long)tokens->sequences, (long long)tokens->longest, TOKENS_IDS);
    tokens->ids = ARENA_ARRAY(reader->arena, tokens->sequences * tokens->longest, int32_t);
    for (int64_t s = 0; s < tokens->sequences; s++)
        TRY(read_ids(reader, json_array_get(root, (size_t)s), s,
                     tokens->ids + s * tokens->longest));
    return STATUS_OK;
}

/* The last new token is never fed back: it needs no place in the context. */
static int64_t new_that_fit(const TokensBounds *bounds, int64_t longest) {
    return bounds->context - longest + 1;
}

Status tokens_choose_new(Tokens *tokens, const TokensBounds *bounds, int64_t wanted, int64_t usual,
                         DiagPlace place, Diag *diag) {
    int64_t fit = new_that_fit(bounds, tokens->longest);
    tokens->max_new = wanted ? wanted : fit < usual ? fit : usual;
    if (tokens->max_new <= fit)
        return STATUS_OK;
    return diag_error(diag, place, "E0814",
                      "ask for fewer, or make the program with a larger --context",
                      "a prompt of %lld tokens leaves room for %lld new ones in a context of %lld, "
                      "%lld are asked for",
                      (long long)tokens->longest, (long long)fit, (long long)bounds->context,
                      (long long)tokens->max_new);
}

Status tokens_read(Arena *arena, const char *path, const TokensBounds *bounds, int64_t max_new,
                   Tokens *tokens, Diag *diag) {
    *tokens = (Tokens){0};
    char *text;
    size_t length;
    TRY(fs_read(arena, path, TOKENS_FILE_LIMIT, &text, &length, diag));
    DiagSource *source = ARENA_NEW(diag->arena, DiagSource);
    *source = (DiagSource){.name = arena_strdup(diag->arena, path), .text = text};
    Reader reader = {arena, source, bounds, diag};
    json_error_t error;
    json_t *root = jsonr_parse(text, length, &error);
    if (!root)
        return diag_error(diag,
                          (DiagPlace){.source = source,
                                      .line = error.line,
                                      .column = error.column > 0 ? error.column : 1,
                                      .width = 1},
                          "E0810", "write an array of arrays of ids: [[5, 17], [8]]",
                          "this is not JSON: %s", error.text);
    Status status = read_sequences(&reader, root, tokens);
    json_decref(root);
    TRY(status);
    return tokens_choose_new(tokens, bounds, max_new, TOKENS_NEW, (DiagPlace){.source = source},
                             diag);
}

Status tokens_write(const char *path, const Tokens *tokens, const Ids *stop,
                    const TokensChoice *choice, Diag *diag) {
    const int32_t max_new = (int32_t)tokens->max_new;
    const double values[] = {choice->temperature, (double)choice->top_k,
                             choice->top_p > 0 ? choice->top_p : 1};
    Array arrays[6] = {
        {"lengths", RT_I32, 1, {tokens->sequences}, tokens->lengths},
        {"ids", RT_I32, 2, {tokens->sequences, tokens->longest}, tokens->ids},
        {"max_new", RT_I32, 1, {1}, &max_new},
    };
    int64_t count = 3;
    if (stop->count)
        arrays[count++] = (Array){"stop", RT_I32, 1, {stop->count}, stop->items};
    if (choice->temperature > 0) {
        arrays[count++] = (Array){"choice", RT_F64, 1, {3}, values};
        arrays[count++] = (Array){"seed", RT_I64, 1, {1}, &choice->seed};
    }
    return arrays_write(path, NULL, arrays, count, diag);
}

/* --- made up ---------------------------------------------------------------------------------- */

void tokens_make(Arena *arena, const TokensBounds *bounds, int64_t sequences, Tokens *tokens) {
    uint64_t key = rt_random_key("tokens", 0);
    int64_t prompt = bounds->prompt, fit = new_that_fit(bounds, prompt);
    *tokens = (Tokens){.sequences = sequences,
                       .longest = prompt,
                       .lengths = ARENA_ARRAY(arena, sequences, int32_t),
                       .ids = ARENA_ARRAY(arena, sequences * prompt, int32_t),
                       .max_new = fit < TOKENS_MADE_NEW ? fit : TOKENS_MADE_NEW};
    for (int64_t s = 0; s < sequences; s++) {
        uint64_t bits = rt_random_bits(key, (uint64_t)(s * (prompt + 1)));
        tokens->lengths[s] =
            (int32_t)(s == 0 ? prompt : PROMPT_MIN + (int64_t)(bits % (uint64_t)prompt));
        for (int64_t i = 0; i < tokens->lengths[s]; i++)
            tokens->ids[s * prompt + i] =
                (int32_t)(rt_random_bits(key, (uint64_t)(s * (prompt + 1) + 1 + i)) %
                          (uint64_t)bounds->vocabulary);
    }
}
