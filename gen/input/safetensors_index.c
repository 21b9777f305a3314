/* safetensors_index: a checkpoint in shards. The index says which tensor stands in which file;
 * the shards' own headers say where. Only plain file names are followed, so that an index cannot
 * lead elsewhere. */
#include "input/safetensors_file.h"

#include "base/fs.h"
#include "base/jsonr.h"

#include <string.h>

/* File names of the index in order of first mention; their position is the shard's file number. */
typedef struct Shards {
    LIST_OF(const char *) names;
} Shards;

static int64_t shard_number(Arena *arena, Shards *shards, const char *name) {
    for (int64_t i = 0; i < shards->names.count; i++)
        if (strcmp(shards->names.items[i], name) == 0)
            return i;
    *(const char **)LIST_PUSH(arena, &shards->names) = arena_strdup(arena, name);
    return shards->names.count - 1;
}

/* The map's entries as tensors without a place: name and shard. */
static Status read_map(Arena *arena, DiagPlace place, const json_t *map, Shards *shards,
                       Safetensors *wanted, Diag *diag) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)map, name, value) {
        const char *file = json_string_value(value);
        if (!file || !*file || *file == '.' || strchr(file, '/'))
            return diag_error(diag, place, "E0604", "download the index again",
                              "the file of tensor \"%s\" is not the plain name of a file", name);
        SafetensorsTensor *tensor = LIST_PUSH(arena, &wanted->tensors);
        tensor->name = arena_strdup(arena, name);
        tensor->file = shard_number(arena, shards, file);
    }
    if (!wanted->tensors.count)
        return diag_error(diag, place, "E0604", "download the index again",
                          "the index lists no tensor under \"weight_map\"");
    return STATUS_OK;
}

static Status parse_index(Arena *arena, const char *path, size_t limit, Shards *shards,
                          Safetensors *wanted, Diag *diag) {
    char *text;
    size_t length;
    TRY(fs_read(arena, path, limit, &text, &length, diag));
    DiagPlace place = safetensors_place(diag, path);
    json_error_t error;
    json_t *root = jsonr_parse(text, length, &error);
    Status status;
    if (root) {
        status = read_map(arena, place, json_object_get(root, "weight_map"), shards, wanted, diag);
    } else {
        place.line = error.line;
        place.column = error.column;
        status = diag_error(diag, place, "E0604", "download the index again",
                            "the index is not JSON: %s", error.text);
    }
    json_decref(root);
    return status;
}

/* Tensors of one shard by name; headers hold thousands, so they are found through a sorted copy. */
static Status collect(Arena *arena, const char *directory, const char *path, const Shards *shards,
                      size_t limit, const Safetensors *wanted, Safetensors *checkpoint,
                      Diag *diag) {
    Safetensors *parts = ARENA_ARRAY(arena, shards->names.count, Safetensors);
    for (int64_t i = 0; i < shards->names.count; i++) {
        const char *file = fs_join(arena, directory, shards->names.items[i]);
        if (!fs_exists(file)) {
            diag_error(diag, safetensors_place(diag, file), "E0604",
                       "download all files that the index names, from one revision",
                       "there is no such file, but %s names it", path);
            return STATUS_NOINPUT;
        }
        TRY(safetensors_open(arena, file, limit, &parts[i], diag));
        *(SafetensorsFile *)LIST_PUSH(arena, &checkpoint->files) = parts[i].files.items[0];
    }
    for (int64_t i = 0; i < wanted->tensors.count; i++) {
        const SafetensorsTensor *entry = &wanted->tensors.items[i];
        const SafetensorsTensor *found = safetensors_find(&parts[entry->file], entry->name);
        if (!found)
            return diag_error(diag, safetensors_place(diag, path), "E0604",
                              "download index and shards again, from one revision",
                              "tensor \"%s\" is not in %s, where the index puts it", entry->name,
                              shards->names.items[entry->file]);
        SafetensorsTensor *tensor = LIST_PUSH(arena, &checkpoint->tensors);
        *tensor = *found;
        tensor->file = entry->file;
    }
    return STATUS_OK;
}

Status safetensors_index_read(Arena *arena, const char *directory, const char *path, size_t limit,
                              Safetensors *checkpoint, Diag *diag) {
    Shards shards = {0};
    Safetensors wanted = {0};
    TRY(parse_index(arena, path, limit, &shards, &wanted, diag));
    return collect(arena, directory, path, &shards, limit, &wanted, checkpoint, diag);
}
