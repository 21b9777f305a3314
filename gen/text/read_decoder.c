/* read_decoder: the sections of a tokenizer file that follow the ids: post_processor, of which what is put around a text
 * counts, and decoder. Sequences are flattened. */
#include "text/read.h"

#include <string.h>

enum { UNDOS_MOST = 64, AROUND_MOST = 16 };

/* --- post_processor --------------------------------------------------------------------------- */

static Status push_special(TokenizerReader *reader, const Jsonp *specials, const Jsonp *item,
                           Ids *ids) {
    const char *name;
    Jsonp token, special, list;
    TRY(jsonp_object(item, "SpecialToken", &token));
    TRY(jsonp_text(&token, "id", NULL, &name));
    TRY(jsonp_object(specials, name, &special));
    TRY(jsonp_array(&special, "ids", &list));
    for (size_t i = 0; i < json_array_size(list.value); i++) {
        Jsonp id = jsonp_item(&list, (int64_t)i);
        json_int_t value = json_integer_value(id.value);
        if (!json_is_integer(id.value) || value < 0 || value >= reader->tokenizer->vocabulary.size)
            return jsonp_error(&id, "E0624", NULL, "this is no id of an entry");
        if (ids->count == AROUND_MOST)
            return jsonp_error(&id, "E0623", NULL, "there are more than %d special tokens",
                               AROUND_MOST);
        ids_push(ids, (int32_t)value);
    }
    return STATUS_OK;
}

static Status read_template(TokenizerReader *reader, const Jsonp *part) {
    Jsonp list, specials;
    bool after = false;
    TRY(jsonp_keys(part, "TemplateProcessing", "type single pair special_tokens"));
    TRY(jsonp_array(part, "single", &list));
    TRY(jsonp_object(part, "special_tokens", &specials));
    for (size_t i = 0; i < json_array_size(list.value); i++) {
        Jsonp item = jsonp_item(&list, (int64_t)i);
        TRY(jsonp_keys(&item, "an item of a template", "SpecialToken Sequence"));
        Jsonp sequence = jsonp_member(&item, "Sequence");
        if (jsonp_there(&sequence) && after)
            return jsonp_error(&item, "E0623", NULL, "the text stands in the template twice");
        if (jsonp_there(&sequence)) {
            after = true;
            continue;
        }
        TRY(push_special(reader, &specials, &item,
                         after ? &reader->tokenizer->after : &reader->tokenizer->before));
    }
    return STATUS_OK;
}

static Status read_processor(TokenizerReader *reader, const Jsonp *part, bool within) {
    const char *type;
    Jsonp list;
    if (!json_is_object(part->value))
        return jsonp_error(part, "E0622", NULL, "this must be an object with a \"type\"");
    TRY(jsonp_text(part, "type", NULL, &type));
    if (strcmp(type, "ByteLevel") == 0) /* changes offsets only */
        return STATUS_OK;
    if (strcmp(type, "TemplateProcessing") == 0)
        return read_template(reader, part);
    if (strcmp(type, "Sequence") != 0 || within)
        return read_unknown_type(part, "post_processor", type,
                                 "ByteLevel, TemplateProcessing, Sequence of these");
    TRY(jsonp_keys(part, "the sequence", "type processors"));
    TRY(jsonp_array(part, "processors", &list));
    for (size_t i = 0; i < json_array_size(list.value); i++) {
        Jsonp item = jsonp_item(&list, (int64_t)i);
        TRY(read_processor(reader, &item, true));
    }
    return STATUS_OK;
}

Status read_around(TokenizerReader *reader, const Jsonp *root) {
    Jsonp part = jsonp_member(root, "post_processor");
    return jsonp_there(&part) ? read_processor(reader, &part, false) : STATUS_OK;
}

/* --- decoder ---------------------------------------------------------------------------------- */

/* From Fuse on, parts see the text and not its tokens: what strips its front can still go token by token. */
static Status after_fuse(TokenizerReader *reader, const Jsonp *part, const char *type) {
    const Tokenizer *tokenizer = reader->tokenizer;
    const Undo *undo = &tokenizer->undos[tokenizer->undo_count - 1];
    if (tokenizer->fused < 0)
        return STATUS_OK;
    if (undo->kind != UNDO_STRIP || undo->stop != 0 || tokenizer->undo_count - 1 > tokenizer->fused)
        return jsonp_error(part, "E0623", "gen knows one Strip of the front there",
                           "the decoder \"%s\" is not supported after Fuse", type);
    return STATUS_OK;
}

