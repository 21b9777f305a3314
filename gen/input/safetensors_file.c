/* safetensors_file: the header of one file: 8 bytes of length, JSON, then the elements, which
 * the tensors must tile without hole or overlap. Texts lie in the caller's arena. */
#include "input/safetensors_file.h"

#include "base/jsonr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Types of the format and their sizes. The first three are those of ElementType, in its order. */
static const struct {
    const char *name;
    int64_t bytes;
} types[] = {{"F32", 4},  {"BF16", 2},    {"F16", 2},     {"F64", 8},     {"I64", 8}, {"I32", 4},
             {"I16", 2},  {"I8", 1},      {"U64", 8},     {"U32", 4},     {"U16", 2}, {"U8", 1},
             {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"F8_E8M0", 1}, {"C64", 8}};
enum { FLOAT_TYPES = 3, TYPES = sizeof types / sizeof *types };

DiagPlace safetensors_place(Diag *diag, const char *path) {
    DiagSource *source = ARENA_NEW(diag->arena, DiagSource);
    source->name = arena_strdup(diag->arena, path);
    return (DiagPlace){.source = source};
}

static int64_t element_of(int64_t type) {
    if (type < FLOAT_TYPES)
        return type;
    return strcmp(types[type].name, "F8_E4M3") == 0   ? SAFETENSORS_E4M3
           : strcmp(types[type].name, "F8_E5M2") == 0 ? SAFETENSORS_E5M2
                                                      : -1;
}

static const char *const download_again = "the file is damaged or incomplete: download it again";

/* The header as text, its place in the file and the file's size. */
typedef struct Header {
    char *text;
    int64_t length; /* of the JSON */
    int64_t data;   /* bytes of the elements that follow */
} Header;

bool safetensors_read(int file, void *out, int64_t bytes, int64_t offset) {
    for (char *at = out; bytes;) {
        ssize_t got = pread(file, at, (size_t)bytes, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        offset += got;
        bytes -= got;
    }
    return true;
}

static Status read_header(Arena *arena, int file, const char *path, size_t limit, Header *header,
                          SafetensorsFile *entry, Diag *diag) {
    DiagPlace place = safetensors_place(diag, path);
    struct stat info;
    if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode))
        return diag_error(diag, place, "E0602", NULL, "this is not a regular file");
    entry->size = info.st_size;
    entry->mtime_ns = info.st_mtim.tv_sec * INT64_C(1000000000) + info.st_mtim.tv_nsec;
    uint64_t length;
    if (info.st_size < 8 || !safetensors_read(file, &length, 8, 0))
        return diag_error(diag, place, "E0602", download_again,
                          "%lld bytes cannot hold a safetensors header", (long long)info.st_size);
    if (length > (uint64_t)info.st_size - 8)
        return diag_error(diag, place, "E0602", download_again,
                          "the header claims %llu bytes in a file of %lld",
                          (unsigned long long)length, (long long)info.st_size);
    if (length > limit)
        return diag_error(diag, place, "E0602", NULL,
                          "the header has %llu bytes, more than the limit of %zu",
                          (unsigned long long)length, limit);
    *header = (Header){.text = arena_alloc(arena, length + 1),
                       .length = (int64_t)length,
                       .data = info.st_size - 8 - (int64_t)length};
    if (!safetensors_read(file, header->text, (int64_t)length, 8))
        return diag_error(diag, place, "E0602", download_again, "the header cannot be read");
    return STATUS_OK;
}

/* Shape, and its product with the element size; false when it is none or overflows. */
static bool read_shape(const json_t *shape, int64_t element_bytes, SafetensorsTensor *tensor,
                       int64_t *bytes) {
    if (!json_is_array(shape) || json_array_size(shape) > SAFETENSORS_DIMS)
        return false;
    tensor->dims = (int64_t)json_array_size(shape);
    *bytes = element_bytes;
    for (int64_t i = 0; i < tensor->dims; i++) {
        const json_t *size = json_array_get(shape, (size_t)i);
        tensor->shape[i] = json_integer_value(size);
        if (!json_is_integer(size) || tensor->shape[i] < 0 ||
            __builtin_mul_overflow(*bytes, tensor->shape[i], bytes))
            return false;
    }
    return true;
}

static bool read_offsets(const json_t *offsets, int64_t *begin, int64_t *end) {
    const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
    *begin = json_integer_value(first);
    *end = json_integer_value(last);
    return json_array_size(offsets) == 2 && json_is_integer(first) && json_is_integer(last) &&
           *begin >= 0 && *begin <= *end;
}

