/* file: a file that appears under its name when it is whole, and not at all before, whatever ends this process.
 * It is written without a name where the file system can do that, else beside its place. Pipes and devices
 * are written in place. */
#pragma once

#include "core/error.h"

#include <stdio.h>

typedef struct rt_file {
    FILE *stream;
    const char *path; /* the caller's */
    enum { RT_FILE_NAMELESS, RT_FILE_BESIDE, RT_FILE_IN_PLACE } way;
} rt_file;

/* Begin a file; what has that name stays until the end. */
rt_status rt_file_create(rt_file *file, const char *path, rt_error *error);

/* End it: give it its name if `good` and all was written, else leave nothing. */
rt_status rt_file_finish(rt_file *file, bool good, rt_error *error);
