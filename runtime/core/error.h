/* error: one failure of a process before or after its ranks run: a status and one line of text, kept by
 * the caller. What fails inside a rank goes through rt_fail, which tells the other ranks. */
#pragma once

#include "rt.h"

enum { RT_MESSAGE = 640 };

typedef struct rt_error {
    rt_status status;
    char text[RT_MESSAGE];
} rt_error;

/* What would steer a terminal becomes '?': texts name files and digests of others. */
void rt_error_plain(char *text);

/* Record a failure, unless one is recorded already, and return the status. */
rt_status rt_error_set(rt_error *error, rt_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
