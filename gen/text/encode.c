/* encode: the part of tokenizer.h that makes ids of text: added tokens, normals, splitting, merging. */
#include "text/tokenizer_parts.h"

#include <string.h>

typedef struct Encoder {
    Tokenizer *tokenizer;
    bool utf8; /* of the whole text */
    Ids *ids;
} Encoder;

static bool encode_pieces(const Encoder *encoder, const char *text, size_t length, bool start) {
    Tokenizer *tokenizer = encoder->tokenizer;
    Pieces *work = &tokenizer->work;
    if (length == 0)
        return true;
    buf_clear(&work->text);
    buf_append(&work->text, text, length);
    if (!split_text(tokenizer->splits, tokenizer->split_count, start, encoder->utf8, work,
                    &tokenizer->spare))
        return false;
    for (int64_t i = 0; i < work->count; i++)
        merger_piece(&tokenizer->merger, work->text.data + work->spans[i].begin,
                     work->spans[i].end - work->spans[i].begin, encoder->ids);
    return true;
}

typedef bool (*EncodePart)(const Encoder *encoder, const char *text, size_t length, bool start);

/* Added tokens of a tree become their ids, what stands between goes on. */
static bool encode_around(const Encoder *encoder, const AddedTree *tree, const char *text,
                          size_t length, bool start, EncodePart part) {
    const Tokenizer *tokenizer = encoder->tokenizer;
    size_t taken = 0, from = 0;
    AddedMatch match;
    while (added_tree_find(tree, &tokenizer->word, text, length, from, taken, &match, &from)) {
        if (!part(encoder, text + taken, match.begin - taken, start && taken == 0))
            return false;
        ids_push(encoder->ids, tokenizer->added[match.token].id);
        taken = match.end;
    }
    return part(encoder, text + taken, length - taken, start && taken == 0);
}

static bool encode_normal(const Encoder *encoder, const char *text, size_t length, bool start) {
    Tokenizer *tokenizer = encoder->tokenizer;
    if (length == 0)
        return true;
    if (!normalize_text(tokenizer->normals, tokenizer->normal_count, text, length, encoder->utf8,
                        &tokenizer->normal, &tokenizer->other))
        return false;
    return encode_around(encoder, &tokenizer->normalized, tokenizer->normal.data,
                         tokenizer->normal.length, start, encode_pieces);
}

Status tokenizer_encode(Tokenizer *tokenizer, const char *text, size_t length, bool special,
                        Ids *ids, Diag *diag) {
    Encoder encoder = {tokenizer, utf8_valid(text, length) == length, ids};
    for (int64_t i = 0; special && i < tokenizer->before.count; i++)
        ids_push(ids, tokenizer->before.items[i]);
    if (!encode_around(&encoder, &tokenizer->raw, text, length, true, encode_normal)) {
        DiagSource *source = ARENA_NEW(diag->arena, DiagSource);
        source->name = arena_strdup(diag->arena, tokenizer->name);
        return diag_error(diag, (DiagPlace){.source = source}, "E0625",
                          "a pattern within a pattern that may repeat takes that long",
                          "an expression takes too long, or too much memory, on this text");
    }
    for (int64_t i = 0; special && i < tokenizer->after.count; i++)
        ids_push(ids, tokenizer->after.items[i]);
    return STATUS_OK;
}

/* --- what it is ------------------------------------------------------------------------------- */

int64_t tokenizer_size(const Tokenizer *tokenizer) {
    return tokenizer->vocabulary.size;
}

const char *tokenizer_name(const Tokenizer *tokenizer) {
    return tokenizer->name;
}

int32_t tokenizer_id(const Tokenizer *tokenizer, const char *text) {
    for (int64_t i = 0; i < tokenizer->added_count; i++)
        if (strcmp(tokenizer->added[i].content, text) == 0)
            return tokenizer->added[i].id;
    for (int64_t i = 0; i < tokenizer->vocabulary.size; i++) {
        const Entry *entry = &tokenizer->vocabulary.entries[i];
        if (entry->present && strcmp(entry->text, text) == 0)
            return (int32_t)i;
    }
    return -1;
}

bool tokenizer_is_special(const Tokenizer *tokenizer, int32_t id) {
    return id >= 0 && id < tokenizer->vocabulary.size && tokenizer->special[id];
}

int32_t tokenizer_end(const Tokenizer *tokenizer) {
    return tokenizer->end;
}

void tokenizer_free(Tokenizer *tokenizer) {
    if (!tokenizer)
        return;
    for (int64_t i = 0; i < tokenizer->normal_count; i++)
        pattern_free(&tokenizer->normals[i].pattern);
    for (int64_t i = 0; i < tokenizer->split_count; i++)
        pattern_free(&tokenizer->splits[i].pattern);
    for (int64_t i = 0; i < tokenizer->undo_count; i++)
        pattern_free(&tokenizer->undos[i].pattern);
    pattern_free(&tokenizer->word);
    merger_free(&tokenizer->merger);
    ids_free(&tokenizer->before);
    ids_free(&tokenizer->after);
    pieces_free(&tokenizer->work);
    pieces_free(&tokenizer->spare);
    buf_free(&tokenizer->normal);
    buf_free(&tokenizer->other);
}
