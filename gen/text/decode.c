/* decode: the part of tokenizer.h that makes text of ids, token by token, so that it can be shown as it comes. */
#include "text/tokenizer_parts.h"

#include <stdlib.h>
#include <string.h>

static void swap(Buf *a, Buf *b) {
    Buf other = *a;
    *a = *b;
    *b = other;
}

static int hex(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "<0xXX>" is a byte. */
static void undo_bytes(Buf *token) {
    const char *text = token->data;
    if (token->length != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>' || hex(text[3]) < 0 ||
        hex(text[4]) < 0)
        return;
    char byte = (char)(hex(text[3]) * 16 + hex(text[4]));
    buf_clear(token);
    buf_append(token, &byte, 1);
}

static void undo_letters(Buf *token, Buf *spare) {
    char *bytes = malloc(token->length + 1);
    if (!bytes)
        arena_exhausted(token->length + 1);
    int64_t count = byte_letters_decode(token->data, token->length, bytes);
    buf_clear(spare);
    buf_append(spare, count < 0 ? token->data : bytes, count < 0 ? token->length : (size_t)count);
    free(bytes);
    swap(token, spare);
}

static bool at(const Buf *token, size_t place, const char *content, size_t length) {
    return length && token->length - place >= length &&
           memcmp(token->data + place, content, length) == 0;
}

static void undo_strip(const Undo *undo, Buf *token, Buf *spare) {
    size_t size = undo->content_length, begin = 0, end = token->length;
    for (int64_t i = 0; i < undo->start && at(token, begin, undo->content, size); i++)
        begin += size;
    for (int64_t i = 0; i < undo->stop && end >= begin + size; i++, end -= size)
        if (!at(token, end - size, undo->content, size))
            break;
    buf_clear(spare);
    buf_append(spare, token->data + begin, end - begin);
    swap(token, spare);
}

static void undo_metaspace(const Undo *undo, bool first, Buf *token, Buf *spare) {
    buf_clear(spare);
    for (size_t i = 0; i < token->length;) {
        bool mark = at(token, i, undo->content, undo->content_length);
        if (!mark)
            buf_putc(spare, token->data[i]);
        else if (!(first && undo->first))
            buf_putc(spare, ' ');
        i += mark ? undo->content_length : 1;
    }
    swap(token, spare);
}

static void undo_run(const Undo *undo, bool first, Buf *token, Buf *spare) {
    switch (undo->kind) {
    case UNDO_LETTERS:
        undo_letters(token, spare);
        break;
    case UNDO_REPLACE:
        buf_clear(spare);
        pattern_replace(&undo->pattern, token->data, token->length, false, undo->content,
                        undo->content_length, spare);
        swap(token, spare);
        break;
    case UNDO_BYTES:
        undo_bytes(token);
        break;
    case UNDO_STRIP:
        undo_strip(undo, token, spare);
        break;
    case UNDO_METASPACE:
        undo_metaspace(undo, first, token, spare);
        break;
    }
}

/* Strips of the whole text take from its front, as far as it has come. */
static size_t strip_front(const Tokenizer *tokenizer, TokenizerFlow *flow, const Buf *token) {
    size_t begin = 0;
    if (tokenizer->fused == tokenizer->undo_count)
        return 0;
    const Undo *undo = &tokenizer->undos[tokenizer->fused];
    for (; flow->stripped < undo->start && at(token, begin, undo->content, undo->content_length);
         flow->stripped++)
        begin += undo->content_length;
    if (begin < token->length)
        flow->stripped = undo->start; /* the front is over */
    return begin;
}

void tokenizer_decode_next(const Tokenizer *tokenizer, TokenizerFlow *flow, int32_t id,
                           bool special, Buf *text) {
    if (id < 0 || id >= tokenizer->vocabulary.size || (!special && tokenizer->special[id]))
        return;
    const Entry *entry = &tokenizer->vocabulary.entries[id];
    if (!entry->present)
        return;
    Buf token = {0}, spare = {0};
    if (tokenizer->spaced && flow->begun)
        buf_putc(&token, ' ');
    buf_append(&token, entry->text, entry->text_length);
    for (int64_t i = 0; i < tokenizer->fused; i++)
        undo_run(&tokenizer->undos[i], !flow->begun, &token, &spare);
    size_t begin = strip_front(tokenizer, flow, &token);
    buf_append(text, token.data ? token.data + begin : "", token.length - begin);
    flow->begun = true;
    buf_free(&token);
    buf_free(&spare);
}

void tokenizer_decode(const Tokenizer *tokenizer, const int32_t *ids, int64_t count, bool special,
                      Buf *text) {
    TokenizerFlow flow = {0};
    for (int64_t i = 0; i < count; i++)
        tokenizer_decode_next(tokenizer, &flow, ids[i], special, text);
}
