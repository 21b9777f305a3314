/* What crosses between gen and a program: array files, random weights and weight maps, good and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/array_file.h"
#include "core/rank.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static const char digest[] = "00112233445566aa";

static const char *path_of(const char *name) {
    static char paths[4][128];
    static int turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static int setup(void **state) {
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/test_rt_formats.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", dir);
    return system(command);
}

static void write_bytes(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

/* --- array files ---------------------------------------------------------------------------------------- */

static size_t arrays_make(char *bytes, size_t size) {
    const int32_t values[2][3] = {{1, 2, 3}, {4, 5, 6}};
    const double one[] = {0.5};
    const rt_array arrays[] = {{"values", RT_I32, 2, {2, 3}, values},
                               {"one", RT_F64, 1, {1}, one},
                               {"none", RT_F32, 3, {4, 0, 2}, NULL}};
    rt_error error = {0};
    assert_int_equal(rt_arrays_write(path_of("a.rta"), digest, arrays, 3, &error), RT_OK);
    FILE *file = fopen(path_of("a.rta"), "rb");
    size_t length = fread(bytes, 1, size, file);
    fclose(file);
    return length;
}

static void test_arrays(void **state) {
    (void)state;
    char bytes[1024];
    rt_arrays file;
    rt_error error = {0};
    const rt_array *array;
    assert_int_equal(arrays_make(bytes, sizeof bytes), 64 + 128 + 128 + 64);
    assert_int_equal(rt_arrays_read(&file, path_of("a.rta"), digest, &error), RT_OK);
    assert_int_equal(file.count, 3);
    assert_int_equal(rt_arrays_get(&file, "a", "values", RT_I32, 2, &array, &error), RT_OK);
    assert_int_equal(((const int32_t *)array->data)[5], 6);
    assert_int_equal(rt_arrays_get(&file, "a", "none", RT_F32, 3, &array, &error), RT_OK);
    assert_int_equal(rt_arrays_get(&file, "a", "values", RT_I64, 2, &array, &error), RT_DATA);
    error = (rt_error){0};
    assert_int_equal(rt_arrays_get(&file, "a", "other", RT_I32, 1, &array, &error), RT_DATA);
    assert_string_equal(error.text, "a: has no array 'other'");
    rt_arrays_free(&file);
    error = (rt_error){0};
    assert_int_equal(rt_arrays_read(&file, path_of("a.rta"), "ffffffffffffffff", &error), RT_DATA);
    assert_non_null(strstr(error.text, "belongs to plan 00112233445566aa"));
}

/* Cut off anywhere, or with any one byte of a header changed, a file is refused or read, never trusted. */
static void test_damaged_arrays(void **state) {
    (void)state;
    char bytes[1024];
    size_t size = arrays_make(bytes, sizeof bytes);
    rt_arrays file;
    for (size_t cut = 0; cut < 64 + 128 + 64 + 8; ++cut) {
        rt_error error = {0};
        write_bytes(path_of("cut.rta"), bytes, cut);
        assert_int_equal(rt_arrays_read(&file, path_of("cut.rta"), digest, &error), RT_DATA);
    }
    for (size_t at = 0; at < 128; ++at) {
        rt_error error = {0};
        char old = bytes[at];
        bytes[at] = (char)(old ^ 0x81);
        write_bytes(path_of("bad.rta"), bytes, size);
        if (rt_arrays_read(&file, path_of("bad.rta"), digest, &error) == RT_OK)
            rt_arrays_free(&file);
        else
            assert_true(*error.text);
        bytes[at] = old;
    }
}

/* --- weights -------------------------------------------------------------------------------------------- */

enum { SLAB = 4096 };

