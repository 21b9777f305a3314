/* Headers of checkpoints: what is read, and that every header which cannot be is refused by a
 * message. */
#include "input/safetensors.h"

#include "base/buf.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

typedef struct Fixture {
    Arena arena;
    Diag diag;
    char folder[64];
} Fixture;

static int setup(void **state) {
    Fixture *fixture = calloc(1, sizeof *fixture);
    fixture->diag.arena = &fixture->arena;
    strcpy(fixture->folder, "/tmp/test_safetensors.XXXXXX");
    *state = fixture;
    return mkdtemp(fixture->folder) ? 0 : -1;
}

static int teardown(void **state) {
    static const char *const names[] = {"model.safetensors", "a.safetensors", "b.safetensors",
                                        "model.safetensors.index.json"};
    Fixture *fixture = *state;
    for (int i = 0; i < 4; i++)
        unlink(fs_join(&fixture->arena, fixture->folder, names[i]));
    rmdir(fixture->folder);
    arena_free(&fixture->arena);
    free(fixture);
    return 0;
}

/* A file with this header, which claims `claimed` bytes (-1: its own), and `data` bytes of
 * elements. */
static void write_file(Fixture *fixture, const char *name, const char *header, int64_t claimed,
                       int64_t data) {
    Buf out = {0};
    uint64_t length = claimed < 0 ? strlen(header) : (uint64_t)claimed;
    buf_append(&out, (const char *)&length, 8);
    buf_puts(&out, header);
    for (int64_t i = 0; i < data; i++)
        buf_putc(&out, (char)i);
    assert_int_equal(fs_write(fs_join(&fixture->arena, fixture->folder, name), out.data, out.length,
                              &fixture->diag),
                     STATUS_OK);
    buf_free(&out);
}

static Status open_header(Fixture *fixture, const char *header, int64_t data,
                          Safetensors *checkpoint) {
    write_file(fixture, "model.safetensors", header, -1, data);
    return safetensors_open(&fixture->arena, fixture->folder, 0, checkpoint, &fixture->diag);
}

static void expect_refused(Fixture *fixture, const char *header, int64_t data, const char *code,
                           const char *words) {
    Safetensors checkpoint;
    fixture->diag.count = 0;
    assert_int_equal(open_header(fixture, header, data, &checkpoint), STATUS_DATA);
    assert_string_equal(fixture->diag.messages[0].code, code);
    if (!strstr(fixture->diag.messages[0].text, words))
        fail_msg("\"%s\" does not say \"%s\"", fixture->diag.messages[0].text, words);
}

#define X "\"x\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}"

static void test_read(void **state) {
    Fixture *fixture = *state;
    Safetensors checkpoint;
    const char *header = "{\"__metadata__\":{\"format\":\"pt\"},"
                         "\"z\":{\"dtype\":\"BF16\",\"shape\":[4],\"data_offsets\":[24,32]}," X
                         ",\"i\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[32,40]}}   ";
    assert_int_equal(open_header(fixture, header, 40, &checkpoint), STATUS_OK);
    assert_int_equal(checkpoint.tensors.count, 3);
    assert_int_equal(checkpoint.files.items[0].size, 8 + strlen(header) + 40);
    const SafetensorsTensor *z = safetensors_find(&checkpoint, "z");
    assert_int_equal(z->offset, 8 + strlen(header) + 24);
    assert_int_equal(z->element, 1);
    assert_int_equal(safetensors_find(&checkpoint, "i")->element, -1);
    assert_null(safetensors_find(&checkpoint, "__metadata__"));
    assert_ptr_equal(safetensors_require(&checkpoint, "z", 4, 1, &fixture->diag), z);
    assert_int_equal(fixture->diag.count, 0);
}

