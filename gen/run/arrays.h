/* arrays: the array files that cross between gen and programs (rt_format.h): token ids and
 * expectations out, results in. Files read lie in the caller's arena whole; arrays point into
 * them. It knows the format and not what the arrays mean. */
#pragma once

#include "base/arena.h"
#include "base/diag.h"

#include "rt_format.h"

enum { ARRAYS_LIMIT = 4096 /* arrays a file */ };

typedef struct Array {
    const char *name; /* at most 23 bytes */
    rt_type type;
    int64_t dims; /* 1..3 */
    int64_t shape[3];
    const void *data;
} Array;

typedef struct Arrays {
    const char *path;
    char digest[17]; /* of the plan that the file belongs to; "": any */
    LIST_OF(Array) items;
} Arrays;

/* Write a file atomically. `digest`: 16 hex digits, or NULL. E0904, STATUS_CANTCREAT. */
Status arrays_write(const char *path, const char *digest, const Array *items, int64_t count,
                    Diag *diag);

/* Read and check a file of at most `limit` bytes: E0801 where it is no array file or damaged. */
Status arrays_read(Arena *arena, const char *path, size_t limit, Arrays *arrays, Diag *diag);

/* The array of this name, which must have the type and dims; E0802 and NULL otherwise. */
const Array *arrays_get(const Arrays *arrays, const char *name, rt_type type, int64_t dims,
                        Diag *diag);

/* Bytes of an array's data. */
int64_t array_bytes(const Array *array);
