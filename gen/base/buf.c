/* Buf: see buf.h. Owns its bytes by malloc; grows by doubling. */
#include "base/buf.h"

#include "base/arena.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for `extra` more bytes and the NUL. */
static void reserve(Buf *buf, size_t extra) {
    size_t needed = buf->length + extra + 1;
    if (needed <= buf->capacity)
        return;
    size_t capacity = buf->capacity ? buf->capacity : 256;
    while (capacity < needed)
        capacity *= 2;
    char *data = realloc(buf->data, capacity);
    if (!data)
        arena_exhausted(capacity);
    buf->data = data;
    buf->capacity = capacity;
}

void buf_append(Buf *buf, const char *data, size_t length) {
    reserve(buf, length);
    if (length)
        memcpy(buf->data + buf->length, data, length);
    buf->length += length;
    buf->data[buf->length] = '\0';
}

void buf_puts(Buf *buf, const char *text) {
    buf_append(buf, text, strlen(text));
}

void buf_putc(Buf *buf, char c) {
    buf_append(buf, &c, 1);
}

void buf_vprintf(Buf *buf, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    assert(length >= 0);
    reserve(buf, (size_t)length);
    vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
    buf->length += (size_t)length;
    va_end(again);
}

void buf_printf(Buf *buf, const char *format, ...) {
    va_list args;
    va_start(args, format);
    buf_vprintf(buf, format, args);
    va_end(args);
}

void buf_clear(Buf *buf) {
    buf->length = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

void buf_free(Buf *buf) {
    free(buf->data);
    *buf = (Buf){0};
}
