/* secret: what the processes of a run have in common and others have not, from a file that only its owner may read. */
#pragma once

#include "core/error.h"

enum { RT_SECRET_LEAST = 16, RT_SECRET_MOST = 4096 };

typedef struct rt_secret {
    size_t size; /* 0: none was given */
    unsigned char data[RT_SECRET_MOST];
} rt_secret;

/* The file of --secret-file, or else of RT_SECRET_FILE; without either *secret is empty. Blanks and line ends at the end
 * are no part of it. */
rt_status rt_secret_read(rt_secret *secret, const char *path, rt_error *error);
