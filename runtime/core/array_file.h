/* array_file: named arrays in a file (rt_format.h): tokens in, expectations in, results out. A file is
 * read whole into memory that rt_arrays owns; arrays point into it. */
#pragma once

#include "core/error.h"

typedef struct rt_array {
    const char *name;
    rt_type type;
    uint32_t dims; /* 1..3 */
    int64_t shape[3];
    const void *data;
} rt_array;

typedef struct rt_arrays {
    void *memory;
    rt_array *items;
    int64_t count;
} rt_arrays;

/* Read and check a file. `digest`: 16 hex digits of the plan that it must belong to; a file with a digest
 * of zeros belongs to any. */
rt_status rt_arrays_read(rt_arrays *arrays, const char *path, const char *digest, rt_error *error);
void rt_arrays_free(rt_arrays *arrays);

bool rt_arrays_has(const rt_arrays *arrays, const char *name);

/* The array of that name, which must have the type and the dims; missing or different is RT_DATA. */
rt_status rt_arrays_get(const rt_arrays *arrays, const char *path, const char *name, rt_type type,
                        uint32_t dims, const rt_array **array, rt_error *error);

/* Write a file, whole or not at all. */
rt_status rt_arrays_write(const char *path, const char *digest, const rt_array *items,
                          int64_t count, rt_error *error);
