/* Text as it comes: what is held back, where it ends, and how it is shown. */
#include "test.h"

#include "text/text_out.h"

/* Entries that are single bytes, or texts of their own. */
static Tokenizer *open_tokenizer(Test *test) {
    Tokenizer *tokenizer;
    const char *path = test_file(
        test, "tokenizer.json",
        "{\"added_tokens\": [{\"id\": 9, \"content\": \"<end>\", \"special\": true}], "
        "\"decoder\": {\"type\": \"ByteFallback\"}, "
        "\"model\": {\"vocab\": {\"a\": 0, \"ST\": 1, \"OP\": 2, \"<0xE4>\": 3, \"<0xB8>\": 4, "
        "\"<0xAD>\": 5, \"<0x1B>\": 6, \"S\": 7, \"b STOP c\": 8}, \"merges\": []}}");
    if (tokenizer_read(&test->arena, path, &tokenizer, &test->diag) != STATUS_OK)
        fail_msg("%s", test_messages(test));
    return tokenizer;
}

typedef struct Step {
    int32_t id;
    size_t ready; /* bytes that may be shown then */
} Step;

static void expect(Test *test, const TextStops *stops, const Step *steps, int64_t count,
                   TextEnd end, const char *text) {
    Tokenizer *tokenizer = open_tokenizer(test);
    TextOut out = {0};
    for (int64_t i = 0; i < count; i++) {
        TextEnd last = steps[i].id == 9 ? TEXT_END_TOKEN : TEXT_GOES_ON;
        text_out_add(&out, tokenizer, stops, steps[i].id, last);
        size_t ready = text_out_ready(&out, stops);
        if (ready != steps[i].ready)
            fail_msg("after token %lld %zu bytes are ready, not %zu", (long long)i, ready,
                     steps[i].ready);
        out.shown = ready;
    }
    assert_int_equal(out.end, end);
    assert_string_equal(out.text.data ? out.text.data : "", text);
    text_out_free(&out);
    tokenizer_free(tokenizer);
}

#define STEPS(...) (const Step[]){__VA_ARGS__}, sizeof((const Step[]){__VA_ARGS__}) / sizeof(Step)

static const char *const stop_texts[] = {"STOP", "SS"};
static const TextStops stops = {stop_texts, 2, 4}, none = {NULL, 0, 0};

static void test_plain(void **state) {
    expect(*state, &none, STEPS({0, 1}, {1, 3}, {2, 5}), TEXT_GOES_ON, "aSTOP");
    expect(*state, &none, STEPS({0, 1}, {9, 1}, {0, 1}), TEXT_END_TOKEN, "a");
}

static void test_stops(void **state) {
    expect(*state, &stops, STEPS({0, 1}, {1, 1}, {2, 1}), TEXT_STOP_STRING, "a");
    expect(*state, &stops, STEPS({0, 1}, {1, 1}, {0, 4}), TEXT_GOES_ON, "aSTa");
    expect(*state, &stops, STEPS({7, 0}, {7, 0}), TEXT_STOP_STRING, "");
    expect(*state, &stops, STEPS({8, 2}, {0, 2}), TEXT_STOP_STRING, "b "); /* within one token */
    expect(*state, &stops, STEPS({0, 1}, {1, 1}, {9, 3}), TEXT_END_TOKEN, "aST");
}

static void test_characters(void **state) {
    expect(*state, &none, STEPS({0, 1}, {3, 1}, {4, 1}, {5, 4}), TEXT_GOES_ON, "a\xe4\xb8\xad");
    expect(*state, &none, STEPS({3, 0}, {0, 2}), TEXT_GOES_ON,
           "\xe4"
           "a"); /* it was none */
    expect(*state, &none, STEPS({4, 1}, {4, 2}, {4, 3}, {4, 4}), TEXT_GOES_ON, "\xb8\xb8\xb8\xb8");
    expect(*state, &none, STEPS({3, 0}, {9, 1}), TEXT_END_TOKEN, "\xe4");
}

static void expect_readable(const char *text, size_t length, bool tame, const char *wanted) {
    Buf out = {0};
    text_readable(text, length, tame, &out);
    assert_string_equal(out.data, wanted);
    buf_free(&out);
}

static void test_readable(void **state) {
    (void)state;
    expect_readable("a\n\tb\xe4\xb8\xad", 7, true, "a\n\tb\xe4\xb8\xad");
    expect_readable("\x1b[2Jx", 5, true, "\xef\xbf\xbd[2Jx");
    expect_readable("\x1b[2Jx", 5, false, "\x1b[2Jx");
    expect_readable("a\0b", 3, false,
                    "a\xef\xbf\xbd"
                    "b");
    expect_readable("\xe4\xb8", 2, false, "\xef\xbf\xbd\xef\xbf\xbd");
    expect_readable("\xe2\x80\xae", 3, true, "\xef\xbf\xbd"); /* turns the direction */
}

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_plain), TEST(test_stops), TEST(test_characters),
                                       TEST(test_readable)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
