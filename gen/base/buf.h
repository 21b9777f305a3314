/* Buf: a growing byte string for text that is built piece by piece. It owns its memory (malloc);
 * `data` is always NUL-terminated once anything was added. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

typedef struct Buf {
    char *data;
    size_t length, capacity;
} Buf;

void buf_append(Buf *buf, const char *data, size_t length);
void buf_puts(Buf *buf, const char *text);
void buf_putc(Buf *buf, char c);
void buf_printf(Buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(Buf *buf, const char *format, va_list args);
void buf_clear(Buf *buf);
void buf_free(Buf *buf);
