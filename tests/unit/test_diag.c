/* Diag: how messages look, which are kept, and what is near to a word. */
#include "test.h"

static void test_render(void **state) {
    Test *test = *state;
    DiagSource source = {"topologies/a100.yaml", "name: a\n  bandwidth: 200\n"};
    DiagPlace place = {&source, 2, 14, 3};
    Status status =
        diag_error(&test->diag, place, "E0312", "write 200 Gb/s (InfiniBand HDR) or 200 GB/s",
                   "%s needs a unit", "bandwidth");
    assert_int_equal(status, STATUS_DATA);
    assert_string_equal(test_messages(test),
                        "topologies/a100.yaml:2:14: error[E0312]: bandwidth needs a unit\n"
                        "    2 |   bandwidth: 200\n"
                        "      |              ^^^\n"
                        "  help: write 200 Gb/s (InfiniBand HDR) or 200 GB/s\n");
}

static void test_places(void **state) {
    Test *test = *state;
    DiagSource source = {"a\033[31m.yaml", "x\ty\303\251z\n"};
    diag_note(&test->diag, diag_nowhere(), "E0106", NULL, "no place");
    diag_warning(&test->diag, (DiagPlace){.source = &source}, "E0210", NULL, "a file\033[2J");
    diag_error(&test->diag, (DiagPlace){&source, 1, 5, 9}, "E0101", NULL, "past the end");
    diag_error(&test->diag, (DiagPlace){&source, 7, 1, 1}, "E0101", NULL, "no such line");
    assert_string_equal(test_messages(test), "gen: note[E0106]: no place\n"
                                             "a?[31m.yaml: warning[E0210]: a file?[2J\n"
                                             "a?[31m.yaml:1:5: error[E0101]: past the end\n"
                                             "    1 | x\ty\303\251z\n"
                                             "      |  \t  ^\n"
                                             "a?[31m.yaml:7:1: error[E0101]: no such line\n");
}

/* JSON on one long line is shown as a window around the caret. */
static void test_long_line(void **state) {
    Test *test = *state;
    char *text = arena_alloc(&test->arena, 1001);
    memset(text, 'a', 1000);
    memcpy(text + 500, "BAD", 3);
    DiagSource source = {"x.json", text};
    diag_error(&test->diag, (DiagPlace){&source, 1, 501, 3}, "E0109", NULL, "bad");
    const char *shown = test_messages(test);
    const char *line = strchr(shown, '\n') + 1, *under = strchr(line, '\n') + 1;
    assert_non_null(strstr(line, "aBADa"));
    assert_non_null(strstr(line, "a...\n"));
    assert_int_equal(strstr(line, "BAD") - line, strstr(under, "^^^") - under);
    assert_true(strlen(shown) < 400);
}

/* The limit keeps errors rather than notes, and says how many messages it cost. */
static void test_limit(void **state) {
    Test *test = *state;
    for (int i = 0; i < DIAG_LIMIT; i++)
        diag_note(&test->diag, diag_nowhere(), "E0207", NULL, "note %d", i);
    diag_error(&test->diag, diag_nowhere(), "E0101", NULL, "the error");
    assert_int_equal(test->diag.count, DIAG_LIMIT);
    assert_int_equal(test->diag.errors, 1);
    const char *text = test_messages(test);
    assert_non_null(strstr(text, "note 18\n"));
    assert_null(strstr(text, "note 19\n"));
    assert_non_null(strstr(text, "error[E0101]: the error\ngen: 1 more message not shown\n"));
}

static void test_nearest(void **state) {
    const char *const names[] = {"heads", "kv_heads", "hidden", "top_k", NULL};
    assert_string_equal(diag_nearest("haeds", names), "heads");
    assert_string_equal(diag_nearest("Hidden", names), "hidden");
    assert_string_equal(diag_nearest("topk", names), "top_k");
    assert_null(diag_nearest("nics", names));
    assert_null(diag_nearest("", names));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_render), TEST(test_places),  TEST(test_long_line),
        TEST(test_limit),  TEST(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
