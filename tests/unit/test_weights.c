/* The weight map: what a rank would read by it is what its holdings promise, for cuts of every
 * kind; and what a checkpoint lacks is named. */
#include "emit/weights.h"

#include "base/fs.h"
#include "plan/planner.h"
#include "reference/source.h"
#include "rt_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define CHECKPOINT TEST_DATA "/mixtral-tiny"

typedef struct Fixture {
    Arena arena;
    Diag diag;
    Plan plan;
    Schedule schedule;
    char path[64];
} Fixture;

static int setup(void **state) {
    Fixture *fixture = calloc(1, sizeof *fixture);
    fixture->diag.arena = &fixture->arena;
    strcpy(fixture->path, "/tmp/test_weights.XXXXXX");
    *state = fixture;
    int file = mkstemp(fixture->path);
    return file < 0 ? -1 : close(file);
}

static int teardown(void **state) {
    Fixture *fixture = *state;
    unlink(fixture->path);
    arena_free(&fixture->arena);
    free(fixture);
    return 0;
}

static void make_schedule(Fixture *fixture, const char *strategy, int64_t dtype) {
    Arena *arena = &fixture->arena;
    Diag *diag = &fixture->diag;
    PlanInputs *inputs = &fixture->plan.inputs;
    PlannerRequest request = {.strategy = strategy};
    inputs->workload =
        (Workload){.batch = 3, .prefill = 24, .context = 40, .dtype = dtype, .candidates = 1};
    Status status = model_read(arena, CHECKPOINT, NULL, &inputs->model, diag);
    if (status == STATUS_OK)
        status =
            topology_read(arena, TEST_SOURCE "/topologies/a100-4x4.yaml", &inputs->topology, diag);
    if (status == STATUS_OK)
        status = planner_run(arena, &request, &fixture->plan, diag);
    if (status == STATUS_OK)
        status = schedule_lower(arena, &fixture->plan, &fixture->schedule, diag);
    diag_render(diag, stderr);
    assert_int_equal(status, STATUS_OK);
}

/* --- reading by the map, as a rank does ------------------------------------------------------- */

typedef struct Map {
    const rt_map_header *header;
    const rt_map_file *files;
    const rt_map_record *records;
    const char *names, *data; /* of the one checkpoint file */
} Map;

static void read_map(Fixture *fixture, Map *map) {
    char *text, *data;
    size_t length;
    assert_int_equal(
        fs_read(&fixture->arena, fixture->path, 64 << 20, &text, &length, &fixture->diag),
        STATUS_OK);
    map->header = (const rt_map_header *)text;
    map->files = (const rt_map_file *)(map->header + 1);
    map->records = (const rt_map_record *)(map->files + map->header->files);
    map->names = (const char *)(map->records + map->header->records);
    assert_string_equal(map->header->magic, RT_MAP_MAGIC);
    assert_int_equal(length, (size_t)(map->names - text) + map->header->name_bytes);
    assert_int_equal(map->header->files, 1);
    const char *path = map->names + map->files[0].name;
    assert_int_equal(path[0], '/');
    assert_int_equal(fs_read(&fixture->arena, path, 64 << 20, &data, &length, &fixture->diag),
                     STATUS_OK);
    assert_int_equal(length, map->files[0].size);
    map->data = data;
}

static void store(char *slab, uint32_t type, uint64_t index, float value) {
    if (type == RT_F32)
        ((float *)slab)[index] = value;
    else
        ((uint16_t *)slab)[index] = rt_to_bf16(value);
}

static uint64_t stands_at(const rt_map_record *r, uint64_t row, uint64_t column) {
    uint64_t counted = row + r->group_skip, at = column * r->column_step;
    if (!r->group)
        return at + row * r->row_step;
    return at + counted / r->group * r->group_step + counted % r->group * r->row_step -
           r->group_skip * r->row_step;
}

static char *fill_slab(Fixture *fixture, const Map *map, int64_t rank) {
    char *slab = arena_alloc(&fixture->arena, (size_t)fixture->schedule.ranks[rank].slab_bytes);
    for (uint64_t i = 0; i < map->header->records; i++) {
        const rt_map_record *r = &map->records[i];
        assert_true(i == 0 || map->records[i - 1].rank <= r->rank);
        for (uint64_t row = 0; r->rank == rank && row < r->rows; row++)
            for (uint64_t column = 0; column < r->columns; column++) {
                float value;
                memcpy(&value, map->data + r->offset + 4 * stands_at(r, row, column), 4);
                store(slab + r->slab, r->slab_type, row * r->pitch + column, value);
            }
    }
    return slab;
}

