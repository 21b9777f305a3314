/* arrays: see arrays.h. Files may come from anywhere: every size is checked before it is used. */
#include "run/arrays.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ALIGN = 64 };

static int64_t padded(int64_t bytes) {
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static DiagPlace place_of(Diag *diag, const char *path) {
    DiagSource *source = ARENA_NEW(diag->arena, DiagSource);
    source->name = arena_strdup(diag->arena, path);
    return (DiagPlace){.source = source};
}

int64_t array_bytes(const Array *array) {
    int64_t bytes = rt_type_bytes(array->type);
    for (int64_t i = 0; i < array->dims; i++)
        bytes *= array->shape[i];
    return bytes;
}

/* --- out -------------------------------------------------------------------------------------- */

static bool put(FILE *file, const Array *array) {
    static const char zeros[ALIGN];
    int64_t bytes = array_bytes(array), padding = padded(bytes) - bytes;
    rt_array_entry entry = {.type = array->type,
                            .dims = (uint32_t)array->dims,
                            .shape = {1, 1, 1},
                            .bytes = (uint64_t)bytes};
    snprintf(entry.name, sizeof entry.name, "%s", array->name);
    for (int64_t i = 0; i < array->dims; i++)
        entry.shape[i] = (uint64_t)array->shape[i];
    return fwrite(&entry, sizeof entry, 1, file) == 1 &&
           fwrite(array->data, 1, (size_t)bytes, file) == (size_t)bytes &&
           fwrite(zeros, 1, (size_t)padding, file) == (size_t)padding;
}

static bool put_all(FILE *file, const char *digest, const Array *items, int64_t count) {
    rt_array_header header = {.magic = RT_ARRAY_MAGIC, .version = 1, .arrays = (uint32_t)count};
    if (digest)
        memcpy(header.digest, digest, sizeof header.digest);
    bool good = fwrite(&header, sizeof header, 1, file) == 1;
    for (int64_t i = 0; good && i < count; i++)
        good = put(file, &items[i]);
    return good;
}

static FILE *create(const char *path) {
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    FILE *stream = file < 0 ? NULL : fdopen(file, "wb");
    if (file >= 0 && !stream) {
        int error = errno;
        close(file);
        unlink(path);
        errno = error;
    }
    return stream;
}

Status arrays_write(const char *path, const char *digest, const Array *items, int64_t count,
                    Diag *diag) {
    const char *sibling = arena_printf(diag->arena, "%s.tmp-%ld", path, (long)getpid());
    FILE *file = create(sibling);
    bool good = file && put_all(file, digest, items, count);
    int error = good ? 0 : errno;
    if (file && fclose(file) != 0 && !error)
        error = errno;
    if (!error && rename(sibling, path) != 0)
        error = errno;
    if (!error)
        return STATUS_OK;
    if (file)
        unlink(sibling);
    diag_error(diag, place_of(diag, path), "E0904", NULL, "the file cannot be written: %s",
               strerror(error));
    return STATUS_CANTCREAT;
}

/* --- in --------------------------------------------------------------------------------------- */

/* Shape, type and size of an entry agree, and its data lies within `left` bytes. */
static bool entry_valid(const rt_array_entry *entry, uint64_t left) {
    if (entry->type > RT_F64 || entry->dims < 1 || entry->dims > 3 ||
        !memchr(entry->name, 0, sizeof entry->name) || entry->bytes > left)
        return false;
    uint64_t bytes = (uint64_t)rt_type_bytes((int)entry->type);
    for (uint32_t i = 0; i < 3; i++)
        if (entry->shape[i] > INT32_MAX || (i >= entry->dims && entry->shape[i] != 1) ||
            __builtin_mul_overflow(bytes, entry->shape[i], &bytes))
            return false;
    return bytes == entry->bytes;
}

static Status damaged(Diag *diag, const char *path, const char *cause) {
    return diag_error(diag, place_of(diag, path), "E0801",
                      "array files are written by gen and by emitted programs: make it anew", "%s",
                      cause);
}

Status arrays_read(Arena *arena, const char *path, size_t limit, Arrays *arrays, Diag *diag) {
    *arrays = (Arrays){.path = arena_strdup(arena, path)};
    char *data;
    size_t size, at = sizeof(rt_array_header);
    TRY(fs_read(arena, path, limit, &data, &size, diag));
    static const char none[sizeof((rt_array_header){0}.digest)];
    rt_array_header header;
    if (size < sizeof header)
        return damaged(diag, path, "the file is too short for an array file");
    memcpy(&header, data, sizeof header);
    if (memcmp(header.magic, RT_ARRAY_MAGIC, sizeof RT_ARRAY_MAGIC) != 0)
        return damaged(diag, path, "this is no array file");
    if (header.version != 1 || header.arrays > ARRAYS_LIMIT)
        return damaged(diag, path, "the array file is of another version");
    memcpy(arrays->digest, header.digest, sizeof header.digest);
    if (strnlen(header.digest, sizeof header.digest) < sizeof header.digest &&
        memcmp(header.digest, none, sizeof none) != 0)
        return damaged(diag, path, "the digest of its plan is damaged");
    for (uint32_t i = 0; i < header.arrays; i++) {
        const rt_array_entry *entry = (const rt_array_entry *)(data + at);
        if (size - at < sizeof *entry || !entry_valid(entry, size - at - sizeof *entry))
            return damaged(diag, path, "the array file is damaged or cut off");
        Array *array = LIST_PUSH(arena, &arrays->items);
        *array = (Array){.name = entry->name, .type = entry->type, .dims = entry->dims};
        for (int k = 0; k < 3; k++)
            array->shape[k] = (int64_t)entry->shape[k];
        array->data = entry + 1;
        uint64_t step = (entry->bytes + ALIGN - 1) / ALIGN * ALIGN;
        at += sizeof *entry;
        at += step < size - at ? step : size - at;
    }
    return STATUS_OK;
}

const Array *arrays_get(const Arrays *arrays, const char *name, rt_type type, int64_t dims,
                        Diag *diag) {
    for (int64_t i = 0; i < arrays->items.count; i++) {
        const Array *array = &arrays->items.items[i];
        if (strcmp(array->name, name) != 0)
            continue;
        if (array->type == type && array->dims == dims)
            return array;
        diag_error(diag, place_of(diag, arrays->path), "E0802",
                   "the program and gen must be of one version",
                   "the array \"%s\" has another type or another number of dimensions", name);
        return NULL;
    }
    diag_error(diag, place_of(diag, arrays->path), "E0802",
               "the program and gen must be of one version", "there is no array \"%s\"", name);
    return NULL;
}
