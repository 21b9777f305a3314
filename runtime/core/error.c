/* error: see error.h. Owns no memory. */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>

void rt_error_plain(char *text) {
    for (; *text; ++text)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

rt_status rt_error_set(rt_error *error, rt_status status, const char *format, ...) {
    if (error->status != RT_OK)
        return error->status;
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    rt_error_plain(error->text);
    error->status = status;
    return status;
}