/* --- holdings --------------------------------------------------------------------------------- */

static float load(const char *slab, int64_t type, int64_t index) {
    return type == ELEMENT_F32 ? ((const float *)slab)[index]
                               : rt_from_bf16(((const uint16_t *)slab)[index]);
}

static void check_holding(Fixture *fixture, const Source *source, const RankSchedule *rank,
                          const Holding *holding, int64_t layer, const char *slab) {
    const Buffer *buffer = &rank->buffers.items[holding->buffer];
    int64_t rows, columns;
    TensorKind kind = (TensorKind)holding->tensor;
    model_tensor_shape(&fixture->plan.inputs.model, kind, &rows, &columns);
    ArenaMark mark = arena_mark(&fixture->arena);
    float *values = ARENA_ARRAY(&fixture->arena, rows * columns, float);
    assert_int_equal(source_read(source, kind, layer, holding->expert, values, &fixture->diag),
                     STATUS_OK);
    const char *base = slab + buffer->offset + layer * buffer->layer_stride + holding->delta;
    for (int64_t r = holding->rows.begin; r < holding->rows.end; r++)
        for (int64_t c = holding->columns.begin; c < holding->columns.end; c++) {
            int64_t at = (r - holding->rows.begin) * holding->pitch + c - holding->columns.begin;
            if (load(base, holding->type, at) != values[r * columns + c])
                fail_msg("rank %d %s layer %d [%d][%d] differs", (int)rank->rank, buffer->name,
                         (int)layer, (int)r, (int)c);
        }
    arena_rewind(&fixture->arena, mark);
}

/* The map of `from` against the elements of CHECKPOINT. */
static void check_map(Fixture *fixture, const char *from, int64_t dtype) {
    WeightsSummary summary;
    Safetensors checkpoint;
    Source source;
    Map map;
    assert_int_equal(weights_write_map(&fixture->arena, &fixture->schedule, from, fixture->path,
                                       &summary, &fixture->diag),
                     STATUS_OK);
    assert_int_equal(fixture->diag.count, 0);
    read_map(fixture, &map);
    assert_int_equal(safetensors_open(&fixture->arena, CHECKPOINT, 0, &checkpoint, &fixture->diag),
                     STATUS_OK);
    assert_int_equal(source_open(&source, &fixture->arena, &fixture->plan.inputs.model, dtype,
                                 &checkpoint, &fixture->diag),
                     STATUS_OK);
    for (int64_t r = 0; r < fixture->schedule.world; r++) {
        const RankSchedule *rank = &fixture->schedule.ranks[r];
        ArenaMark mark = arena_mark(&fixture->arena);
        const char *slab = fill_slab(fixture, &map, r);
        assert_true(rank->holdings.count > 0);
        for (int64_t i = 0; i < rank->holdings.count; i++) {
            const Holding *holding = &rank->holdings.items[i];
            for (int64_t layer = holding->layers.begin; layer < holding->layers.end; layer++)
                check_holding(fixture, &source, rank, holding, layer, slab);
        }
        arena_rewind(&fixture->arena, mark);
    }
    source_close(&source);
}

static void check_strategy(Fixture *fixture, const char *strategy, int64_t dtype) {
    make_schedule(fixture, strategy, dtype);
    check_map(fixture, CHECKPOINT, dtype);
}

static void test_single(void **state) {
    check_strategy(*state, "single", ELEMENT_F32);
}

static void test_uneven_heads(void **state) {
    check_strategy(*state, "ma-separation:attention=5,experts=3,groups=1", ELEMENT_F32);
}

static void test_groups_rounded(void **state) {
    check_strategy(*state, "ma-separation:attention=6,experts=2,groups=3", ELEMENT_BF16);
}

/* --- other forms ------------------------------------------------------------------------------ */

/* A checkpoint of the same elements where query, key and value of each key-value head stand together, the other way
 * round, and so do gate and up of all experts, row by row in turns. */
typedef struct Forms {
    Fixture *fixture;
    Source source;
    Buf header, data;
} Forms;

