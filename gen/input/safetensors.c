/* safetensors: headers of one file, lookup and the checks on a tensor that is wanted. Shards and
 * their index are in safetensors_index.c. jansson reads; its objects never leave a function
 * here. */
#include "input/safetensors.h"

#include "base/fs.h"
#include "input/safetensors_file.h"

#include <stdlib.h>
#include <string.h>

static int order_by_name(const void *a, const void *b) {
    return strcmp(((const SafetensorsTensor *)a)->name, ((const SafetensorsTensor *)b)->name);
}

static Status open_directory(Arena *arena, const char *path, size_t limit, Safetensors *checkpoint,
                             Diag *diag) {
    const char *index = fs_join(arena, path, "model.safetensors.index.json");
    const char *single = fs_join(arena, path, "model.safetensors");
    if (fs_exists(single))
        return safetensors_file_read(arena, single, limit, checkpoint, diag);
    if (fs_exists(index))
        return safetensors_index_read(arena, path, index, limit, checkpoint, diag);
    diag_error(diag, safetensors_place(diag, path), "E0601",
               "name the folder that the model was downloaded to, or a .safetensors file",
               "there is neither model.safetensors nor model.safetensors.index.json here");
    return STATUS_NOINPUT;
}

Status safetensors_open(Arena *arena, const char *path, size_t header_limit,
                        Safetensors *checkpoint, Diag *diag) {
    *checkpoint = (Safetensors){.path = arena_strdup(arena, path)};
    size_t limit = header_limit ? header_limit : SAFETENSORS_HEADER_LIMIT;
    if (!fs_exists(path)) {
        diag_error(diag, safetensors_place(diag, path), "E0601",
                   "check the path; it is taken from the current folder", "there is no checkpoint");
        return STATUS_NOINPUT;
    }
    if (fs_is_directory(path))
        TRY(open_directory(arena, path, limit, checkpoint, diag));
    else
        TRY(safetensors_file_read(arena, path, limit, checkpoint, diag));
    if (checkpoint->tensors.count)
        qsort(checkpoint->tensors.items, (size_t)checkpoint->tensors.count,
              sizeof(SafetensorsTensor), order_by_name);
    return STATUS_OK;
}

const SafetensorsTensor *safetensors_find(const Safetensors *checkpoint, const char *name) {
    SafetensorsTensor key = {.name = name};
    if (!checkpoint->tensors.count)
        return NULL;
    return bsearch(&key, checkpoint->tensors.items, (size_t)checkpoint->tensors.count,
                   sizeof(SafetensorsTensor), order_by_name);
}

void safetensors_report_missing(const Safetensors *checkpoint, const char *name, const char *more,
                                Diag *diag) {
    ArenaMark mark = arena_mark(diag->arena);
    const char **names = ARENA_ARRAY(diag->arena, checkpoint->tensors.count + 1, const char *);
    for (int64_t i = 0; i < checkpoint->tensors.count; i++)
        names[i] = checkpoint->tensors.items[i].name;
    const char *nearest = diag_nearest(name, names);
    arena_rewind(diag->arena, mark);
    const char *help =
        nearest ? arena_printf(diag->arena,
                               "the nearest name in the checkpoint is \"%s\"; is it of this model?",
                               nearest)
                : "is it a checkpoint of this model?";
    diag_error(diag, safetensors_place(diag, checkpoint->path), "E0610", help,
               "the checkpoint has no tensor \"%s\"%s", name, more);
}

const char *safetensors_shape_text(Arena *arena, const SafetensorsTensor *tensor) {
    const char *text = "[";
    for (int64_t i = 0; i < tensor->dims; i++)
        text = arena_printf(arena, "%s%s%lld", text, i ? ", " : "", (long long)tensor->shape[i]);
    return arena_printf(arena, "%s]", text);
}

static bool shape_matches(const SafetensorsTensor *tensor, int64_t rows, int64_t columns) {
    if (tensor->dims == 1)
        return columns == 1 && tensor->shape[0] == rows;
    return tensor->dims == 2 && tensor->shape[0] == rows && tensor->shape[1] == columns;
}

static bool blocks_match(const SafetensorsTensor *tensor, int64_t blocks, int64_t rows,
                         int64_t columns) {
    const int64_t *shape = tensor->shape;
    if (!blocks)
        return shape_matches(tensor, rows, columns);
    int64_t all;
    if (!__builtin_mul_overflow(blocks, rows, &all) && shape_matches(tensor, all, columns))
        return true;
    return tensor->dims == (columns == 1 ? 2 : 3) && shape[0] == blocks && shape[1] == rows &&
           (columns == 1 || shape[2] == columns);
}

static const char *wanted_shape(Arena *arena, int64_t blocks, int64_t rows, int64_t columns) {
    const char *text = blocks ? arena_printf(arena, "[%lld, ", (long long)blocks) : "[";
    text = arena_printf(arena, "%s%lld", text, (long long)rows);
    return columns == 1 ? arena_printf(arena, "%s]", text)
                        : arena_printf(arena, "%s, %lld]", text, (long long)columns);
}

const SafetensorsTensor *safetensors_require(const Safetensors *checkpoint, const char *name,
                                             int64_t rows, int64_t columns, Diag *diag) {
    return safetensors_require_blocks(checkpoint, name, 0, rows, columns, diag);
}

const SafetensorsTensor *safetensors_require_blocks(const Safetensors *checkpoint, const char *name,
                                                    int64_t blocks, int64_t rows, int64_t columns,
                                                    Diag *diag) {
    const SafetensorsTensor *tensor = safetensors_find(checkpoint, name);
    if (!tensor) {
        safetensors_report_missing(checkpoint, name, "", diag);
        return NULL;
    }
    const char *file = checkpoint->files.items[tensor->file].path;
    if (!blocks_match(tensor, blocks, rows, columns)) {
        const char *expected = wanted_shape(diag->arena, blocks, rows, columns);
        diag_error(diag, safetensors_place(diag, file), "E0611",
                   "use the checkpoint of this model, or correct the model's sizes",
                   "tensor \"%s\" has the shape %s, the model needs %s", name,
                   safetensors_shape_text(diag->arena, tensor), expected);
        return NULL;
    }
    if (tensor->element < 0) {
        diag_error(
            diag, safetensors_place(diag, file), "E0612",
            "convert the checkpoint to F32, BF16 or F16, or to F8_E4M3 or F8_E5M2 with scales",
            "tensor \"%s\" has the type %s, which is not supported", name, tensor->type);
        return NULL;
    }
    return tensor;
}
