/* text_out: see text_out.h. */
#include "text/text_out.h"

#include "base/text.h"

#include <string.h>

const char *const text_end_names[] = {"none", "end", "stop", "length"};

/* Where the first stop string in text[from, length) begins; `length`: there is none. */
static size_t find_stop(const Buf *text, const TextStops *stops, size_t from) {
    size_t first = text->length;
    for (int64_t i = 0; i < stops->count; i++) {
        const char *at = memmem(text->data + from, text->length - from, stops->texts[i],
                                strlen(stops->texts[i]));
        if (at && (size_t)(at - text->data) < first)
            first = (size_t)(at - text->data);
    }
    return first;
}

void text_out_add(TextOut *out, const Tokenizer *tokenizer, const TextStops *stops, int32_t id,
                  TextEnd end) {
    size_t before = out->text.length;
    if (out->end != TEXT_GOES_ON)
        return;
    ids_push(&out->ids, id);
    out->end = end;
    if (end == TEXT_END_TOKEN)
        return;
    tokenizer_decode_next(tokenizer, &out->flow, id, false, &out->text);
    if (!out->text.length || !stops->count)
        return;
    size_t from = before < stops->longest ? 0 : before - stops->longest;
    size_t stop = find_stop(&out->text, stops, from);
    if (stop < out->text.length) {
        out->text.length = stop;
        out->text.data[stop] = '\0';
        out->end = TEXT_STOP_STRING;
    }
}

/* Bytes at the end of a text that more may make a stop string of. */
static size_t begun_stop(const Buf *text, const TextStops *stops) {
    size_t most = stops->longest ? stops->longest - 1 : 0;
    for (size_t size = text->length < most ? text->length : most; size > 0; size--)
        for (int64_t i = 0; i < stops->count; i++)
            if (strlen(stops->texts[i]) > size &&
                memcmp(text->data + text->length - size, stops->texts[i], size) == 0)
                return size;
    return 0;
}

/* Bytes at the end of a text that begin a character of UTF-8. */
static size_t begun_character(const char *text, size_t length) {
    for (size_t size = 1; size <= 3 && size <= length; size++) {
        unsigned char c = (unsigned char)text[length - size];
        size_t whole = c >= 0xf0 && c <= 0xf4 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1;
        if (c >= 0xc0)
            return c <= 0xf4 && whole > size ? size : 0;
        if (c < 0x80)
            return 0;
    }
    return 0;
}

size_t text_out_ready(const TextOut *out, const TextStops *stops) {
    size_t length = out->text.length;
    if (out->end != TEXT_GOES_ON || length == 0)
        return length;
    length -= begun_stop(&out->text, stops);
    length -= begun_character(out->text.data, length);
    return length > out->shown ? length : out->shown;
}

void text_out_free(TextOut *out) {
    buf_free(&out->text);
    ids_free(&out->ids);
}

void text_readable(const char *text, size_t length, bool tame, Buf *out) {
    for (size_t at = 0, size; at < length; at += size) {
        uint32_t point = 0, steering;
        size = utf8_read(text + at, length - at, &point);
        bool bad = size == 0 || point == 0;
        size = size ? size : 1;
        bad |= tame && point != '\n' && point != '\t' &&
               text_steering(text + at, length - at, &steering) > 0;
        buf_append(out, bad ? "\xef\xbf\xbd" : text + at, bad ? 3 : size);
    }
}