static const float *elements(Forms *forms, TensorKind kind, int64_t layer, int64_t expert) {
    Fixture *fixture = forms->fixture;
    int64_t rows, columns;
    model_tensor_shape(&fixture->plan.inputs.model, kind, &rows, &columns);
    float *values = ARENA_ARRAY(&fixture->arena, rows * columns, float);
    assert_int_equal(source_read(&forms->source, kind, layer, expert, values, &fixture->diag),
                     STATUS_OK);
    return values;
}

static void add_entry(Forms *forms, const char *name, const char *shape, uint64_t begin) {
    buf_printf(&forms->header,
               "%c\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%llu,%llu]}",
               forms->header.length ? ',' : '{', name, shape, (unsigned long long)begin,
               (unsigned long long)forms->data.length);
}

/* `kinds` in runs of a share of each, as columns. */
static void add_joined(Forms *forms, const TensorKind *kinds, int count, int64_t periods,
                       int64_t layer, int64_t expert) {
    const Model *model = &forms->fixture->plan.inputs.model;
    const float *values[3];
    int64_t rows[3], columns;
    for (int k = 0; k < count; k++) {
        values[k] = elements(forms, kinds[k], layer, expert);
        model_tensor_shape(model, kinds[k], &rows[k], &columns);
    }
    for (int64_t c = 0; c < columns; c++)
        for (int64_t p = 0; p < periods; p++)
            for (int k = 0; k < count; k++)
                for (int64_t r = p * rows[k] / periods; r < (p + 1) * rows[k] / periods; r++)
                    buf_append(&forms->data, (const char *)&values[k][r * columns + c],
                               sizeof(float));
}

static void add_plain(Forms *forms, TensorKind kind, int64_t layer, int64_t expert) {
    const Model *model = &forms->fixture->plan.inputs.model;
    Arena *arena = &forms->fixture->arena;
    int64_t rows, columns;
    uint64_t begin = forms->data.length;
    model_tensor_shape(model, kind, &rows, &columns);
    buf_append(&forms->data, (const char *)elements(forms, kind, layer, expert),
               (size_t)(rows * columns) * sizeof(float));
    add_entry(forms, model_tensor_name(arena, model, kind, layer, expert),
              columns == 1 ? arena_printf(arena, "%d", (int)rows)
                           : arena_printf(arena, "%d,%d", (int)rows, (int)columns),
              begin);
}

static void add_layer(Forms *forms, int64_t layer) {
    static const TensorKind attention[] = {TENSOR_QUERY, TENSOR_KEY, TENSOR_VALUE};
    static const TensorKind gated[] = {TENSOR_EXPERT_GATE, TENSOR_EXPERT_UP};
    Arena *arena = &forms->fixture->arena;
    const Model *model = &forms->fixture->plan.inputs.model;
    uint64_t begin = forms->data.length;
    add_joined(forms, attention, 3, model->kv_heads, layer, -1);
    add_entry(forms, arena_printf(arena, "qkv.%d", (int)layer), "64,128", begin);
    begin = forms->data.length;
    for (int64_t e = 0; e < model->experts; e++)
        add_joined(forms, gated, 2, model->expert_hidden, layer, e);
    add_entry(forms, arena_printf(arena, "both.%d", (int)layer), "8,64,256", begin);
    for (int64_t e = 0; e < model->experts; e++)
        add_plain(forms, TENSOR_EXPERT_DOWN, layer, e);
    add_plain(forms, TENSOR_ATTENTION_NORM, layer, -1);
    add_plain(forms, TENSOR_OUTPUT, layer, -1);
    add_plain(forms, TENSOR_FFN_NORM, layer, -1);
    add_plain(forms, TENSOR_ROUTER, layer, -1);
}

