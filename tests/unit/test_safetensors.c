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
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tiling, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lengths, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shards, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
