/* What crosses between gen and a program: array files, random weights and weight maps, good and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/array_file.h"
#include "core/backend.h"
#include "one_rank.h"

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

/* Each figure of a header and of an entry, changed alone to what it must not be. */
static void test_array_figures(void **state) {
    (void)state;
    static const struct {
        size_t at, size;
        uint64_t value;
        const char *words;
    } cases[] = {
        {0, 1, 'X', "is not an array file"},
        {8, 4, 2, "version 2 with 3 arrays"},
        {12, 4, 4097, "version 1 with 4097 arrays"},
        {12, 4, 4, "array 3 is damaged or cut off"},
        {64 + 24, 4, RT_F64 + 1, "array 0 is damaged"},
        {64 + 24, 4, UINT32_MAX, "array 0 is damaged"},
        {64 + 24, 4, RT_I64, "array 0 is damaged"},
        {64 + 28, 4, 0, "array 0 is damaged"},
        {64 + 28, 4, 1, "array 0 is damaged"},
        {64 + 28, 4, 4, "array 0 is damaged"},
        {64 + 32, 8, 0, "array 0 is damaged"},
        {64 + 32, 8, UINT64_C(1) << 31, "array 0 is damaged"},
        {64 + 40, 8, UINT64_C(1) << 63, "array 0 is damaged"},
        {64 + 48, 8, 2, "array 0 is damaged"},
        {64 + 56, 8, 0, "array 0 is damaged"},
        {64 + 56, 8, UINT64_MAX, "array 0 is damaged"},
    };
    char bytes[1024], copy[1024];
    size_t size = arrays_make(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        rt_arrays file;
        rt_error error = {0};
        memcpy(copy, bytes, size);
        memcpy(copy + cases[i].at, &cases[i].value, cases[i].size);
        write_bytes(path_of("bad.rta"), copy, size);
        assert_int_equal(rt_arrays_read(&file, path_of("bad.rta"), digest, &error), RT_DATA);
        if (!strstr(error.text, cases[i].words))
            fail_msg("%zu: expected '%s', got '%s'", cases[i].at, cases[i].words, error.text);
        assert_null(file.items);
    }
    memset(bytes + 64, 'n', 24); /* a name without an end */
    write_bytes(path_of("bad.rta"), bytes, size);
    rt_arrays file;
    rt_error error = {0};
    assert_int_equal(rt_arrays_read(&file, path_of("bad.rta"), digest, &error), RT_DATA);
    assert_non_null(strstr(error.text, "array 0 is damaged"));
}

/* Shapes whose bytes do not fit 64 bits, or whose product wraps to what is there. */
static void test_array_overflow(void **state) {
    (void)state;
    char bytes[1024];
    size_t size = arrays_make(bytes, sizeof bytes);
    rt_array_entry entry;
    memcpy(&entry, bytes + 64, sizeof entry);
    entry.type = RT_F64;
    entry.dims = 3;
    entry.shape[0] = entry.shape[1] = entry.shape[2] = INT32_MAX;
    entry.bytes = (uint64_t)8 * INT32_MAX * INT32_MAX * (uint64_t)INT32_MAX; /* wraps */
    memcpy(bytes + 64, &entry, sizeof entry);
    write_bytes(path_of("bad.rta"), bytes, size);
    rt_arrays file;
    rt_error error = {0};
    assert_int_equal(rt_arrays_read(&file, path_of("bad.rta"), digest, &error), RT_DATA);
    assert_non_null(strstr(error.text, "array 0 is damaged"));
    entry.shape[1] = 1;
    entry.shape[2] = 0; /* no bytes at all: sound */
    entry.bytes = 0;
    memcpy(bytes + 64, &entry, sizeof entry);
    memset(bytes + 12, 0, 4);
    bytes[12] = 1;
    write_bytes(path_of("bad.rta"), bytes, size);
    error = (rt_error){0};
    assert_int_equal(rt_arrays_read(&file, path_of("bad.rta"), digest, &error), RT_OK);
    assert_int_equal(file.count, 1);
    rt_arrays_free(&file);
}