static void test_require(void **state) {
    Fixture *fixture = *state;
    Safetensors checkpoint;
    assert_int_equal(open_header(fixture,
                                 "{\"layers.0.query\":{\"dtype\":\"I32\",\"shape\":[2,3],"
                                 "\"data_offsets\":[0,24]}}",
                                 24, &checkpoint),
                     STATUS_OK);
    const DiagMessage *messages = fixture->diag.messages;
    assert_null(safetensors_require(&checkpoint, "layers.0.quern", 2, 3, &fixture->diag));
    assert_string_equal(messages[0].code, "E0610");
    assert_non_null(strstr(messages[0].help, "\"layers.0.query\""));
    assert_null(safetensors_require(&checkpoint, "layers.0.query", 3, 2, &fixture->diag));
    assert_string_equal(messages[1].code, "E0611");
    assert_string_equal(messages[1].text,
                        "tensor \"layers.0.query\" has the shape [2, 3], the model needs [3, 2]");
    assert_null(safetensors_require(&checkpoint, "layers.0.query", 2, 3, &fixture->diag));
    assert_string_equal(messages[2].code, "E0612");
}

/* Blocks of two rows of three: in three dimensions or two; of vectors in two or one. */
static void test_blocks(void **state) {
    static const struct {
        const char *shape;
        int64_t blocks, rows, columns;
        bool good;
    } cases[] = {
        {"[4,2,3]", 4, 2, 3, true},    {"[8,3]", 4, 2, 3, true},
        {"[2,4,3]", 4, 2, 3, false},   {"[4,3,2]", 4, 2, 3, false},
        {"[24]", 4, 2, 3, false},      {"[24]", 4, 6, 1, true},
        {"[4,6]", 4, 6, 1, true},      {"[6,4]", 4, 6, 1, false},
        {"[24,1]", 4, 6, 1, true},     {"[4,2,3]", 0, 8, 3, false},
        {"[8,3]", 0, 8, 3, true},      {"[1,8,3]", 1, 8, 3, true},
        {"[4,2,3,1]", 4, 2, 3, false}, {"[8,3]", INT64_MAX, 2, 3, false},
    };
    Fixture *fixture = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Safetensors checkpoint;
        const char *header = arena_printf(
            &fixture->arena, "{\"x\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[0,96]}}",
            cases[i].shape);
        fixture->diag.count = 0;
        assert_int_equal(open_header(fixture, header, 96, &checkpoint), STATUS_OK);
        bool good = safetensors_require_blocks(&checkpoint, "x", cases[i].blocks, cases[i].rows,
                                               cases[i].columns, &fixture->diag) != NULL;
        if (good != cases[i].good)
            fail_msg("%s as %lld of %lld x %lld", cases[i].shape, (long long)cases[i].blocks,
                     (long long)cases[i].rows, (long long)cases[i].columns);
    }
    assert_string_equal(fixture->diag.messages[0].code, "E0611");
}

static void test_refused(void **state) {
    Fixture *fixture = *state;
    expect_refused(fixture, "[]", 0, "E0602", "no JSON object");
    expect_refused(fixture, "{", 0, "E0602", "no JSON object");
    expect_refused(fixture, "{" X "," X "}", 24, "E0602", "duplicate");
    expect_refused(fixture, "{\"x\":3}", 24, "E0602", "unknown type");
    expect_refused(fixture, "{\"x\":{\"dtype\":\"F31\",\"shape\":[],\"data_offsets\":[0,4]}}", 4,
                   "E0602", "unknown type F31");
    expect_refused(fixture, "{\"x\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4,
                   "E0602", "the shape");
    expect_refused(fixture, "{\"x\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4,
                   "E0602", "the shape");
    expect_refused(fixture,
                   "{\"x\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],"
                   "\"data_offsets\":[0,0]}}",
                   0, "E0602", "the shape");
    expect_refused(fixture, "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4,
                   "E0602", "no range");
    expect_refused(fixture, "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8,
                   "E0602", "need 4");
}

static void test_tiling(void **state) {
    Fixture *fixture = *state;
    expect_refused(fixture, "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8,
                   "E0603", "leaving a hole");
    expect_refused(fixture,
                   "{" X ",\"y\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[20,24]}}", 24,
                   "E0603", "overlapping");
    expect_refused(fixture, "{" X "}", 23, "E0603", "past the end");
    expect_refused(fixture, "{" X "}", 25, "E0603", "the file at byte 25");
}

