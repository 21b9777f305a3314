/* npy: see npy.h. The header is the text of a Python dict that NumPy always writes in one form:
 * {'descr': '<f4', 'fortran_order': False, 'shape': (3, 24, 512), }. */
#include "run/npy.h"

#include "base/fs.h"
#include "base/number.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *descr;
    NpyType type;
    int64_t bytes;
} types[] = {
    {"'<f4'", NPY_F32, 4}, {"'<f8'", NPY_F64, 8}, {"'<i4'", NPY_I32, 4}, {"'<i8'", NPY_I64, 8}};

static Status refuse(Diag *diag, const char *path, const char *cause) {
    DiagSource *source = ARENA_NEW(diag->arena, DiagSource);
    source->name = arena_strdup(diag->arena, path);
    return diag_error(diag, (DiagPlace){.source = source}, "E0803",
                      "numpy.save of a float32, float64, int32 or int64 array in C order is read",
                      "%s", cause);
}

/* The text after 'key': in the header, or NULL. */
static const char *value_of(const char *header, const char *key) {
    const char *at = strstr(header, key);
    if (!at)
        return NULL;
    at += strlen(key);
    while (*at == ' ' || *at == ':')
        at++;
    return at;
}

/* "(3, 24, 512)" or "(3,)" or "()". */
static bool read_shape(const char *text, Npy *npy) {
    npy->elements = 1;
    if (!text || *text++ != '(')
        return false;
    while (*text != ')') {
        char *end;
        if (!isdigit((unsigned char)*text) || npy->dims == NPY_DIMS)
            return false;
        int64_t size = strtoll(text, &end, 10);
        if (__builtin_mul_overflow(npy->elements, size, &npy->elements))
            return false;
        npy->shape[npy->dims++] = size;
        for (text = end; *text == ',' || *text == ' '; text++)
            ;
    }
    return true;
}

static const char *read_header(const char *header, Npy *npy, int64_t *element_bytes) {
    const char *descr = value_of(header, "'descr'");
    const char *order = value_of(header, "'fortran_order'");
    *element_bytes = 0;
    for (size_t i = 0; descr && i < sizeof types / sizeof *types; i++)
        if (strncmp(descr, types[i].descr, strlen(types[i].descr)) == 0) {
            npy->type = types[i].type;
            *element_bytes = types[i].bytes;
        }
    if (!*element_bytes)
        return "the elements are of a type that is not supported";
    if (!order || strncmp(order, "False", 5) != 0)
        return "the array is not in C order";
    if (!read_shape(value_of(header, "'shape'"), npy))
        return "the shape cannot be read";
    return NULL;
}

Status npy_read(Arena *arena, const char *path, size_t limit, Npy *npy, Diag *diag) {
    *npy = (Npy){0};
    char *data;
    size_t size, start;
    int64_t element_bytes, bytes;
    TRY(fs_read(arena, path, limit, &data, &size, diag));
    if (size < 12 || memcmp(data, "\x93NUMPY", 6) != 0)
        return refuse(diag, path, "this is no .npy file");
    const unsigned char *length = (const unsigned char *)data + 8;
    if (data[6] == 1)
        start = 10 + length[0] + ((size_t)length[1] << 8);
    else
        start = 12 + length[0] + ((size_t)length[1] << 8) + ((size_t)length[2] << 16) +
                ((size_t)length[3] << 24);
    size_t head = data[6] == 1 ? 10 : 12;
    if (start > size)
        return refuse(diag, path, "the file is cut off");
    const char *cause =
        read_header(arena_strndup(arena, data + head, start - head), npy, &element_bytes);
    if (cause)
        return refuse(diag, path, cause);
    if (__builtin_mul_overflow(npy->elements, element_bytes, &bytes) ||
        (uint64_t)bytes != size - start)
        return refuse(diag, path, "the shape and the size of the file disagree");
    npy->data = data + start;
    return STATUS_OK;
}

double npy_value(const Npy *npy, int64_t index) {
    const char *data = npy->data;
    union {
        float f32;
        double f64;
        int32_t i32;
        int64_t i64;
    } value;
    switch (npy->type) {
    case NPY_F32:
        memcpy(&value.f32, data + index * 4, 4);
        return (double)value.f32;
    case NPY_F64:
        memcpy(&value.f64, data + index * 8, 8);
        return value.f64;
    case NPY_I32:
        memcpy(&value.i32, data + index * 4, 4);
        return value.i32;
    case NPY_I64:
        break;
    }
    memcpy(&value.i64, data + index * 8, 8);
    return (double)value.i64;
}