static Status read_undo(TokenizerReader *reader, const Jsonp *part, const char *type) {
    Tokenizer *tokenizer = reader->tokenizer;
    if (strcmp(type, "Fuse") == 0) {
        if (tokenizer->fused < 0)
            tokenizer->fused = tokenizer->undo_count;
        return jsonp_keys(part, "Fuse", "type");
    }
    if (tokenizer->undo_count == UNDOS_MOST)
        return jsonp_error(part, "E0623", NULL, "there are more than %d parts", UNDOS_MOST);
    Undo *undo = &tokenizer->undos[tokenizer->undo_count++];
    if (strcmp(type, "ByteLevel") == 0) {
        undo->kind = UNDO_LETTERS;
        TRY(jsonp_keys(part, "ByteLevel", "type add_prefix_space trim_offsets use_regex"));
    } else if (strcmp(type, "ByteFallback") == 0) {
        undo->kind = UNDO_BYTES;
        TRY(jsonp_keys(part, "ByteFallback", "type"));
    } else if (strcmp(type, "Replace") == 0) {
        undo->kind = UNDO_REPLACE;
        TRY(jsonp_keys(part, "Replace", "type pattern content"));
        TRY(read_pattern(reader, part, "pattern", &undo->pattern));
        TRY(read_copy(reader, part, "content", NULL, &undo->content, &undo->content_length));
    } else if (strcmp(type, "Strip") == 0) {
        undo->kind = UNDO_STRIP;
        TRY(jsonp_keys(part, "Strip", "type content start stop"));
        TRY(read_copy(reader, part, "content", NULL, &undo->content, &undo->content_length));
        TRY(jsonp_int(part, "start", 0, 1 << 20, 0, &undo->start));
        TRY(jsonp_int(part, "stop", 0, 1 << 20, 0, &undo->stop));
    } else if (strcmp(type, "Metaspace") == 0) {
        const char *scheme;
        bool prefix;
        undo->kind = UNDO_METASPACE;
        TRY(jsonp_keys(part, "Metaspace",
                       "type replacement prepend_scheme split add_prefix_space str_rep"));
        TRY(read_copy(reader, part, "replacement", NULL, &undo->content, &undo->content_length));
        TRY(jsonp_bool(part, "add_prefix_space", true, &prefix));
        TRY(jsonp_text(part, "prepend_scheme", prefix ? "always" : "never", &scheme));
        undo->first = strcmp(scheme, "never") != 0;
    } else {
        return read_unknown_type(
            part, "decoder", type,
            "ByteLevel, ByteFallback, Replace, Strip, Metaspace, Fuse, Sequence");
    }
    return after_fuse(reader, part, type);
}

static Status read_decoders(TokenizerReader *reader, const Jsonp *part, bool within) {
    const char *type;
    Jsonp list;
    if (!json_is_object(part->value))
        return jsonp_error(part, "E0622", NULL, "this must be an object with a \"type\"");
    TRY(jsonp_text(part, "type", NULL, &type));
    if (strcmp(type, "Sequence") != 0)
        return read_undo(reader, part, type);
    if (within)
        return jsonp_error(part, "E0623", NULL, "a sequence of decoders lies within another");
    TRY(jsonp_keys(part, "the sequence", "type decoders"));
    TRY(jsonp_array(part, "decoders", &list));
    for (size_t i = 0; i < json_array_size(list.value); i++) {
        Jsonp item = jsonp_item(&list, (int64_t)i);
        TRY(read_decoders(reader, &item, true));
    }
    return STATUS_OK;
}

Status read_decoder(TokenizerReader *reader, const Jsonp *root) {
    Tokenizer *tokenizer = reader->tokenizer;
    Jsonp part = jsonp_member(root, "decoder");
    tokenizer->undos = ARENA_ARRAY(reader->arena, UNDOS_MOST, Undo);
    tokenizer->fused = -1;
    tokenizer->spaced = !jsonp_there(&part);
    Status status = jsonp_there(&part) ? read_decoders(reader, &part, false) : STATUS_OK;
    if (tokenizer->fused < 0)
        tokenizer->fused = tokenizer->undo_count;
    return status;
}

void read_default_decoder(TokenizerReader *reader) {
    Tokenizer *tokenizer = reader->tokenizer;
    tokenizer->undos = ARENA_ARRAY(reader->arena, 1, Undo);
    tokenizer->undos[0].kind = UNDO_LETTERS;
    tokenizer->undo_count = tokenizer->fused = 1;
}
