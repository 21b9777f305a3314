/* normalize: the part of tokenizer_parts.h that changes a text before it is split. */
#include "text/compose.h"
#include "text/tokenizer_parts.h"

bool pattern_replace(const Pattern *pattern, const char *text, size_t length, bool utf8,
                     const char *content, size_t content_length, Buf *out) {
    size_t at = 0, begin, end;
    PatternFound found;
    while ((found = pattern_find(pattern, text, length, at, utf8, &begin, &end)) == PATTERN_FOUND) {
        buf_append(out, text + at, begin - at);
        buf_append(out, content, content_length);
        at = end;
    }
    buf_append(out, text + at, length - at);
    return found != PATTERN_LIMIT;
}

static bool normal_run(const Normal *normal, const char *text, size_t length, bool utf8, Buf *out) {
    switch (normal->kind) {
    case NORMAL_PREPEND:
        if (length)
            buf_append(out, normal->content, normal->content_length);
        buf_append(out, text, length);
        return true;
    case NORMAL_REPLACE:
        return pattern_replace(&normal->pattern, text, length, utf8, normal->content,
                               normal->content_length, out);
    case NORMAL_NFC:
        compose_nfc(text, length, out);
        return true;
    }
    return true;
}

bool normalize_text(const Normal *normals, int64_t count, const char *text, size_t length,
                    bool utf8, Buf *out, Buf *spare) {
    buf_clear(out);
    buf_append(out, text, length);
    for (int64_t i = 0; i < count; i++) {
        buf_clear(spare);
        if (!normal_run(&normals[i], out->data, out->length, utf8, spare))
            return false;
        Buf swapped = *out;
        *out = *spare;
        *spare = swapped;
    }
    return true;
}
