/* read_pieces: the sections of a tokenizer file that change and split a text: normalizer and pre_tokenizer. Sequences are
 * flattened. */
#include "text/read.h"

#include <string.h>

enum { STEPS_MOST = 64, SEQUENCE_DEPTH = 8 };

/* GPT-2's: contractions, words, numbers, signs, spaces. */
static const char DEFAULT_SPLIT[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

Status read_unknown_type(const Jsonp *part, const char *what, const char *type, const char *known) {
    Jsonp place = jsonp_member(part, "type");
    return jsonp_error(&place, "E0623",
                       arena_printf(part->file->diag->arena, "gen knows: %s", known),
                       "the %s \"%s\" is not supported", what, type);
}

Status read_copy(TokenizerReader *reader, const Jsonp *object, const char *key,
                 const char *fallback, const char **text, size_t *length) {
    TRY(jsonp_text(object, key, fallback, text));
    *text = arena_strdup(reader->arena, *text);
    *length = strlen(*text);
    return STATUS_OK;
}

static Status compile(TokenizerReader *reader, const Jsonp *place, const char *expression,
                      Pattern *pattern) {
    PatternError error;
    if (pattern_compile(pattern, reader->arena, expression, &error))
        return STATUS_OK;
    return jsonp_error(place, "E0625", "docs/tokenizers.md tells which expressions gen takes",
                       "the expression is refused at character %zu: %s", error.at + 1, error.text);
}

Status read_pattern(TokenizerReader *reader, const Jsonp *object, const char *key,
                    Pattern *pattern) {
    Jsonp field;
    TRY(jsonp_object(object, key, &field));
    TRY(jsonp_keys(&field, "a pattern", "String Regex"));
    Jsonp expression = jsonp_member(&field, "Regex");
    const char *text;
    size_t length;
    if (jsonp_there(&expression)) {
        TRY(jsonp_text(&field, "Regex", NULL, &text));
        return compile(reader, &expression, text, pattern);
    }
    TRY(read_copy(reader, &field, "String", NULL, &text, &length));
    pattern_literal(pattern, text, length);
    return STATUS_OK;
}

/* --- parts, flattened ------------------------------------------------------------------------- */

typedef Status (*ReadPart)(TokenizerReader *reader, const Jsonp *part, const char *type);

/* A part, or a sequence of them under `key`. */
static Status read_parts(TokenizerReader *reader, const Jsonp *part, const char *key, int depth,
                         ReadPart read) {
    const char *type;
    if (!json_is_object(part->value))
        return jsonp_error(part, "E0622", NULL, "this must be an object with a \"type\"");
    TRY(jsonp_text(part, "type", NULL, &type));
    if (strcmp(type, "Sequence") != 0)
        return read(reader, part, type);
    char keys[40];
    snprintf(keys, sizeof keys, "type %s", key);
    TRY(jsonp_keys(part, "the sequence", keys));
    if (depth == SEQUENCE_DEPTH)
        return jsonp_error(part, "E0623", NULL, "sequences lie within each other too deep");
    Jsonp list;
    TRY(jsonp_array(part, key, &list));
    for (size_t i = 0; i < json_array_size(list.value); i++) {
        Jsonp item = jsonp_item(&list, (int64_t)i);
        TRY(read_parts(reader, &item, key, depth + 1, read));
    }
    return STATUS_OK;
}

static Status too_many(const Jsonp *part) {
    return jsonp_error(part, "E0623", NULL, "there are more than %d parts", STEPS_MOST);
}

/* --- normalizer ------------------------------------------------------------------------------- */

static Status read_normal(TokenizerReader *reader, const Jsonp *part, const char *type) {
    Tokenizer *tokenizer = reader->tokenizer;
    if (tokenizer->normal_count == STEPS_MOST)
        return too_many(part);
    Normal *normal = &tokenizer->normals[tokenizer->normal_count++];
    if (strcmp(type, "NFC") == 0) {
        normal->kind = NORMAL_NFC;
        return jsonp_keys(part, "NFC", "type");
    }
    if (strcmp(type, "Prepend") == 0) {
        normal->kind = NORMAL_PREPEND;
        TRY(jsonp_keys(part, "Prepend", "type prepend"));
        return read_copy(reader, part, "prepend", NULL, &normal->content, &normal->content_length);
    }
    if (strcmp(type, "Replace") != 0)
        return read_unknown_type(part, "normalizer", type, "NFC, Prepend, Replace, Sequence");
    normal->kind = NORMAL_REPLACE;
    TRY(jsonp_keys(part, "Replace", "type pattern content"));
    TRY(read_pattern(reader, part, "pattern", &normal->pattern));
    return read_copy(reader, part, "content", NULL, &normal->content, &normal->content_length);
}

Status read_normalizer(TokenizerReader *reader, const Jsonp *root) {
    Jsonp part = jsonp_member(root, "normalizer");
    reader->tokenizer->normals = ARENA_ARRAY(reader->arena, STEPS_MOST, Normal);
    return jsonp_there(&part) ? read_parts(reader, &part, "normalizers", 0, read_normal)
                              : STATUS_OK;
}

/* --- pre_tokenizer ---------------------------------------------------------------------------- */

static SplitStep *add_step(TokenizerReader *reader, SplitKind kind) {
    SplitStep *step = &reader->tokenizer->splits[reader->tokenizer->split_count++];
    *step = (SplitStep){.kind = kind, .behavior = BEHAVIOR_ISOLATED};
    return step;
}

static Status read_split(TokenizerReader *reader, const Jsonp *part) {
    static const char *const names[] = {"Removed", "Isolated", "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous"};
    const char *behavior;
    SplitStep *step = add_step(reader, SPLIT_PATTERN);
    TRY(jsonp_keys(part, "Split", "type pattern behavior invert"));
    TRY(read_pattern(reader, part, "pattern", &step->pattern));
    TRY(jsonp_bool(part, "invert", false, &step->invert));
    TRY(jsonp_text(part, "behavior", NULL, &behavior));
    for (int i = 0; i < 5; i++)
        if (strcmp(behavior, names[i]) == 0) {
            step->behavior = (SplitBehavior)i;
            return STATUS_OK;
        }
    Jsonp place = jsonp_member(part, "behavior");
    return jsonp_error(
        &place, "E0623",
        "gen knows: Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous",
        "the behavior \"%s\" is not supported", behavior);
}

static Status read_byte_level(TokenizerReader *reader, const Jsonp *part) {
    bool prefix, regex;
    TRY(jsonp_keys(part, "ByteLevel", "type add_prefix_space trim_offsets use_regex"));
    TRY(jsonp_bool(part, "add_prefix_space", true, &prefix));
    TRY(jsonp_bool(part, "use_regex", true, &regex));
    if (prefix)
        add_step(reader, SPLIT_PREFIX_SPACE);
    reader->letters = true;
    return regex ? compile(reader, part, DEFAULT_SPLIT, &add_step(reader, SPLIT_PATTERN)->pattern)
                 : STATUS_OK;
}

static Status read_digits(TokenizerReader *reader, const Jsonp *part) {
    bool individual;
    TRY(jsonp_keys(part, "Digits", "type individual_digits"));
    TRY(jsonp_bool(part, "individual_digits", false, &individual));
    return compile(reader, part, individual ? "\\p{N}" : "\\p{N}+",
                   &add_step(reader, SPLIT_PATTERN)->pattern);
}

static Status read_metaspace(TokenizerReader *reader, const Jsonp *part) {
    const char *scheme;
    bool prefix;
    SplitStep *step = add_step(reader, SPLIT_METASPACE);
    TRY(jsonp_keys(part, "Metaspace",
                   "type replacement prepend_scheme split add_prefix_space str_rep"));
    TRY(read_copy(reader, part, "replacement", NULL, &step->mark, &step->mark_length));
    TRY(jsonp_bool(part, "add_prefix_space", true, &prefix));
    TRY(jsonp_bool(part, "split", true, &step->split));
    TRY(jsonp_text(part, "prepend_scheme", prefix ? "always" : "never", &scheme));
    Jsonp mark = jsonp_member(part, "replacement");
    if (step->mark_length == 0)
        return jsonp_error(&mark, "E0622", NULL, "\"replacement\" must be a character");
    if (strcmp(scheme, "always") == 0)
        step->first = FIRST_ALWAYS;
    else if (strcmp(scheme, "first") == 0)
        step->first = FIRST_ONLY;
    else if (strcmp(scheme, "never") != 0) {
        Jsonp place = jsonp_member(part, "prepend_scheme");
        return jsonp_error(&place, "E0623", "gen knows: always, first, never",
                           "the prepend_scheme \"%s\" is not supported", scheme);
    }
    return STATUS_OK;
}

static Status read_step(TokenizerReader *reader, const Jsonp *part, const char *type) {
    if (reader->tokenizer->split_count + 2 > STEPS_MOST)
        return too_many(part);
    if (reader->letters)
        return jsonp_error(part, "E0623", "write ByteLevel last",
                           "nothing can split a text after ByteLevel");
    if (strcmp(type, "Split") == 0)
        return read_split(reader, part);
    if (strcmp(type, "ByteLevel") == 0)
        return read_byte_level(reader, part);
    if (strcmp(type, "Digits") == 0)
        return read_digits(reader, part);
    if (strcmp(type, "Metaspace") == 0)
        return read_metaspace(reader, part);
    return read_unknown_type(part, "pre_tokenizer", type,
                             "Split, ByteLevel, Digits, Metaspace, Sequence");
}

Status read_splitter(TokenizerReader *reader, const Jsonp *root) {
    Jsonp part = jsonp_member(root, "pre_tokenizer");
    reader->tokenizer->splits = ARENA_ARRAY(reader->arena, STEPS_MOST, SplitStep);
    return jsonp_there(&part) ? read_parts(reader, &part, "pretokenizers", 0, read_step)
                              : STATUS_OK;
}

Status read_default_splitter(TokenizerReader *reader) {
    PatternError error;
    reader->tokenizer->splits = ARENA_ARRAY(reader->arena, 1, SplitStep);
    reader->letters = true;
    if (!pattern_compile(&add_step(reader, SPLIT_PATTERN)->pattern, reader->arena, DEFAULT_SPLIT,
                         &error))
        return STATUS_SOFTWARE;
    return STATUS_OK;
}