/* layers 2 and 3 of a matrix of 6 x 5, rows 1..4, columns 2..5; a norm; a bias in bf16 */
static const rt_weight weights[] = {
    {"l{layer}.e{expert}.w", 2, 4, 9, 6, 5, 1, 4, 2, 5, 0, 256, 4, RT_F32, RT_FILL_UNIFORM},
    {"norm", -1, -1, -1, 1, 8, 0, 1, 0, 8, 1024, 0, 8, RT_F32, RT_FILL_ONE},
    {"half", -1, -1, -1, 1, 8, 0, 1, 4, 8, 2048, 0, 8, RT_BF16, RT_FILL_UNIFORM},
};
static const rt_op ops[] = {{"none", "none", 0, 0, 0, false, {-1, -1, -1, -1, -1, -1}, ""}};
static const rt_role role[] = {{"only", SLAB, 0, 0, ops, 1}};
static const rt_place place[] = {{0, 0, 0, 0, weights, 3}};
static const rt_program program = {.abi = RT_ABI_VERSION,
                                   .name = "weights",
                                   .version = "test",
                                   .digest = digest,
                                   .world = 1,
                                   .roles = 1,
                                   .places = place,
                                   .role = role,
                                   .batch = 1,
                                   .prompt = 1,
                                   .context = 1,
                                   .vocabulary = 1,
                                   .copies = 1,
                                   .initializer_range = 0.02f};

typedef struct Fixture {
    rt_options options;
    rt_job job;
    rt_segment segment;
    rt_rank *rank;
} Fixture;

static void fixture_open(Fixture *fixture) {
    rt_error error = {0};
    *fixture = (Fixture){0};
    fixture->job = (rt_job){.program = &program,
                            .options = &fixture->options,
                            .sequences = 1,
                            .longest = 1,
                            .max_new = 1,
                            .waves = 1};
    assert_int_equal(rt_segment_plan(&fixture->segment, &fixture->job, &error), RT_OK);
    assert_int_equal(rt_segment_map(&fixture->segment, -1, true, &error), RT_OK);
    fixture->rank = rt_rank_create(&fixture->segment, 0);
    assert_non_null(fixture->rank);
}

static void fixture_close(Fixture *fixture) {
    rt_rank_free(fixture->rank);
    rt_segment_close(&fixture->segment);
}

static void test_random_weights(void **state) {
    (void)state;
    Fixture f;
    fixture_open(&f);
    assert_int_equal(rt_weights_fill(f.rank), RT_OK);
    for (int layer = 2; layer < 4; ++layer)
        for (int r = 1; r < 4; ++r)
            for (int c = 2; c < 5; ++c) {
                uint64_t key = rt_random_key(layer == 2 ? "l2.e9.w" : "l3.e9.w", 0);
                const float *slab = rt_at(f.rank, (layer - 2) * 256);
                assert_true(slab[(r - 1) * 4 + c - 2] ==
                            rt_random_weight(key, (uint64_t)(r * 5 + c), 0.02f));
            }
    assert_true(((float *)rt_at(f.rank, 1024))[7] == 1.0f);
    uint16_t half = *(uint16_t *)rt_at(f.rank, 2048);
    assert_int_equal(half, rt_to_bf16(rt_random_weight(rt_random_key("half", 0), 4, 0.02f)));
    assert_int_equal(f.rank->area->weight_bytes, 2 * 9 * 4 + 8 * 4 + 4 * 2);
    fixture_close(&f);
}

/* A checkpoint file of 64 bf16 numbers, i at index i; and a map of it that names all slices. */
typedef struct MapFile {
    rt_map_header header;
    rt_map_file file;
    rt_map_record records[4];
    char names[16];
} MapFile;

static MapFile map_make(void) {
    uint16_t numbers[64];
    for (int i = 0; i < 64; ++i)
        numbers[i] = rt_to_bf16((float)i);
    write_bytes(path_of("model.bin"), numbers, sizeof numbers);
    struct stat info;
    assert_int_equal(stat(path_of("model.bin"), &info), 0);
    MapFile map = {
        .header = {.magic = RT_MAP_MAGIC,
                   .version = 1,
                   .files = 1,
                   .records = 4,
                   .name_bytes = sizeof map.names},
        .file = {.name = 0,
                 .size = sizeof numbers,
                 .mtime_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec},
        .names = "model.bin"};
    memcpy(map.header.digest, digest, 16);
    /*                                rank file offset rows cols stride slab pitch types */
    map.records[0] = (rt_map_record){0, 0, 2 * 7, 3, 3, 5, 0, 4, RT_BF16, RT_F32};
    map.records[1] = (rt_map_record){0, 0, 2 * 30, 3, 3, 3, 256, 4, RT_BF16, RT_F32};
    map.records[2] = (rt_map_record){0, 0, 2 * 40, 1, 8, 8, 1024, 8, RT_BF16, RT_F32};
    map.records[3] = (rt_map_record){0, 0, 2 * 60, 1, 4, 4, 2048, 8, RT_BF16, RT_BF16};
    return map;
}

