/* Array files and .npy files: what is written reads back, and damaged files are refused. */
#include "run/arrays.h"

#include "base/buf.h"
#include "base/fs.h"
#include "run/npy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { LIMIT = 1 << 20 };

typedef struct Fixture {
    Arena arena;
    Diag diag;
    char path[64];
} Fixture;

static int setup(void **state) {
    Fixture *fixture = calloc(1, sizeof *fixture);
    fixture->diag.arena = &fixture->arena;
    strcpy(fixture->path, "/tmp/test_arrays.XXXXXX");
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

static const int32_t lengths[3] = {5, 6, 7};
static const double cube[2 * 3 * 4] = {1.5, [23] = -2};
static const Array items[] = {
    {"lengths", RT_I32, 1, {3}, lengths},
    {"cube", RT_F64, 3, {2, 3, 4}, cube},
    {"empty", RT_F32, 2, {0, 9}, cube},
};

static void write_items(Fixture *fixture) {
    assert_int_equal(arrays_write(fixture->path, "0123456789abcdef", items, 3, &fixture->diag),
                     STATUS_OK);
}

static void test_round_trip(void **state) {
    Fixture *fixture = *state;
    Arrays arrays;
    write_items(fixture);
    assert_int_equal(arrays_read(&fixture->arena, fixture->path, LIMIT, &arrays, &fixture->diag),
                     STATUS_OK);
    assert_string_equal(arrays.digest, "0123456789abcdef");
    assert_int_equal(arrays.items.count, 3);
    const Array *array = arrays_get(&arrays, "cube", RT_F64, 3, &fixture->diag);
    assert_int_equal(array->shape[1], 3);
    assert_memory_equal(array->data, cube, sizeof cube);
    assert_int_equal(array_bytes(&arrays.items.items[2]), 0);
    assert_null(arrays_get(&arrays, "cube", RT_F32, 3, &fixture->diag));
    assert_null(arrays_get(&arrays, "cubes", RT_F64, 3, &fixture->diag));
    assert_string_equal(fixture->diag.messages[1].code, "E0802");
}

/* Every length cuts off, and no damage to a header is read past the end. */
static void test_damage(void **state) {
    Fixture *fixture = *state;
    char *data, *copy;
    size_t length;
    Arrays arrays;
    write_items(fixture);
    assert_int_equal(fs_read(&fixture->arena, fixture->path, LIMIT, &data, &length, &fixture->diag),
                     STATUS_OK);
    for (size_t cut = 0; cut < length - 64; cut += 8) {
        fixture->diag.count = 0;
        assert_int_equal(fs_write(fixture->path, data, cut, &fixture->diag), STATUS_OK);
        assert_int_equal(
            arrays_read(&fixture->arena, fixture->path, LIMIT, &arrays, &fixture->diag),
            STATUS_DATA);
        assert_string_equal(fixture->diag.messages[0].code, "E0801");
    }
    for (size_t at = 64 + 24; at < 128; at += 4) { /* type, dims, shape, bytes of the first entry */
        copy = arena_alloc(&fixture->arena, length);
        memcpy(copy, data, length);
        memset(copy + at, 0xff, 4);
        assert_int_equal(fs_write(fixture->path, copy, length, &fixture->diag), STATUS_OK);
        assert_int_equal(
            arrays_read(&fixture->arena, fixture->path, LIMIT, &arrays, &fixture->diag),
            STATUS_DATA);
    }
}

static void test_cannot_write(void **state) {
    Fixture *fixture = *state;
    assert_int_equal(arrays_write("/nowhere/file", NULL, items, 3, &fixture->diag),
                     STATUS_CANTCREAT);
    assert_string_equal(fixture->diag.messages[0].code, "E0904");
}

/* A version 1 file with this dict, padded as NumPy does, and `bytes` of zeros. */
static Status read_npy(Fixture *fixture, const char *dict, int64_t bytes, Npy *npy) {
    Buf out = {0};
    buf_append(&out, "\x93NUMPY\1\0\x76\0", 10);
    buf_printf(&out, "%-117s\n", dict);
    for (int64_t i = 0; i < bytes; i++)
        buf_putc(&out, 0);
    fixture->diag.count = 0;
    assert_int_equal(fs_write(fixture->path, out.data, out.length, &fixture->diag), STATUS_OK);
    buf_free(&out);
    return npy_read(&fixture->arena, fixture->path, LIMIT, npy, &fixture->diag);
}

static void test_npy(void **state) {
    Fixture *fixture = *state;
    Npy npy;
    assert_int_equal(
        read_npy(fixture, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }", 24, &npy),
        STATUS_OK);
    assert_int_equal(npy.dims, 2);
    assert_int_equal(npy.elements, 6);
    assert_true(npy_value(&npy, 5) == 0.0);
    assert_int_equal(
        read_npy(fixture, "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }", 24, &npy),
        STATUS_OK);
    assert_int_equal(npy.type, NPY_I64);
    static const char *const bad[] = {
        "{'descr': '>f4', 'fortran_order': False, 'shape': (3, 2), }",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, x), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 9999999999, 9), }",
        "{'descr': '<f4', 'fortran_order': False}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(read_npy(fixture, bad[i], 24, &npy), STATUS_DATA);
        assert_string_equal(fixture->diag.messages[0].code, "E0803");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cannot_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_npy, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
