/* weights: see weights.h. Tables lie in the caller's arena, the map's text in a Buf of its own. */
#include "emit/weights.h"

#include "base/fs.h"
#include "emit/unused.h"
#include "rt_format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The types of holdings, of checkpoints and of the map share one numbering. */
_Static_assert((int)ELEMENT_F32 == RT_F32 && (int)ELEMENT_BF16 == RT_BF16 &&
                   (int)ELEMENT_F16 == RT_F16 && (int)SAFETENSORS_E4M3 == RT_E4M3 &&
                   (int)SAFETENSORS_E5M2 == RT_E5M2,
               "element types are numbered alike");

typedef struct Map {
    Arena *arena;
    const Schedule *schedule;
    const Model *model;
    Safetensors checkpoint;
    TensorPlace *tensors[TENSOR_KINDS]; /* [kind][layer x experts + expert] */
    Buf records;
    uint64_t count;
    WeightsSummary summary;
} Map;

/* --- tensors ---------------------------------------------------------------------------------- */

static int64_t tensor_index(const Map *map, TensorKind kind, int64_t layer, int64_t expert) {
    if (!tensor_kind_per_layer(kind))
        return 0;
    return tensor_kind_per_expert(kind) ? layer * map->model->experts + expert : layer;
}

static void use(Map *map, const TensorPlace *place, bool *used) {
    const SafetensorsTensor *all = map->checkpoint.tensors.items;
    map->summary.tensors += !used[place->tensor - all];
    map->summary.scaled += !used[place->tensor - all] && place->scale.tensor;
    used[place->tensor - all] = true;
    if (place->scale.tensor)
        used[place->scale.tensor - all] = true;
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
                use(map, &place, used);
        }
}

static Status find_all(Map *map, Diag *diag) {
    int64_t errors = diag->errors;
    bool *used = ARENA_ARRAY(map->arena, map->checkpoint.tensors.count, bool);
    for (int64_t kind = 0; kind < TENSOR_KINDS; kind++)
        if (model_has(map->model, (TensorKind)kind))
            find_tensors(map, (TensorKind)kind, used, diag);
    if (diag->errors != errors)
        return STATUS_DATA;
    return unused_check(map->arena, &map->checkpoint, map->model, used, &map->summary.ignored,
                        diag);
}

/* --- records ---------------------------------------------------------------------------------- */

/* A run that is contiguous on both sides and one element wide is one row: vectors. */
static void join_vector(rt_map_record *record) {
    if (record->columns != 1 || record->row_step != 1 || record->pitch != 1 || record->group)
        return;
    record->columns = record->row_step = record->pitch = record->rows;
    record->column_step = 1;
    record->rows = 1;
}

static void add_scale(const TensorPlace *place, int64_t at, rt_map_record *record) {
    const TensorScale *scale = &place->scale;
    if (!scale->tensor)
        return;
    record->scale_file = (uint32_t)scale->tensor->file;
    record->scale_type = (uint32_t)scale->tensor->element;
    record->scale_offset = (uint64_t)(scale->tensor->offset +
                                      scale->first * rt_type_bytes((int)scale->tensor->element));
    record->scale_origin = (uint64_t)(scale->origin + at - place->first);
    record->scale_width = (uint64_t)scale->width;
    record->block_rows = (uint64_t)scale->block_rows;
    record->block_columns = (uint64_t)scale->block_columns;
    record->scale_stride = (uint64_t)scale->stride;
}

static void add_record(Map *map, const RankSchedule *rank, const Holding *holding, int64_t layer) {
    const Buffer *buffer = &rank->buffers.items[holding->buffer];
    int64_t rows, columns;
    model_tensor_shape(map->model, (TensorKind)holding->tensor, &rows, &columns);
    const TensorPlace *place =
        &map->tensors[holding->tensor]
                     [tensor_index(map, (TensorKind)holding->tensor, layer, holding->expert)];
    const SafetensorsTensor *tensor = place->tensor;
    int64_t at = checkpoint_at(place, holding->rows.begin, holding->columns.begin);
    bool grouped = place->group < rows;
    rt_map_record record = {
        .rank = (uint32_t)rank->rank,
        .file = (uint32_t)tensor->file,
        .offset = (uint64_t)(tensor->offset + at * rt_type_bytes((int)tensor->element)),
        .rows = (uint64_t)(holding->rows.end - holding->rows.begin),
        .columns = (uint64_t)(holding->columns.end - holding->columns.begin),
        .row_step = (uint64_t)place->row_step,
        .column_step = (uint64_t)place->column_step,
        .group = grouped ? (uint64_t)place->group : 0,
        .group_skip = grouped ? (uint64_t)(holding->rows.begin % place->group) : 0,
        .group_step = grouped ? (uint64_t)place->group_step : 0,
        .slab = (uint64_t)(buffer->offset + (layer - buffer->first_layer) * buffer->layer_stride +
                           holding->delta),
        .pitch = (uint64_t)holding->pitch,
        .type = (uint32_t)tensor->element,
        .slab_type = (uint32_t)holding->type};
    add_scale(place, at, &record);
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
                            .version = RT_MAP_VERSION,
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
                         const char *out_path, WeightsSummary *summary, Diag *diag) {
    Map map = {.arena = arena, .schedule = schedule, .model = &schedule->plan->inputs.model};
    TRY(safetensors_open(arena, checkpoint_dir, 0, &map.checkpoint, diag));
    TRY(find_all(&map, diag));
    add_records(&map);
    Status status = write_map(&map, out_path, diag);
    map.summary.files = map.checkpoint.files.count;
    *summary = map.summary;
    buf_free(&map.records);
    return status;
}
