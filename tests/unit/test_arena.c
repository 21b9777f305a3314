/* Arena and Buf: alignment, zeroes, rewinding, growth. */
#include "test.h"

#include "base/buf.h"

static void test_alloc(void **state) {
    Arena *arena = &((Test *)*state)->arena;
    for (size_t size = 0; size < 200; size++) {
        unsigned char *memory = arena_alloc(arena, size);
        assert_int_equal((uintptr_t)memory % 16, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xff, size);
    }
    char *large = arena_alloc(arena, 5 << 20);
    large[(5 << 20) - 1] = 1;
    assert_string_equal(arena_printf(arena, "%d-%s", 12, "ab"), "12-ab");
    assert_string_equal(arena_strndup(arena, "abcdef", 3), "abc");
}

/* What is allocated after a rewind is zeroed again, though the bytes were used. */
static void test_rewind(void **state) {
    Arena *arena = &((Test *)*state)->arena;
    arena_alloc(arena, 100);
    ArenaMark mark = arena_mark(arena);
    unsigned char *first = arena_alloc(arena, 64);
    memset(first, 0xff, 64);
    for (int i = 0; i < 100; i++)
        memset(arena_alloc(arena, 100000), 0xff, 100000);
    arena_rewind(arena, mark);
    unsigned char *again = arena_alloc(arena, 64);
    assert_ptr_equal(first, again);
    for (int i = 0; i < 64; i++)
        assert_int_equal(again[i], 0);
    arena_free(arena);
    assert_null(arena->block);
    ArenaMark empty = arena_mark(arena);
    arena_alloc(arena, 1);
    arena_rewind(arena, empty);
    assert_null(arena->block);
}

static void test_list(void **state) {
    Arena *arena = &((Test *)*state)->arena;
    LIST_OF(int64_t) list = {0};
    for (int64_t i = 0; i < 1000; i++)
        *(int64_t *)LIST_PUSH(arena, &list) = i * i;
    assert_int_equal(list.count, 1000);
    for (int64_t i = 0; i < 1000; i++)
        assert_int_equal(list.items[i], i * i);
}

static void test_buf(void **state) {
    Buf buf = {0};
    buf_puts(&buf, "");
    assert_string_equal(buf.data, "");
    for (int i = 0; i < 300; i++)
        buf_printf(&buf, "%d,", i);
    assert_int_equal(buf.length, strlen(buf.data));
    assert_int_equal(buf.length, 10 * 2 + 90 * 3 + 200 * 4);
    buf_clear(&buf);
    buf_append(&buf, "a\0b", 3);
    assert_memory_equal(buf.data, "a\0b", 4);
    buf_free(&buf);
    assert_null(buf.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_alloc),
        TEST(test_rewind),
        TEST(test_list),
        TEST(test_buf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
