/* array_file: see array_file.h. Files may come from anywhere, so that every size is checked before use. */
#include "core/array_file.h"
#include "core/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { ARRAY_ALIGN = 64, ARRAY_LIMIT = 4096 /* arrays a file */ };

static size_t array_padded(size_t bytes) {
    return (bytes + ARRAY_ALIGN - 1) / ARRAY_ALIGN * ARRAY_ALIGN;
}

static rt_status file_read(const char *path, char **data, size_t *size, rt_error *error) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return rt_error_set(error, errno == ENOENT ? RT_NOINPUT : RT_DATA, "%s: %s", path,
                            strerror(errno));
    rt_status status = RT_OK;
    struct stat info;
    if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode)) {
        status = rt_error_set(error, RT_DATA, "%s: is not a regular file", path);
        goto done;
    }
    *size = (size_t)info.st_size;
    *data = malloc(*size ? *size : 1);
    if (!*data)
        status = rt_error_set(error, RT_UNAVAILABLE, "%s: no memory for %zu bytes", path, *size);
    else if (fread(*data, 1, *size, file) != *size)
        status = rt_error_set(error, RT_DATA, "%s: shorter than %zu bytes while read", path, *size);
done:
    fclose(file);
    return status;
}

/* Shape, type and size of one entry agree. */
static bool entry_valid(const rt_array_entry *entry) {
    if (entry->type > RT_F64 || entry->dims < 1 || entry->dims > 3 ||
        !memchr(entry->name, 0, sizeof entry->name))
        return false;
    uint64_t bytes = (uint64_t)rt_type_bytes((int)entry->type);
    for (int i = 0; i < 3; ++i) {
        if (entry->shape[i] > INT32_MAX || (i >= (int)entry->dims && entry->shape[i] != 1))
            return false;
        if (__builtin_mul_overflow(bytes, entry->shape[i], &bytes))
            return false;
    }
    return bytes == entry->bytes;
}

static rt_status arrays_index(rt_arrays *arrays, const char *path, const char *digest, size_t size,
                              rt_error *error) {
    static const char any[16];
    const char *data = arrays->memory;
    rt_array_header header;
    if (size < sizeof header)
        return rt_error_set(error, RT_DATA, "%s: too short for an array file", path);
    memcpy(&header, data, sizeof header);
    if (memcmp(header.magic, RT_ARRAY_MAGIC, sizeof header.magic) != 0)
        return rt_error_set(error, RT_DATA, "%s: is not an array file", path);
    if (header.version != 1 || header.arrays > ARRAY_LIMIT)
        return rt_error_set(error, RT_DATA, "%s: version %u with %u arrays; this program reads 1",
                            path, header.version, header.arrays);
    if (memcmp(header.digest, any, sizeof any) != 0 && memcmp(header.digest, digest, 16) != 0)
        return rt_error_set(error, RT_DATA,
                            "%s: belongs to plan %.16s, this program is %.16s; make it anew", path,
                            header.digest, digest);
    arrays->items = calloc(header.arrays + 1, sizeof *arrays->items);
    if (!arrays->items)
        return rt_error_set(error, RT_UNAVAILABLE, "%s: no memory", path);
    size_t at = sizeof header;
    for (uint32_t i = 0; i < header.arrays; ++i) {
        const rt_array_entry *entry = (const rt_array_entry *)(data + at);
        if (size - at < sizeof *entry || !entry_valid(entry) ||
            size - at - sizeof *entry < entry->bytes)
            return rt_error_set(error, RT_DATA, "%s: array %u is damaged or cut off", path, i);
        at += sizeof *entry;
        arrays->items[i] = (rt_array){
            .name = entry->name,
            .type = (rt_type)entry->type,
            .dims = entry->dims,
            .shape = {(int64_t)entry->shape[0], (int64_t)entry->shape[1], (int64_t)entry->shape[2]},
            .data = data + at,
        };
        at += array_padded(entry->bytes);
        at = at < size ? at : size;
        arrays->count = i + 1;
    }
    return RT_OK;
}

rt_status rt_arrays_read(rt_arrays *arrays, const char *path, const char *digest, rt_error *error) {
    *arrays = (rt_arrays){0};
    char *data = NULL;
    size_t size = 0;
    rt_status status = file_read(path, &data, &size, error);
    arrays->memory = data;
    if (status == RT_OK)
        status = arrays_index(arrays, path, digest, size, error);
    if (status != RT_OK)
        rt_arrays_free(arrays);
    return status;
}

void rt_arrays_free(rt_arrays *arrays) {
    free(arrays->items);
    free(arrays->memory);
    *arrays = (rt_arrays){0};
}

bool rt_arrays_has(const rt_arrays *arrays, const char *name) {
    for (int64_t i = 0; i < arrays->count; ++i)
        if (strcmp(arrays->items[i].name, name) == 0)
            return true;
    return false;
}

rt_status rt_arrays_get(const rt_arrays *arrays, const char *path, const char *name, rt_type type,
                        uint32_t dims, const rt_array **array, rt_error *error) {
    for (int64_t i = 0; i < arrays->count; ++i) {
        *array = &arrays->items[i];
        if (strcmp((*array)->name, name) != 0)
            continue;
        if ((*array)->type == type && (*array)->dims == dims)
            return RT_OK;
        return rt_error_set(error, RT_DATA, "%s: array '%s' has another type or rank than expected",
                            path, name);
    }
    return rt_error_set(error, RT_DATA, "%s: has no array '%s'", path, name);
}

static bool array_put(FILE *file, const rt_array *array) {
    static const char zeros[ARRAY_ALIGN];
    rt_array_entry entry = {.type = (uint32_t)array->type, .dims = array->dims};
    strncpy(entry.name, array->name, sizeof entry.name - 1);
    entry.bytes = (uint64_t)rt_type_bytes((int)array->type);
    for (uint32_t i = 0; i < 3; ++i) {
        entry.shape[i] = i < array->dims ? (uint64_t)array->shape[i] : 1;
        entry.bytes *= entry.shape[i];
    }
    size_t padding = array_padded(entry.bytes) - entry.bytes;
    return fwrite(&entry, sizeof entry, 1, file) == 1 &&
           (!entry.bytes || fwrite(array->data, entry.bytes, 1, file) == 1) &&
           fwrite(zeros, 1, padding, file) == padding;
}

rt_status rt_arrays_write(const char *path, const char *digest, const rt_array *items,
                          int64_t count, rt_error *error) {
    rt_file file;
    RT_TRY(rt_file_create(&file, path, error));
    rt_array_header header = {.magic = RT_ARRAY_MAGIC, .version = 1, .arrays = (uint32_t)count};
    memcpy(header.digest, digest, sizeof header.digest);
    bool good = fwrite(&header, sizeof header, 1, file.stream) == 1;
    for (int64_t i = 0; good && i < count; ++i)
        good = array_put(file.stream, &items[i]);
    return rt_file_finish(&file, good, error);
}
