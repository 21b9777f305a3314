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

static char *fill_slab(Fixture *fixture, const Map *map, int64_t rank) {
    char *slab = arena_alloc(&fixture->arena, (size_t)fixture->schedule.ranks[rank].slab_bytes);
    for (uint64_t i = 0; i < map->header->records; i++) {
        const rt_map_record *r = &map->records[i];
        assert_true(i == 0 || map->records[i - 1].rank <= r->rank);
        for (uint64_t row = 0; r->rank == rank && row < r->rows; row++)
            for (uint64_t column = 0; column < r->columns; column++) {
                float value;
                memcpy(&value,
                       map->data + r->offset + 4 * (row * r->row_step + column * r->column_step),
                       4);
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

static void check_strategy(Fixture *fixture, const char *strategy, int64_t dtype) {
    WeightsSummary summary;
    Safetensors checkpoint;
    Source source;
    Map map;
    make_schedule(fixture, strategy, dtype);
    assert_int_equal(weights_write_map(&fixture->arena, &fixture->schedule, CHECKPOINT,
                                       fixture->path, &summary, &fixture->diag),
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

static void test_single(void **state) {
    check_strategy(*state, "single", ELEMENT_F32);
}

static void test_uneven_heads(void **state) {
    check_strategy(*state, "ma-separation:attention=5,experts=3,groups=1", ELEMENT_F32);
}

static void test_groups_rounded(void **state) {
    check_strategy(*state, "ma-separation:attention=6,experts=2,groups=3", ELEMENT_BF16);
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
        cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