static void write_forms(Fixture *fixture, const char *path) {
    Forms forms = {.fixture = fixture};
    Safetensors checkpoint;
    assert_int_equal(safetensors_open(&fixture->arena, CHECKPOINT, 0, &checkpoint, &fixture->diag),
                     STATUS_OK);
    assert_int_equal(source_open(&forms.source, &fixture->arena, &fixture->plan.inputs.model,
                                 ELEMENT_F32, &checkpoint, &fixture->diag),
                     STATUS_OK);
    add_plain(&forms, TENSOR_EMBEDDING, -1, -1);
    for (int64_t layer = 0; layer < fixture->plan.inputs.model.layers; layer++)
        add_layer(&forms, layer);
    add_plain(&forms, TENSOR_FINAL_NORM, -1, -1);
    add_plain(&forms, TENSOR_HEAD, -1, -1);
    buf_puts(&forms.header, "}");
    Buf file = {0};
    uint64_t length = forms.header.length;
    buf_append(&file, (const char *)&length, sizeof length);
    buf_append(&file, forms.header.data, forms.header.length);
    buf_append(&file, forms.data.data, forms.data.length);
    assert_int_equal(fs_write(path, file.data, file.length, &fixture->diag), STATUS_OK);
    source_close(&forms.source);
    buf_free(&file);
    buf_free(&forms.header);
    buf_free(&forms.data);
}

/* Heads and columns are cut within the runs. */
static void test_forms(void **state) {
    static const ModelTensor forms[] = {
        {TENSOR_QUERY, "qkv.{layer}", 0, 128, 4, true},
        {TENSOR_KEY, "qkv.{layer}", 16, 128, 4, true},
        {TENSOR_VALUE, "qkv.{layer}", 24, 128, 4, true},
        {TENSOR_EXPERT_GATE, "both.{layer}", 0, 256, 128, true},
        {TENSOR_EXPERT_UP, "both.{layer}", 1, 256, 128, true},
    };
    Fixture *fixture = *state;
    make_schedule(fixture, "tp:tp=3", ELEMENT_F32);
    char *path = arena_printf(&fixture->arena, "%s.safetensors", fixture->path);
    write_forms(fixture, path);
    Model *model = &fixture->plan.inputs.model;
    memset(&model->alternatives, 0, sizeof model->alternatives);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        *(ModelTensor *)LIST_PUSH(&fixture->arena, &model->alternatives) = forms[i];
    check_map(fixture, path, ELEMENT_F32);
    unlink(path);
}

static void test_missing(void **state) {
    Fixture *fixture = *state;
    WeightsSummary summary;
    make_schedule(fixture, "single", ELEMENT_F32);
    Model *model = &fixture->plan.inputs.model;
    model->layers = 3;
    unlink(fixture->path);
    assert_int_equal(weights_write_map(&fixture->arena, &fixture->schedule, CHECKPOINT,
                                       fixture->path, &summary, &fixture->diag),
                     STATUS_DATA);
    assert_string_equal(fixture->diag.messages[0].code, "E0610");
    assert_non_null(strstr(fixture->diag.messages[0].text, "\"model.layers.2."));
    assert_non_null(strstr(fixture->diag.messages[0].help, "\"model.layers."));
    assert_false(fs_exists(fixture->path));
}

static void test_unused(void **state) {
    Fixture *fixture = *state;
    WeightsSummary summary;
    make_schedule(fixture, "single", ELEMENT_F32);
    fixture->plan.inputs.model.layers = 1;
    RankSchedule *rank = &fixture->schedule.ranks[0];
    for (int64_t i = 0; i < rank->holdings.count; i++)
        rank->holdings.items[i].layers.end = 1;
    unlink(fixture->path);
    assert_int_equal(weights_write_map(&fixture->arena, &fixture->schedule, CHECKPOINT,
                                       fixture->path, &summary, &fixture->diag),
                     STATUS_DATA);
    assert_int_equal(fixture->diag.count, 1);
    assert_string_equal(fixture->diag.messages[0].code, "E0613");
    assert_non_null(strstr(fixture->diag.messages[0].text, " and 28 more"));
    assert_false(fs_exists(fixture->path));
    /* As layers that the model knows of and does not use. */
    fixture->plan.inputs.model.extra_layers = 1;
    *(IgnoredTensor *)LIST_PUSH(&fixture->arena, &fixture->plan.inputs.model.ignored) =
        (IgnoredTensor){.name = "model.*.{extra}.*", .same_as = ""};
    assert_int_equal(weights_write_map(&fixture->arena, &fixture->schedule, CHECKPOINT,
                                       fixture->path, &summary, &fixture->diag),
                     STATUS_OK);
    assert_int_equal(summary.ignored, 31);
    assert_int_equal(summary.scaled, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_single, setup, teardown),
        cmocka_unit_test_setup_teardown(test_uneven_heads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_groups_rounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forms, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
