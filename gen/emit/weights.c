/* weights: see weights.h. Tables lie in the caller's arena, the map's text in a Buf of its own. */
#include "emit/weights.h"

#include "base/fs.h"
#include "input/checkpoint.h"
#include "rt_format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The types of holdings, of checkpoints and of the map share one numbering. */
_Static_assert((int)ELEMENT_F32 == RT_F32 && (int)ELEMENT_BF16 == RT_BF16 &&
                   (int)ELEMENT_F16 == RT_F16,
               "element types are numbered alike");

typedef struct Map {
    Arena *arena;
    const Schedule *schedule;
    const Model *model;
    Safetensors checkpoint;
    TensorPlace *tensors[TENSOR_KINDS]; /* [kind][layer x experts + expert] */
    Buf records;
    uint64_t count;
} Map;

/* --- tensors ---------------------------------------------------------------------------------- */

static int64_t tensor_index(const Map *map, TensorKind kind, int64_t layer, int64_t expert) {
    if (!tensor_kind_per_layer(kind))
        return 0;
    return tensor_kind_per_expert(kind) ? layer * map->model->experts + expert : layer;
}

static void find_tensors(Map *map, TensorKind kind, bool *used, Diag *diag) {
    int64_t layers = tensor_kind_per_layer(kind) ? map->model->layers : 1;
    int64_t experts = tensor_kind_per_expert(kind) ? map->model->experts : 1;
    map->tensors[kind] = ARENA_ARRAY(map->arena, layers * experts, TensorPlace);
    for (int64_t layer = 0; layer < layers; layer++)
        for (int64_t expert = 0; expert < experts; expert++) {
            if (tensor_kind_per_layer(kind) && !model_has_in_layer(map->model, kind, layer))
                continue;
            TensorPlace place = checkpoint_find(map->arena, &map->checkpoint, map->model, kind,
                                                layer, expert, diag);
            map->tensors[kind][tensor_index(map, kind, layer, expert)] = place;
            if (place.tensor)
                used[place.tensor - map->checkpoint.tensors.items] = true;
        }
}

/* Tensors that the model does not name may mean that it is another model. */
static void report_unused(const Map *map, const bool *used, Diag *diag) {
    int64_t count = 0;
    const char *first = NULL;
    for (int64_t i = 0; i < map->checkpoint.tensors.count; i++)
        if (!used[i]) {
            first = first ? first : map->checkpoint.tensors.items[i].name;
            count++;
        }
    if (count)
        diag_warning(diag, diag_nowhere(), "E0613", "check that it is a checkpoint of this model",
                     "%lld tensors of the checkpoint are not used, \"%s\" for one",
                     (long long)count, first);
}

static Status find_all(Map *map, Diag *diag) {
    int64_t errors = diag->errors;
    bool *used = ARENA_ARRAY(map->arena, map->checkpoint.tensors.count, bool);
    for (int64_t kind = 0; kind < TENSOR_KINDS; kind++)
        if (model_has(map->model, (TensorKind)kind))
            find_tensors(map, (TensorKind)kind, used, diag);
    if (diag->errors != errors)
        return STATUS_DATA;
    report_unused(map, used, diag);
    return STATUS_OK;
}

/* --- records ---------------------------------------------------------------------------------- */

/* A run that is contiguous on both sides and one element wide is one row: vectors. */
static void join_vector(rt_map_record *record) {
    if (record->columns != 1 || record->stride != 1 || record->pitch != 1)
        return;
    record->columns = record->stride = record->pitch = record->rows;
    record->rows = 1;
}