/* What is no file, and files of other plans: nothing that they hold steers a terminal. */
static void test_array_files(void **state) {
    (void)state;
    rt_arrays file;
    rt_error error = {0};
    const rt_array *array;
    char bytes[1024];
    size_t size = arrays_make(bytes, sizeof bytes);
    assert_int_equal(rt_arrays_read(&file, dir, digest, &error), RT_DATA);
    assert_non_null(strstr(error.text, "is not a regular file"));
    error = (rt_error){0};
    assert_int_equal(rt_arrays_read(&file, path_of("nowhere"), digest, &error), RT_NOINPUT);
    error = (rt_error){0};
    assert_int_equal(rt_arrays_read(&file, path_of("a.rta/x"), digest, &error), RT_DATA);
    error = (rt_error){0};
    assert_int_equal(rt_arrays_write(path_of("no/where"), digest, NULL, 0, &error), RT_CANTCREAT);
    memcpy(bytes + 16, "\x1b[2J\r\n\x7f", 7);
    write_bytes(path_of("esc.rta"), bytes, size);
    error = (rt_error){0};
    assert_int_equal(rt_arrays_read(&file, path_of("esc.rta"), digest, &error), RT_DATA);
    assert_non_null(strstr(error.text, "belongs to plan ?[2J???"));
    memset(bytes + 16, 0, 16); /* of any plan */
    write_bytes(path_of("any.rta"), bytes, size);
    error = (rt_error){0};
    assert_int_equal(rt_arrays_read(&file, path_of("any.rta"), digest, &error), RT_OK);
    assert_int_equal(rt_arrays_get(&file, "a", "values", RT_I32, 1, &array, &error), RT_DATA);
    assert_string_equal(error.text, "a: array 'values' has another type or rank than expected");
    rt_arrays_free(&file);
}

/* --- weights -------------------------------------------------------------------------------------------- */

enum { SLAB = 4096 };

/* layers 2 and 3 of a matrix of 6 x 5, rows 1..4, columns 2..5; a norm; a bias in bf16 */
static const rt_weight weights[] = {
    {"l{layer}.e{expert}.w", 2, 4, 9, 6, 5, 1, 4, 2, 5, 0, 256, 4, RT_F32, RT_FILL_UNIFORM},
    {"norm", -1, -1, -1, 1, 8, 0, 1, 0, 8, 1024, 0, 8, RT_F32, RT_FILL_ONE},
    {"half", -1, -1, -1, 1, 8, 0, 1, 4, 8, 2048, 0, 8, RT_BF16, RT_FILL_UNIFORM},
};
typedef struct Fixture {
    OneRank one;
    rt_rank *rank;
} Fixture;

static void fixture_open(Fixture *fixture) {
    assert_true(one_rank_open(&fixture->one, SLAB, weights, sizeof weights / sizeof *weights));
    fixture->rank = rt_rank_create(&fixture->one.segment, 0);
    assert_non_null(fixture->rank);
    assert_int_equal(rt_backend_open(fixture->rank), RT_OK);
}