static void test_lengths(void **state) {
    Fixture *fixture = *state;
    Safetensors checkpoint;
    write_file(fixture, "model.safetensors", "{}", 3, 0);
    assert_int_equal(
        safetensors_open(&fixture->arena, fixture->folder, 0, &checkpoint, &fixture->diag),
        STATUS_DATA);
    assert_non_null(strstr(fixture->diag.messages[0].text, "claims 3 bytes"));
    write_file(fixture, "model.safetensors", "{" X "}", -1, 24);
    assert_int_equal(
        safetensors_open(&fixture->arena, fixture->folder, 10, &checkpoint, &fixture->diag),
        STATUS_DATA);
    assert_non_null(strstr(fixture->diag.messages[1].text, "limit of 10"));
    assert_int_equal(safetensors_open(&fixture->arena, "/nowhere", 0, &checkpoint, &fixture->diag),
                     STATUS_NOINPUT);
}

#define AS(type, shape, offsets)                                                                   \
    "{\"x\":{\"dtype\":" type ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

/* Each of the three figures of a tensor, of every other form. */
static void test_forms(void **state) {
    static const struct {
        const char *header, *words;
    } cases[] = {
        {AS("3", "[1]", "[0,4]"), "unknown type (none)"},
        {AS("null", "[1]", "[0,4]"), "unknown type (none)"},
        {AS("\"f32\"", "[1]", "[0,4]"), "unknown type f32"},
        {AS("\"F32\"", "1", "[0,4]"), "the shape of tensor"},
        {AS("\"F32\"", "{}", "[0,4]"), "the shape of tensor"},
        {AS("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), "no list of at most"},
        {AS("\"F32\"", "[\"1\"]", "[0,4]"), "the shape of tensor"},
        {AS("\"F32\"", "[1.0]", "[0,4]"), "the shape of tensor"},
        {AS("\"F32\"", "[9223372036854775807]", "[0,4]"), "the shape of tensor"},
        {AS("\"F32\"", "[9223372036854775808]", "[0,4]"), "no JSON object"},
        {AS("\"F32\"", "[1]", "[0]"), "are no range of bytes"},
        {AS("\"F32\"", "[1]", "[0,4,8]"), "are no range of bytes"},
        {AS("\"F32\"", "[1]", "[]"), "are no range of bytes"},
        {AS("\"F32\"", "[1]", "4"), "are no range of bytes"},
        {AS("\"F32\"", "[1]", "[\"0\",4]"), "are no range of bytes"},
        {AS("\"F32\"", "[1]", "[0,4.0]"), "are no range of bytes"},
        {AS("\"F32\"", "[1]", "[-4,0]"), "are no range of bytes"},
        {AS("\"F32\"", "[1]", "[0,9223372036854775807]"), "has 9223372036854775807 bytes"},
        {"{\"x\":[]}", "unknown type (none)"},
        {"{\"x\":null}", "unknown type (none)"},
        {"{\"\\ud800\":3}", "no JSON object"},
        {"{\"\\u0000\":3}", "no JSON object"},
        {"[]", "it is another value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refused(*state, cases[i].header, 4, "E0602", cases[i].words);
}

/* Tensors without elements take no bytes, wherever they stand; they are found nonetheless. */
static void test_nothing(void **state) {
    Fixture *fixture = *state;
    Safetensors checkpoint;
    assert_int_equal(open_header(fixture, "{}", 0, &checkpoint), STATUS_OK);
    assert_int_equal(checkpoint.tensors.count, 0);
    assert_null(safetensors_find(&checkpoint, "x"));
    assert_int_equal(
        open_header(fixture,
                    "{\"b\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[24,24]}," X
                    ",\"a\":{\"dtype\":\"F16\",\"shape\":[7,0],"
                    "\"data_offsets\":[0,0]}}",
                    24, &checkpoint),
        STATUS_OK);
    assert_int_equal(safetensors_find(&checkpoint, "a")->bytes, 0);
    assert_int_equal(safetensors_find(&checkpoint, "x")->bytes, 24);
    expect_refused(fixture,
                   "{" X ",\"y\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[12,12]}}", 24,
                   "E0603", "overlapping");
    expect_refused(fixture,
                   "{" X ",\"y\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[28,28]}}", 28,
                   "E0603", "leaving a hole");
}

/* Shapes by dimensions: a vector is one of one column, and nothing else. */
static void test_shapes(void **state) {
    static const struct {
        const char *shape;
        int64_t rows, columns;
        bool good;
    } cases[] = {{"[4]", 4, 1, true},    {"[4]", 1, 4, false},   {"[4]", 4, 4, false},
                 {"[4]", 3, 1, false},   {"[4,1]", 4, 1, true},  {"[2,2]", 2, 2, true},
                 {"[2,2]", 4, 1, false}, {"[2,2]", 2, 1, false}, {"[1,2,2]", 2, 2, false},
                 {"[2,2]", 1, 2, false}, {"[]", 1, 1, false}};
    Fixture *fixture = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Safetensors checkpoint;
        int64_t bytes = strcmp(cases[i].shape, "[]") == 0 ? 4 : 16;
        const char *header = arena_printf(
            &fixture->arena, "{\"x\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[0,%d]}}",
            cases[i].shape, (int)bytes);
        assert_int_equal(open_header(fixture, header, bytes, &checkpoint), STATUS_OK);
        fixture->diag.count = 0;
        const SafetensorsTensor *found =
            safetensors_require(&checkpoint, "x", cases[i].rows, cases[i].columns, &fixture->diag);
        assert_int_equal(found != NULL, cases[i].good);
        if (!found) {
            assert_string_equal(fixture->diag.messages[0].code, "E0611");
            assert_non_null(strstr(fixture->diag.messages[0].text, "\"x\" has the shape ["));
        }
    }
}

/* Lengths of a header near and past what a file, or a number, can hold. */
static void test_claims(void **state) {
    static const uint64_t claims[] = {UINT64_C(1) << 63, (UINT64_C(1) << 63) - 1, UINT64_MAX,
                                      UINT64_MAX - 7,    UINT64_MAX - 8,          3};
    Fixture *fixture = *state;
    Safetensors checkpoint;
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        write_file(fixture, "model.safetensors", "{}",
                   (int64_t)claims[i] < 0 ? 0 : (int64_t)claims[i], 0);
        char *path = fs_join(&fixture->arena, fixture->folder, "model.safetensors");
        FILE *file = fopen(path, "r+b");
        assert_int_equal(fwrite(&claims[i], 8, 1, file), 1);
        fclose(file);
        fixture->diag.count = 0;
        assert_int_equal(
            safetensors_open(&fixture->arena, fixture->folder, 0, &checkpoint, &fixture->diag),
            STATUS_DATA);
        assert_string_equal(fixture->diag.messages[0].text,
                            arena_printf(&fixture->arena,
                                         "the header claims %llu bytes in a file of 10",
                                         (unsigned long long)claims[i]));
    }
    char *path = fs_join(&fixture->arena, fixture->folder, "a.safetensors");
    for (size_t size = 0; size < 8; size++) {
        assert_int_equal(fs_write(path, "\0\0\0\0\0\0\0", size, &fixture->diag), STATUS_OK);
        fixture->diag.count = 0;
        assert_int_equal(safetensors_open(&fixture->arena, path, 0, &checkpoint, &fixture->diag),
                         STATUS_DATA);
        assert_string_equal(
            fixture->diag.messages[0].text,
            arena_printf(&fixture->arena, "%d bytes cannot hold a safetensors header", (int)size));
    }
}

/* A pipe would be waited for, a folder cannot be read: both are told at once. */
static void test_no_files(void **state) {
    Fixture *fixture = *state;
    Safetensors checkpoint;
    char *path = fs_join(&fixture->arena, fixture->folder, "model.safetensors");
    assert_int_equal(
        safetensors_open(&fixture->arena, fixture->folder, 0, &checkpoint, &fixture->diag),
        STATUS_NOINPUT);
    assert_string_equal(fixture->diag.messages[0].code, "E0601");
    assert_non_null(strstr(fixture->diag.messages[0].text, "neither model.safetensors nor"));
    assert_int_equal(mkfifo(path, 0600), 0);
    fixture->diag.count = 0;
    assert_int_equal(
        safetensors_open(&fixture->arena, fixture->folder, 0, &checkpoint, &fixture->diag),
        STATUS_DATA);
    assert_string_equal(fixture->diag.messages[0].text, "this is not a regular file");
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    fixture->diag.count = 0;
    assert_int_equal(
        safetensors_open(&fixture->arena, fixture->folder, 0, &checkpoint, &fixture->diag),
        STATUS_DATA);
    assert_string_equal(fixture->diag.messages[0].text, "this is not a regular file");
    rmdir(path);
    const char *ghost = fs_join(&fixture->arena, fixture->folder, "b.safetensors");
    assert_int_equal(symlink("b.safetensors", ghost), 0); /* to itself */
    fixture->diag.count = 0;
    assert_int_equal(safetensors_open(&fixture->arena, ghost, 0, &checkpoint, &fixture->diag),
                     STATUS_NOINPUT);
    assert_string_equal(fixture->diag.messages[0].code, "E0601");
}

static Status open_index(Fixture *fixture, const char *index, Safetensors *checkpoint) {
    fixture->diag.count = 0;
    assert_int_equal(
        fs_write(fs_join(&fixture->arena, fixture->folder, "model.safetensors.index.json"), index,
                 strlen(index), &fixture->diag),
        STATUS_OK);
    return safetensors_open(&fixture->arena, fixture->folder, 0, checkpoint, &fixture->diag);
}

static void test_shards(void **state) {
    Fixture *fixture = *state;
    Safetensors checkpoint;
    write_file(fixture, "a.safetensors", "{" X "}", -1, 24);
    write_file(fixture, "b.safetensors",
               "{\"y\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]}}", -1, 2);
    assert_int_equal(open_index(fixture,
                                "{\"metadata\":{},\"weight_map\":{\"y\":\"b.safetensors\","
                                "\"x\":\"a.safetensors\"}}",
                                &checkpoint),
                     STATUS_OK);
    assert_int_equal(checkpoint.files.count, 2);
    assert_int_equal(checkpoint.tensors.count, 2);
    const SafetensorsTensor *y = safetensors_find(&checkpoint, "y");
    assert_non_null(strstr(checkpoint.files.items[y->file].path, "/b.safetensors"));
    assert_int_equal(open_index(fixture, "{\"weight_map\":{\"y\":\"a.safetensors\"}}", &checkpoint),
                     STATUS_DATA);
    assert_string_equal(fixture->diag.messages[0].text,
                        "tensor \"y\" is not in a.safetensors, where the index puts it");
    assert_int_equal(
        open_index(fixture, "{\"weight_map\":{\"y\":\"../a.safetensors\"}}", &checkpoint),
        STATUS_DATA);
    assert_string_equal(fixture->diag.messages[0].code, "E0604");
    assert_int_equal(open_index(fixture, "{\"weight_map\":{}}", &checkpoint), STATUS_DATA);
    assert_int_equal(open_index(fixture, "{\n,}", &checkpoint), STATUS_DATA);
    assert_int_equal(fixture->diag.messages[0].place.line, 2);
    assert_int_equal(open_index(fixture, "{\"weight_map\":{\"y\":\"c.safetensors\"}}", &checkpoint),
                     STATUS_NOINPUT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_require, setup, teardown),
        cmocka_unit_test_setup_teardown(test_blocks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tiling, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lengths, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forms, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shapes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_claims, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shards, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