static rt_status map_try(const MapFile *map, size_t size, char *message) {
    Fixture f;
    fixture_open(&f);
    write_bytes(path_of("weights.map"), map, size);
    rt_status status = rt_weights_read(f.rank, path_of("weights.map"));
    snprintf(message, RT_MESSAGE, "%s", f.rank->area->message);
    if (status == RT_OK) {
        const float *slab = rt_at(f.rank, 0), *second = rt_at(f.rank, 256);
        assert_true(slab[0] == 7 && slab[2] == 9 && slab[4] == 12 && slab[10] == 19);
        assert_true(slab[3] == 0 && slab[11] == 0); /* between rows */
        assert_true(second[0] == 30 && second[4] == 33 && second[10] == 38);
        assert_true(*(float *)rt_at(f.rank, 1024) == 40);
        assert_int_equal(*(uint16_t *)rt_at(f.rank, 2048), rt_to_bf16(60));
    }
    fixture_close(&f);
    return status;
}

static void test_weight_map(void **state) {
    (void)state;
    char message[RT_MESSAGE];
    MapFile map = map_make(), bad = map;
    assert_int_equal(map_try(&map, sizeof map, message), RT_OK);
    bad.header.digest[0] = '9';
    assert_int_equal(map_try(&bad, sizeof bad, message), RT_DATA);
    assert_non_null(strstr(message, "belongs to plan 9"));
    assert_int_equal(map_try(&map, sizeof map - 1, message), RT_DATA);
    assert_non_null(strstr(message, "is damaged or cut off"));
    for (int i = 0; i < 4; ++i) {
        bad = map;
        uint64_t *fields[] = {&bad.records[1].rows, &bad.records[1].slab, &bad.records[1].stride,
                              &bad.records[1].offset};
        *fields[i] = i % 2 ? SLAB : UINT64_MAX / 2;
        assert_int_equal(map_try(&bad, sizeof bad, message), RT_DATA);
        assert_non_null(strstr(message, "lies outside its file or the slab"));
    }
    bad = map;
    bad.header.records = 3;
    memmove(&bad.records[3], bad.names, sizeof bad.names);
    assert_int_equal(map_try(&bad, sizeof bad - sizeof(rt_map_record), message), RT_DATA);
    assert_non_null(strstr(message, "holds 104 bytes for this rank, which needs 112"));
    bad = map;
    bad.file.mtime_ns++;
    assert_int_equal(map_try(&bad, sizeof bad, message), RT_DATA);
    assert_non_null(strstr(message, "model.bin changed since"));
    unlink(path_of("model.bin"));
    assert_int_equal(map_try(&map, sizeof map, message), RT_NOINPUT);
}

/* --- words ---------------------------------------------------------------------------------------------- */

static void test_word_wraps(void **state) {
    (void)state;
    rt_word word = RT_COUNT_MASK;
    assert_false(rt_word_reached(word, 0));
    assert_true(rt_word_reached(word, RT_COUNT_MASK));
    assert_int_equal(rt_word_add(&word), 0);
    assert_true(rt_word_reached(word, 0));
    assert_true(rt_word_reached(word, RT_COUNT_MASK));
    rt_word_abort(&word);
    assert_int_equal(rt_word_add(&word), RT_ABORT_BIT | 1);
    rt_word_sleep(&word, 1, 0); /* the value is another: no sleep, no mark */
    assert_int_equal(word, RT_ABORT_BIT | 1);
    rt_word_sleep(&word, RT_ABORT_BIT | 1, 0);
    assert_int_equal(rt_word_add(&word), RT_ABORT_BIT | RT_SLEEP_BIT | 2);
    rt_word_wake(&word);
    assert_int_equal(word, RT_ABORT_BIT | 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrays),         cmocka_unit_test(test_damaged_arrays),
        cmocka_unit_test(test_random_weights), cmocka_unit_test(test_weight_map),
        cmocka_unit_test(test_word_wraps),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
