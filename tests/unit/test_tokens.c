/* Token files: what is read, and the place of each mistake. */
#include "run/tokens.h"

#include "base/buf.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static const TokensBounds bounds = {.vocabulary = 100, .prompt = 4, .context = 10};

typedef struct Fixture {
    Arena arena;
    Diag diag;
    char path[64];
} Fixture;

static int setup(void **state) {
    Fixture *fixture = calloc(1, sizeof *fixture);
    fixture->diag.arena = &fixture->arena;
    strcpy(fixture->path, "/tmp/test_tokens.XXXXXX");
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

static Status read_text(Fixture *fixture, const char *text, int64_t max_new, Tokens *tokens) {
    fixture->diag.count = 0;
    assert_int_equal(fs_write(fixture->path, text, strlen(text), &fixture->diag), STATUS_OK);
    return tokens_read(&fixture->arena, fixture->path, &bounds, max_new, tokens, &fixture->diag);
}

static void test_read(void **state) {
    Tokens tokens;
    assert_int_equal(read_text(*state, "[[1, 2, 3], [99],\n [0, 5]]", 0, &tokens), STATUS_OK);
    assert_int_equal(tokens.sequences, 3);
    assert_int_equal(tokens.longest, 3);
    const int32_t lengths[] = {3, 1, 2}, ids[] = {1, 2, 3, 99, 0, 0, 0, 5, 0};
    assert_memory_equal(tokens.lengths, lengths, sizeof lengths);
    assert_memory_equal(tokens.ids, ids, sizeof ids);
    assert_int_equal(tokens.max_new, 8); /* the last new token needs no place in the context */
}

static void expect(Fixture *fixture, const char *text, int64_t max_new, const char *code,
                   int64_t line, int64_t column, int64_t width) {
    Tokens tokens;
    assert_int_equal(read_text(fixture, text, max_new, &tokens), STATUS_DATA);
    const DiagMessage *message = &fixture->diag.messages[0];
    if (strcmp(message->code, code) != 0)
        fail_msg("%s: %s", text, message->text);
    assert_int_equal(message->place.line, line);
    assert_int_equal(message->place.column, column);
    assert_int_equal(message->place.width, width);
}

static void test_mistakes(void **state) {
    Fixture *fixture = *state;
    expect(fixture, "[[1,\n 2", 0, "E0810", 2, 2, 1);
    expect(fixture, "{\"a\": 1}", 0, "E0811", 1, 1, 1);
    expect(fixture, "[]", 0, "E0811", 1, 1, 1);
    expect(fixture, "[[1], 17]", 0, "E0811", 1, 7, 2);
    expect(fixture, "[[1], [2, \"a,]\", 3], [4, 5.5]]", 0, "E0811", 1, 11, 5);
    expect(fixture, "[[1],\n  [2, 3],\n  [4, 100]]", 0, "E0812", 3, 7, 3);
    expect(fixture, "[[-1]]", 0, "E0812", 1, 3, 2);
    expect(fixture, "[[1], []]", 0, "E0813", 1, 7, 1);
    expect(fixture, "[[1,2,3,4,5]]", 0, "E0813", 1, 2, 1);
    expect(fixture, "[[1,2,3,4]]", 8, "E0814", 0, 0, 0);
    Tokens tokens;
    assert_int_equal(read_text(fixture, "[[1,2,3,4]]", 7, &tokens), STATUS_OK);
    assert_int_equal(tokens_read(&fixture->arena, "/nowhere", &bounds, 0, &tokens, &fixture->diag),
                     STATUS_NOINPUT);
}

/* Many sequences are read in one go; what they take when each is as long as the longest is limited. */
static void test_many(void **state) {
    Fixture *fixture = *state;
    enum { SEQUENCES = 200000, LONG = 8192 };
    Buf text = {0};
    Tokens tokens;
    buf_puts(&text, "[[7]");
    for (int i = 1; i < SEQUENCES; i++)
        buf_puts(&text, ",[1]");
    buf_puts(&text, "]");
    clock_t begun = clock();
    assert_int_equal(read_text(fixture, text.data, 0, &tokens), STATUS_OK);
    assert_true(clock() - begun < 20 * (clock_t)CLOCKS_PER_SEC);
    assert_int_equal(tokens.sequences, SEQUENCES);
    assert_int_equal(tokens.ids[0], 7);
    assert_int_equal(tokens.ids[SEQUENCES - 1], 1);
    for (int more = 0; more < 2; more++) {
        const TokensBounds wide = {.vocabulary = 100, .prompt = LONG, .context = 2 * LONG};
        buf_clear(&text);
        buf_puts(&text, "\n[[1");
        for (int i = 1; i < LONG; i++)
            buf_puts(&text, ",1");
        buf_puts(&text, "]");
        for (int i = 1; i < LONG + more; i++)
            buf_puts(&text, ",[1]");
        buf_puts(&text, "]");
        assert_int_equal(fs_write(fixture->path, text.data, text.length, &fixture->diag),
                         STATUS_OK);
        assert_int_equal(
            tokens_read(&fixture->arena, fixture->path, &wide, 1, &tokens, &fixture->diag),
            more ? STATUS_DATA : STATUS_OK);
    }
    assert_string_equal(fixture->diag.messages[0].code, "E0813");
    assert_string_equal(fixture->diag.messages[0].text,
                        "8193 sequences of up to 8192 tokens are over the limit of 67108864 ids");
    assert_int_equal(fixture->diag.messages[0].place.line, 2);
    buf_free(&text);
}

/* Texts within the file lead nobody astray who looks for a place. */
static void test_places(void **state) {
    Fixture *fixture = *state;
    expect(fixture, "[[1], \"a\\\"],[\"]", 0, "E0811", 1, 7, 8);
    expect(fixture, "[{\"x\": [1, 2], \"y]\": 3}]", 0, "E0811", 1, 2, 1);
    expect(fixture, "[[1], [\"]\\\\\", 2]]", 0, "E0811", 1, 8, 5);
    expect(fixture, "[[1, [2, [3]], 4]]", 0, "E0811", 1, 6, 1);
    expect(fixture, "[[1, 2, null]]", 0, "E0811", 1, 9, 4);
    expect(fixture, "[[9223372036854775808]]", 0, "E0810", 1, 21, 1);
    expect(fixture, "[[9223372036854775807]]", 0, "E0812", 1, 3, 19);
    expect(fixture, "[[1e0]]", 0, "E0811", 1, 3, 3);
    expect(fixture, "[[-0.0]]", 0, "E0811", 1, 3, 4);
    expect(fixture, "[[\"\\ud800\"]]", 0, "E0810", 1, 10, 1);
    expect(fixture, "[[\"\\u0000\"]]", 0, "E0810", 1, 10, 1);
    expect(fixture, "[[1]] [", 0, "E0810", 1, 7, 1);
    expect(fixture, "[[\"\xff\"]]", 0, "E0810", 1, 3, 1);
    expect(fixture, "17", 0, "E0810", 1, 2, 1);
    Tokens tokens;
    assert_int_equal(read_text(fixture, "[[-0]]", 0, &tokens), STATUS_OK);
    assert_int_equal(tokens.ids[0], 0);
}

static void test_make(void **state) {
    Fixture *fixture = *state;
    Tokens tokens, again;
    const TokensBounds wide = {.vocabulary = 50, .prompt = 32, .context = 34};
    tokens_make(&fixture->arena, &wide, 40, &tokens);
    tokens_make(&fixture->arena, &wide, 40, &again);
    assert_int_equal(tokens.lengths[0], 32);
    assert_int_equal(tokens.max_new, 3);
    assert_memory_equal(tokens.ids, again.ids, 40 * 32 * sizeof(int32_t));
    bool varied = false;
    for (int s = 1; s < 40; s++) {
        assert_true(tokens.lengths[s] >= 1 && tokens.lengths[s] <= 32);
        varied |= tokens.lengths[s] != tokens.lengths[1];
        for (int i = 0; i < 32; i++)
            assert_true(tokens.ids[s * 32 + i] >= 0 && tokens.ids[s * 32 + i] < 50);
    }
    assert_true(varied);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mistakes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_places, setup, teardown),
        cmocka_unit_test_setup_teardown(test_make, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