static void fixture_close(Fixture *fixture) {
    rt_rank_free(fixture->rank);
    one_rank_close(&fixture->one);
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

static rt_map_record piece(uint64_t first, uint64_t rows, uint64_t columns, uint64_t step,
                           uint64_t slab, uint64_t pitch, uint32_t slab_type) {
    return (rt_map_record){.offset = 2 * first,
                           .rows = rows,
                           .columns = columns,
                           .row_step = step,
                           .column_step = 1,
                           .slab = slab,
                           .pitch = pitch,
                           .type = RT_BF16,
                           .slab_type = slab_type};
}

static MapFile map_make(void) {
    uint16_t numbers[64];
    for (int i = 0; i < 64; ++i)
        numbers[i] = rt_to_bf16((float)i);
    write_bytes(path_of("model.bin"), numbers, sizeof numbers);
    struct stat info;
    assert_int_equal(stat(path_of("model.bin"), &info), 0);
    MapFile map = {
        .header = {.magic = RT_MAP_MAGIC,
                   .version = RT_MAP_VERSION,
                   .files = 1,
                   .records = 4,
                   .name_bytes = sizeof map.names},
        .file = {.name = 0,
                 .size = sizeof numbers,
                 .mtime_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec},
        .names = "model.bin"};
    memcpy(map.header.digest, digest, 16);
    map.records[0] = piece(7, 3, 3, 5, 0, 4, RT_F32);
    map.records[1] = piece(30, 3, 3, 3, 256, 4, RT_F32);
    map.records[2] = piece(40, 1, 8, 8, 1024, 8, RT_F32);
    map.records[3] = piece(60, 1, 4, 4, 2048, 8, RT_BF16);
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
        uint64_t *fields[] = {&bad.records[1].rows, &bad.records[1].slab, &bad.records[1].row_step,
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

/* Each figure of the map's header, files and records that could lead astray. */
static void test_map_figures(void **state) {
    (void)state;
    static const MapFile zero;
    static const struct {
        size_t at, size;
        uint64_t value;
        const char *words;
    } cases[] = {
        {offsetof(MapFile, header.magic), 1, 'X', "is not a weight map of version 2"},
        {offsetof(MapFile, header.version), 4, 1, "is not a weight map of version 2"},
        {offsetof(MapFile, header.files), 4, UINT32_MAX, "is damaged or cut off"},
        {offsetof(MapFile, header.files), 4, 2, "is damaged or cut off"},
        {offsetof(MapFile, header.records), 8, UINT64_MAX, "is damaged or cut off"},
        {offsetof(MapFile, header.records), 8, 5, "is damaged or cut off"},
        {offsetof(MapFile, header.name_bytes), 8, 15, "is damaged or cut off"},
        {offsetof(MapFile, header.name_bytes), 8, UINT64_MAX, "is damaged or cut off"},
        {offsetof(MapFile, names) + 15, 1, 'x', "is damaged or cut off"},
        {offsetof(MapFile, file.name), 8, 16, "file 0 has no name"},
        {offsetof(MapFile, file.name), 8, UINT64_MAX, "file 0 has no name"},
        {offsetof(MapFile, file.name), 8, 15, "checkpoint file"}, /* the empty name: the folder */
        {offsetof(MapFile, file.size), 8, 127, "model.bin changed since"},
        {offsetof(MapFile, records[0].rank), 4, 1, "holds 0 bytes for this rank"},
        {offsetof(MapFile, records[3].rank), 4, 1, "holds 104 bytes for this rank"},
        {offsetof(MapFile, records[0].file), 4, 1, "has an unknown type or file"},
        {offsetof(MapFile, records[0].type), 4, RT_I32, "has an unknown type or file"},
        {offsetof(MapFile, records[0].slab_type), 4, RT_I32, "has an unknown type or file"},
        {offsetof(MapFile, records[1].rows), 8, 0, "a record is empty"},
        {offsetof(MapFile, records[1].columns), 8, 0, "a record is empty"},
        {offsetof(MapFile, records[1].columns), 8, 4, "aslant"},
        {offsetof(MapFile, records[1].row_step), 8, 2, "aslant"},
        {offsetof(MapFile, records[1].row_step), 8, UINT64_MAX, "lies outside"},
        {offsetof(MapFile, records[1].pitch), 8, 2, "aslant"},
        {offsetof(MapFile, records[1].pitch), 8, UINT64_MAX, "lies outside"},
        {offsetof(MapFile, records[1].slab), 8, 258, "aslant"},
        {offsetof(MapFile, records[1].slab), 8, UINT64_MAX - 3, "lies outside"},
        {offsetof(MapFile, records[1].slab), 8, SLAB - 40, "lies outside"},
        {offsetof(MapFile, records[1].offset), 8, UINT64_MAX, "lies outside"},
        {offsetof(MapFile, records[1].offset), 8, INT64_MAX, "lies outside"},
        {offsetof(MapFile, records[1].offset), 8, 111, "lies outside"},
        {offsetof(MapFile, records[3].offset), 8, 121, "lies outside"},
        {offsetof(MapFile, records[1].column_step), 8, 0, "aslant"},
        {offsetof(MapFile, records[1].column_step), 8, 2, "aslant"}, /* neither step is 1 */
        {offsetof(MapFile, records[1].group), 8, 2, "aslant"},       /* groups one in another */
        {offsetof(MapFile, records[1].group_skip), 8, 1, "aslant"},
        {offsetof(MapFile, records[1].group_step), 8, 9, "aslant"},
        {offsetof(MapFile, records[1].scale_width), 8, 3, "aslant"}, /* nothing is scaled */
        {offsetof(MapFile, records[1].scale_file), 4, 1, "has an unknown type or file"},
        {offsetof(MapFile, records[1].type), 4, RT_E4M3, "aslant"}, /* no scales */
        {offsetof(MapFile, records[1].type), 4, RT_E5M2 + 1, "has an unknown type or file"},
        {offsetof(MapFile, records[1].slab_type), 4, RT_E4M3, "has an unknown type or file"},
        /* Within all bounds, but not what the plan has there. */
        {offsetof(MapFile, records[1].rows), 8, 2, "not of the weight whose turn it is"},
        {offsetof(MapFile, records[1].slab), 8, 0, "not of the weight whose turn it is"},
        {offsetof(MapFile, records[1].pitch), 8, 3, "not of the weight whose turn it is"},
        {offsetof(MapFile, records[1].slab_type), 4, RT_BF16, "not of the weight whose turn it is"},
        {offsetof(MapFile, records[2].columns), 8, 7, "not of the weight whose turn it is"},
    };
    char message[RT_MESSAGE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        MapFile bad = map_make();
        memcpy((char *)&bad + cases[i].at, &cases[i].value, cases[i].size);
        assert_int_equal(map_try(&bad, sizeof bad, message), RT_DATA);
        if (!strstr(message, cases[i].words))
            fail_msg("byte %zu: expected '%s', got '%s'", cases[i].at, cases[i].words, message);
    }
    assert_int_equal(map_try(&zero, sizeof zero.header - 1, message), RT_DATA);
    assert_non_null(strstr(message, "is not a weight map"));
}

/* As many bytes as are wanted, but some twice and others not at all. */
static void test_map_fills_each_once(void **state) {
    (void)state;
    char message[RT_MESSAGE];
    MapFile bad = map_make();
    bad.records[1] = bad.records[0];
    assert_int_equal(map_try(&bad, sizeof bad, message), RT_DATA);
    assert_non_null(strstr(message, "not of the weight whose turn it is"));
    bad = map_make();
    rt_map_record first = bad.records[0];
    bad.records[0] = bad.records[1];
    bad.records[1] = first;
    assert_int_equal(map_try(&bad, sizeof bad, message), RT_DATA);
    assert_non_null(strstr(message, "not of the weight whose turn it is"));
    /* One more than there are weights. */
    struct {
        MapFile map;
        rt_map_record room;
    } more = {.map = map_make()};
    more.map.header.records = 5;
    memmove(more.map.names + sizeof more.room, more.map.names, sizeof more.map.names);
    memcpy(more.map.names, &more.map.records[3], sizeof more.room);
    assert_int_equal(map_try(&more.map, sizeof more, message), RT_DATA);
    assert_non_null(strstr(message, "not of the weight whose turn it is"));
}

/* Pipes are not waited for, folders not read, names too long for a path not cut. */
static void test_map_of_no_files(void **state) {
    (void)state;
    char message[RT_MESSAGE];
    Fixture f;
    static const char *const names[] = {"pipe", ""};
    MapFile map = map_make();
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    for (int i = 0; i < 2; ++i) {
        fixture_open(&f);
        assert_int_equal(rt_weights_read(f.rank, i ? dir : path_of(names[0])), RT_DATA);
        assert_non_null(strstr(f.rank->area->message, "is not a weight map"));
        fixture_close(&f);
    }
    fixture_open(&f);
    assert_int_equal(rt_weights_read(f.rank, path_of("nowhere")), RT_NOINPUT);
    fixture_close(&f);
    fixture_open(&f);
    assert_int_equal(rt_weights_read(f.rank, path_of("pipe/x")), RT_DATA);
    fixture_close(&f);
    struct stat info;
    assert_int_equal(stat(path_of("pipe"), &info), 0);
    memcpy(map.names, "pipe\0\0\0\0\0", 10);
    map.file.mtime_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    assert_int_equal(map_try(&map, sizeof map, message), RT_DATA);
    assert_non_null(strstr(message, "pipe changed since"));
    unlink(path_of("pipe"));
    /* A name that begins with '/' stands alone; control characters in it are shown as '?'. */
    map = map_make();
    memcpy(map.names, "/no\x1bwhere", 10);
    assert_int_equal(map_try(&map, sizeof map, message), RT_NOINPUT);
    assert_non_null(strstr(message, "checkpoint file /no?where: "));
    static struct {
        MapFile map;
        char rest[8192];
    } longer;
    longer.map = map_make();
    memset(longer.map.names, 'n', sizeof longer.map.names + sizeof longer.rest);
    longer.rest[sizeof longer.rest - 1] = 0;
    longer.map.header.name_bytes = sizeof longer.map.names + sizeof longer.rest;
    assert_int_equal(map_try(&longer.map, sizeof longer, message), RT_DATA);
    assert_non_null(strstr(message, "the name of file 0 is too long"));
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
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_damaged_arrays),
        cmocka_unit_test(test_random_weights),
        cmocka_unit_test(test_weight_map),
        cmocka_unit_test(test_array_figures),
        cmocka_unit_test(test_array_overflow),
        cmocka_unit_test(test_array_files),
        cmocka_unit_test(test_map_figures),
        cmocka_unit_test(test_map_fills_each_once),
        cmocka_unit_test(test_map_of_no_files),
        cmocka_unit_test(test_word_wraps),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