static void add_record(Map *map, const RankSchedule *rank, const Holding *holding, int64_t layer) {
    const Buffer *buffer = &rank->buffers.items[holding->buffer];
    int64_t rows, columns;
    model_tensor_shape(map->model, (TensorKind)holding->tensor, &rows, &columns);
    const TensorPlace *place =
        &map->tensors[holding->tensor]
                     [tensor_index(map, (TensorKind)holding->tensor, layer, holding->expert)];
    const SafetensorsTensor *tensor = place->tensor;
    int64_t first = place->first + holding->rows.begin * columns + holding->columns.begin;
    rt_map_record record = {
        .rank = (uint32_t)rank->rank,
        .file = (uint32_t)tensor->file,
        .offset = (uint64_t)(tensor->offset + first * element_bytes(tensor->element)),
        .rows = (uint64_t)(holding->rows.end - holding->rows.begin),
        .columns = (uint64_t)(holding->columns.end - holding->columns.begin),
        .stride = (uint64_t)columns,
        .slab = (uint64_t)(buffer->offset + (layer - buffer->first_layer) * buffer->layer_stride +
                           holding->delta),
        .pitch = (uint64_t)holding->pitch,
        .type = (uint32_t)tensor->element,
        .slab_type = (uint32_t)holding->type};
    join_vector(&record);
    buf_append(&map->records, (const char *)&record, sizeof record);
    map->count++;
}

static void add_records(Map *map) {
    for (int64_t r = 0; r < map->schedule->world; r++) {
        const RankSchedule *rank = &map->schedule->ranks[r];
        for (int64_t i = 0; i < rank->holdings.count; i++) {
            const Holding *holding = &rank->holdings.items[i];
            for (int64_t layer = holding->layers.begin; layer < holding->layers.end; layer++)
                add_record(map, rank, holding, layer);
        }
    }
}

/* --- the file --------------------------------------------------------------------------------- */

static Status append_files(const Map *map, Buf *out, Buf *names, Diag *diag) {
    for (int64_t i = 0; i < map->checkpoint.files.count; i++) {
        const SafetensorsFile *file = &map->checkpoint.files.items[i];
        char *path = realpath(file->path, NULL); /* the program may run in another folder */
        if (!path) {
            diag_error(diag, diag_nowhere(), "E0601", NULL, "%s: its full path cannot be told: %s",
                       file->path, strerror(errno));
            return STATUS_NOINPUT;
        }
        rt_map_file entry = {
            .name = names->length, .size = (uint64_t)file->size, .mtime_ns = file->mtime_ns};
        buf_append(out, (const char *)&entry, sizeof entry);
        buf_append(names, path, strlen(path) + 1);
        free(path);
    }
    return STATUS_OK;
}

static Status write_map(const Map *map, const char *path, Diag *diag) {
    Buf plan = {0}, names = {0}, files = {0}, out = {0};
    Status status;
    plan_write(map->schedule->plan, &plan);
    TRY_TO(append_files(map, &files, &names, diag), done);
    rt_map_header header = {.magic = RT_MAP_MAGIC,
                            .version = 1,
                            .files = (uint32_t)map->checkpoint.files.count,
                            .records = map->count,
                            .name_bytes = names.length};
    memcpy(header.digest, plan_digest(map->arena, plan.data, plan.length), sizeof header.digest);
    buf_append(&out, (const char *)&header, sizeof header);
    buf_append(&out, files.data, files.length);
    buf_append(&out, map->records.data, map->records.length);
    buf_append(&out, names.data, names.length);
    status = fs_write(path, out.data, out.length, diag);
done:
    buf_free(&plan);
    buf_free(&names);
    buf_free(&files);
    buf_free(&out);
    return status;
}

Status weights_write_map(Arena *arena, const Schedule *schedule, const char *checkpoint_dir,
                         const char *out_path, Diag *diag) {
    Map map = {.arena = arena, .schedule = schedule, .model = &schedule->plan->inputs.model};
    TRY(safetensors_open(arena, checkpoint_dir, 0, &map.checkpoint, diag));
    TRY(find_all(&map, diag));
    add_records(&map);
    Status status = write_map(&map, out_path, diag);
    buf_free(&map.records);
    return status;
}