static Status read_tensor(Arena *arena, DiagPlace place, const char *name, const json_t *value,
                          SafetensorsTensor *tensor, Diag *diag) {
    const char *type = json_string_value(json_object_get(value, "dtype"));
    int64_t known = -1, bytes, begin, end;
    for (int64_t i = 0; type && i < TYPES; i++)
        if (strcmp(type, types[i].name) == 0)
            known = i;
    if (known < 0)
        return diag_error(diag, place, "E0602", "convert the checkpoint to F32, BF16 or F16",
                          "tensor \"%s\" has the unknown type %s", name, type ? type : "(none)");
    tensor->name = arena_strdup(arena, name);
    tensor->type = types[known].name;
    tensor->element = element_of(known);
    if (!read_shape(json_object_get(value, "shape"), types[known].bytes, tensor, &bytes))
        return diag_error(diag, place, "E0602", download_again,
                          "the shape of tensor \"%s\" is no list of at most %d sizes", name,
                          SAFETENSORS_DIMS);
    if (!read_offsets(json_object_get(value, "data_offsets"), &begin, &end))
        return diag_error(diag, place, "E0602", download_again,
                          "the data_offsets of tensor \"%s\" are no range of bytes", name);
    if (end - begin != bytes)
        return diag_error(diag, place, "E0602", download_again,
                          "tensor \"%s\" has %lld bytes, its shape and type need %lld", name,
                          (long long)(end - begin), (long long)bytes);
    tensor->offset = begin;
    tensor->bytes = bytes;
    return STATUS_OK;
}

static int order_by_offset(const void *left, const void *right) {
    const SafetensorsTensor *a = left, *b = right;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    return (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

/* The tensors tile [0, data) of the file; from here on offsets count from its start. */
static Status check_tiling(DiagPlace place, const Header *header, SafetensorsTensor *tensors,
                           int64_t count, Diag *diag) {
    if (count)
        qsort(tensors, (size_t)count, sizeof *tensors, order_by_offset);
    int64_t end = 0;
    for (int64_t i = 0; i < count; i++) {
        if (tensors[i].offset != end)
            return diag_error(diag, place, "E0603", download_again,
                              "tensor \"%s\" begins at byte %lld of the data, %s byte %lld",
                              tensors[i].name, (long long)tensors[i].offset,
                              tensors[i].offset > end ? "leaving a hole from" : "overlapping up to",
                              (long long)end);
        if (tensors[i].bytes > header->data - end)
            return diag_error(diag, place, "E0603", download_again,
                              "tensor \"%s\" ends past the end of the file", tensors[i].name);
        end += tensors[i].bytes;
        tensors[i].offset += 8 + header->length;
    }
    if (end != header->data)
        return diag_error(diag, place, "E0603", download_again,
                          "the tensors end at byte %lld of the data, the file at byte %lld",
                          (long long)end, (long long)header->data);
    return STATUS_OK;
}

static Status parse_header(Arena *arena, const char *path, const Header *header,
                           Safetensors *checkpoint, Diag *diag) {
    DiagPlace place = safetensors_place(diag, path);
    json_error_t error;
    json_t *root = jsonr_parse(header->text, (size_t)header->length, &error);
    Status status = STATUS_OK;
    if (!json_is_object(root)) {
        status =
            diag_error(diag, place, "E0602", download_again, "the header is no JSON object: %s",
                       root ? "it is another value" : error.text);
        goto cleanup;
    }
    int64_t first = checkpoint->tensors.count;
    const char *name;
    json_t *value;
    json_object_foreach(root, name, value) {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        SafetensorsTensor *tensor = LIST_PUSH(arena, &checkpoint->tensors);
        tensor->file = checkpoint->files.count - 1;
        TRY_TO(read_tensor(arena, place, name, value, tensor, diag), cleanup);
    }
    int64_t count = checkpoint->tensors.count - first;
    status =
        check_tiling(place, header, count ? &checkpoint->tensors.items[first] : NULL, count, diag);
cleanup:
    json_decref(root);
    return status;
}

Status safetensors_file_read(Arena *arena, const char *path, size_t limit, Safetensors *checkpoint,
                             Diag *diag) {
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* waits for no pipe */
    if (file < 0) {
        diag_error(diag, safetensors_place(diag, path), "E0601", NULL,
                   "the file cannot be read: %s", strerror(errno));
        return STATUS_NOINPUT;
    }
    SafetensorsFile *entry = LIST_PUSH(arena, &checkpoint->files);
    entry->path = arena_strdup(arena, path);
    Header header = {0};
    Status status = read_header(arena, file, path, limit, &header, entry, diag);
    close(file);
    TRY(status);
    return parse_header(arena, path, &header, checkpoint, diag);
}
