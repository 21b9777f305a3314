/* Tokenizers: the stored files give the ids that the reference package gave, any bytes come back, no text takes long, and
 * what is wrong with a file is told with its place. tests/text compares with the package itself. */
#include "test.h"

#include "base/jsonr.h"
#include "text/compose.h"
#include "text/tokenizer.h"

#include <time.h>

#define FOLDER TEST_DATA "/tokenizers/"

static const char *const kinds[] = {"gpt2",
                                    "gpt2-prefix",
                                    "qwen",
                                    "llama3",
                                    "o200k",
                                    "deepseek",
                                    "digits",
                                    "digit-runs",
                                    "behaviors",
                                    "mixtral",
                                    "metaspace-first",
                                    "metaspace-never",
                                    "metaspace-always",
                                    "mixtral-phrases"};
enum { KINDS = sizeof kinds / sizeof *kinds };

static Tokenizer *open_kind(Test *test, const char *kind) {
    Tokenizer *tokenizer;
    const char *path = arena_printf(&test->arena, FOLDER "%s.json", kind);
    if (tokenizer_read(&test->arena, path, &tokenizer, &test->diag) != STATUS_OK)
        fail_msg("%s", test_messages(test));
    return tokenizer;
}

static size_t unhex(const char *hex, char *bytes) {
    size_t length = strlen(hex) / 2;
    for (size_t i = 0; i < length; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};
        bytes[i] = (char)strtol(pair, NULL, 16);
    }
    return length;
}

static void expect_ids(Test *test, Tokenizer *tokenizer, const char *kind, const json_t *item) {
    const json_t *wanted = json_array_get(item, 1);
    char bytes[4096];
    const char *hex = json_string_value(json_array_get(item, 0));
    assert_true(strlen(hex) / 2 < sizeof bytes);
    size_t length = unhex(hex, bytes);
    Ids ids = {0};
    assert_int_equal(tokenizer_encode(tokenizer, bytes, length, true, &ids, &test->diag),
                     STATUS_OK);
    if (ids.count != (int64_t)json_array_size(wanted))
        fail_msg("%s: %lld ids, not %zu, of %s", kind, (long long)ids.count,
                 json_array_size(wanted), hex);
    for (int64_t i = 0; i < ids.count; i++)
        assert_int_equal(ids.items[i], json_integer_value(json_array_get(wanted, (size_t)i)));
    ids_free(&ids);
}

static void test_stored(void **state) {
    Test *test = *state;
    for (int k = 0; k < KINDS; k++) {
        char *text;
        size_t length;
        json_error_t error;
        Tokenizer *tokenizer = open_kind(test, kinds[k]);
        const char *path = arena_printf(&test->arena, FOLDER "%s.expected.json", kinds[k]);
        assert_int_equal(fs_read(&test->arena, path, 1 << 20, &text, &length, &test->diag),
                         STATUS_OK);
        json_t *root = jsonr_parse(text, length, &error);
        assert_int_equal(json_array_size(root), 40);
        for (size_t i = 0; i < json_array_size(root); i++)
            expect_ids(test, tokenizer, kinds[k], json_array_get(root, i));
        json_decref(root);
        tokenizer_free(tokenizer);
    }
}

/* --- any bytes -------------------------------------------------------------------------------- */

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Whatever is not changed by what the file says comes back. */
static void expect_round_trip(Test *test, Tokenizer *tokenizer, const char *text, size_t length) {
    Ids ids = {0};
    Buf back = {0};
    assert_int_equal(tokenizer_encode(tokenizer, text, length, false, &ids, &test->diag),
                     STATUS_OK);
    tokenizer_decode(tokenizer, ids.items, ids.count, true, &back);
    assert_int_equal(back.length, length);
    if (length)
        assert_memory_equal(back.data, text, length);
    ids_free(&ids);
    buf_free(&back);
}

static void test_round_trip(void **state) {
    static const char *const faithful[] = {"gpt2", "llama3", "o200k", "deepseek", "mixtral"};
    Test *test = *state;
    for (size_t k = 0; k < sizeof faithful / sizeof *faithful; k++) {
        Tokenizer *tokenizer = open_kind(test, faithful[k]);
        bool spaces =
            strcmp(faithful[k], "mixtral") == 0; /* its added tokens take spaces? none do */
        uint32_t seed = 7;
        for (int i = 0; i < 3000; i++) {
            char text[64];
            size_t length = next_random(&seed) % (sizeof text + 1);
            for (size_t j = 0; j < length; j++) {
                uint32_t r = next_random(&seed);
                text[j] = i % 3 == 0   ? (char)r
                          : i % 3 == 1 ? "ab \n\t'1\xff\xe4\xb8\xad"[r % 11]
                                       : (char)(0x80 | r);
            }
            if (spaces && memmem(text, length, "\xe2\x96\x81", 3))
                continue; /* U+2581 is what such files write for a space */
            expect_round_trip(test, tokenizer, text, length);
        }
        tokenizer_free(tokenizer);
    }
}

/* Tokens that end within a character: the bytes are there as they come. */
static void test_flow(void **state) {
    Test *test = *state;
    const char *text = " \xf0\x9f\x91\xa9\xe2\x80\x8d"
                       "end";
    for (int k = 0; k < KINDS; k++) {
        if (strstr(kinds[k], "behaviors"))
            continue; /* it removes letters */
        Tokenizer *tokenizer = open_kind(test, kinds[k]);
        Ids ids = {0};
        Buf whole = {0}, parts = {0};
        TokenizerFlow flow = {0};
        assert_int_equal(tokenizer_encode(tokenizer, text, strlen(text), true, &ids, &test->diag),
                         STATUS_OK);
        tokenizer_decode(tokenizer, ids.items, ids.count, false, &whole);
        for (int64_t i = 0; i < ids.count; i++)
            tokenizer_decode_next(tokenizer, &flow, ids.items[i], false, &parts);
        assert_string_equal(whole.data, parts.data);
        assert_non_null(strstr(parts.data, "end"));
        ids_free(&ids);
        buf_free(&whole);
        buf_free(&parts);
        tokenizer_free(tokenizer);
    }
}

/* --- time ------------------------------------------------------------------------------------- */

enum { MEGABYTE = 1 << 20, SECONDS_MAX = 2 };

/* Of a text of that unit alone; sanitizers, which take ten times as long, see a sixteenth of it. */
static double seconds_of(Test *test, Tokenizer *tokenizer, const char *unit) {
    static char text[MEGABYTE];
    const size_t length = strlen(TOPOSMITH_SANITIZE) ? MEGABYTE / 16 : MEGABYTE;
    struct timespec begin, end;
    Ids ids = {0};
    for (size_t i = 0, size = strlen(unit); i < length; i++)
        text[i] = unit[i % size];
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    assert_int_equal(tokenizer_encode(tokenizer, text, length, false, &ids, &test->diag),
                     STATUS_OK);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    assert_true(ids.count > 0);
    ids_free(&ids);
    return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) * 1e-9;
}

static void test_time(void **state) {
    static const char *const units[] = {"a",
                                        " ",
                                        "\n",
                                        " \n",
                                        "ab",
                                        "1",
                                        "'",
                                        "Aa",
                                        "\xff",
                                        "a\xff",
                                        "<|endoftext|",
                                        "     a",
                                        "\xcc\x81",
                                        "\xcc\xa3\xcc\x81",
                                        "\xe4\xb8\xad",
                                        "<think> ",
                                        "\xe2\x96\x81"};
    Test *test = *state;
    for (int k = 0; k < KINDS; k++) {
        Tokenizer *tokenizer = open_kind(test, kinds[k]);
        for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
            double took = seconds_of(test, tokenizer, units[u]);
            if (took > SECONDS_MAX)
                fail_msg("%s: 1 MB of '%s' takes %.1f s", kinds[k], units[u], took);
        }
        tokenizer_free(tokenizer);
    }
}

/* Added tokens as long as they may be, all but in the text; an expression that repeats within repetitions. */
static void test_time_hostile(void **state) {
    Test *test = *state;
    char longest[257], file[1024];
    Tokenizer *tokenizer;
    memset(longest, 'a', 255);
    strcpy(longest + 255, "b");
    snprintf(file, sizeof file,
             "{\"added_tokens\": [{\"id\": 1, \"content\": \"%s\"}],"
             "\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}}",
             longest);
    assert_int_equal(
        tokenizer_read(&test->arena, test_file(test, "long.json", file), &tokenizer, &test->diag),
        STATUS_OK);
    double took = seconds_of(test, tokenizer, "a");
    tokenizer_free(tokenizer);
    if (took > SECONDS_MAX)
        fail_msg("%.1f s", took);

    Ids ids = {0};
    assert_int_equal(
        tokenizer_read(&test->arena,
                       test_file(test, "slow.json",
                                 "{\"pre_tokenizer\": {\"type\": \"Split\", \"behavior\": "
                                 "\"Isolated\", \"pattern\": {\"Regex\": \"(?:a+)+(?=[bd])\"}}, "
                                 "\"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}}"),
                       &tokenizer, &test->diag),
        STATUS_OK);
    const char *text = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac";
    assert_int_equal(tokenizer_encode(tokenizer, text, strlen(text), false, &ids, &test->diag),
                     STATUS_DATA);
    assert_non_null(strstr(test_messages(test), "error[E0625]: an expression takes too long"));
    ids_free(&ids);
    tokenizer_free(tokenizer);
}

/* --- composition ------------------------------------------------------------------------------ */

static void expect_nfc(const char *text, const char *wanted) {
    Buf out = {0};
    compose_nfc(text, strlen(text), &out);
    assert_string_equal(out.data, wanted);
    buf_free(&out);
}

static void test_nfc(void **state) {
    (void)state;
    expect_nfc("a plain text", "a plain text");
    expect_nfc("e\xcc\x81", "\xc3\xa9");
    expect_nfc("\xe2\x84\xab", "\xc3\x85"); /* the sign for angstrom */
    expect_nfc("q\xcc\x87\xcc\xa3", "q\xcc\xa3\xcc\x87");
    expect_nfc("\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "\xea\xb0\x81"); /* Hangul by rule */
    expect_nfc("\xe0\xa5\x98", "\xe0\xa4\x95\xe0\xa4\xbc"); /* excluded from composition */
    expect_nfc("e\xff\xcc\x81", "e\xff\xcc\x81");           /* nothing composes across bad bytes */
    expect_nfc("\xcc\x81", "\xcc\x81");
}

/* --- bad files -------------------------------------------------------------------------------- */

static void expect_refused(Test *test, const char *text, const char *message) {
    Tokenizer *tokenizer;
    const char *path = test_file(test, "tokenizer.json", text);
    assert_int_equal(tokenizer_read(&test->arena, path, &tokenizer, &test->diag), STATUS_DATA);
    assert_null(tokenizer);
    const char *said = test_messages(test), *from = strstr(said, "tokenizer.json");
    if (!from || strncmp(from + strlen("tokenizer.json"), message, strlen(message)) != 0)
        fail_msg("wanted '%s', got '%s'", message, said);
}

#define MODEL                                                                                      \
    "\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 1, \"ab\": 2}, \"merges\": [\"a " \
    "b\"]}"

static void test_refused(void **state) {
    Test *test = *state;
    expect_refused(test, "{\"model\": ", ":1:10: error[E0621]: this is not JSON: ");
    expect_refused(test, "{\"model\": 1, \"model\": 2}",
                   ":1:20: error[E0621]: this is not JSON: duplicate object key");
    expect_refused(test, "{\"modle\": 1}",
                   ":1:11: error[E0622]: a tokenizer file has a key that gen does not know: "
                   "\"modle\"");
    expect_refused(test, "{}", ":1:1: error[E0622]: \"model\" is missing");
    expect_refused(test, "[]", ":1:1: error[E0622]: this must be an object");
    expect_refused(test, "{\"model\": {\"type\": \"Unigram\"}}",
                   ":1:20: error[E0623]: the model \"Unigram\" is not supported");
    expect_refused(test, "{\"model\": {\n \"vocab\": {\"a\": 0, \"b\": 0}, \"merges\": []}}",
                   ":2:25: error[E0624]: id 0 is that of \"a\"");
    expect_refused(test, "{\"model\": {\"vocab\": {\"a\": -1}, \"merges\": []}}",
                   ":1:27: error[E0624]: ids are whole numbers from 0 to ");
    expect_refused(test, "{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [\"a c\"]}}",
                   ":1:42: error[E0624]: a merge is of two entries, and one of these is none");
    expect_refused(test, "{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [[\"a\", \"a\"]]}}",
                   ":1:42: error[E0624]: what this merge makes is no entry");
    expect_refused(
        test, "{\"model\": {\"vocab\": {\"a\": 0, \"aa\": 1}, \"merges\": [\"a a\", \"a a\"]}}",
        ":1:58: error[E0624]: this merge stands here twice");
    expect_refused(test, "{\"normalizer\": {\"type\": \"Lowercase\"}, " MODEL "}",
                   ":1:25: error[E0623]: the normalizer \"Lowercase\" is not supported");
    expect_refused(test,
                   "{\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": "
                   "\"BertPreTokenizer\"}]}, " MODEL "}",
                   ":1:67: error[E0623]: the pre_tokenizer \"BertPreTokenizer\" is not supported");
    expect_refused(test,
                   "{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"a.b\"}, "
                   "\"behavior\": \"Isolated\"}, " MODEL "}",
                   ":1:58: error[E0625]: the expression is refused at character 2: ^, $ and . are "
                   "not supported");
    expect_refused(test, "{\"added_tokens\": [{\"id\": 1, \"content\": \"x\"}], " MODEL "}",
                   ":1:26: error[E0624]: id 1 is that of \"b\"");
    expect_refused(test, "{\"decoder\": {\"type\": \"CTC\"}, " MODEL "}",
                   ":1:22: error[E0623]: the decoder \"CTC\" is not supported");
    expect_refused(test, "{\"post_processor\": {\"type\": \"BertProcessing\"}, " MODEL "}",
                   ":1:29: error[E0623]: the post_processor \"BertProcessing\" is not supported");
}

static void expect_expression(Test *test, const char *expression, const char *message) {
    expect_refused(test,
                   arena_printf(&test->arena,
                                "{\"pre_tokenizer\": {\"type\": \"Split\", \"behavior\": "
                                "\"Isolated\", \"pattern\": {\"Regex\": \"%s\"}}, " MODEL "}",
                                expression),
                   arena_printf(&test->arena,
                                ":1:82: error[E0625]: the expression is refused at %s", message));
}

static void test_expressions(void **state) {
    Test *test = *state;
    expect_expression(test, "\\\\w+", "character 1: this escape is not supported");
    expect_expression(test, "[a-z&&b]", "character 5: intersections of sets");
    expect_expression(test, "[a[b]]", "character 3: a set within a set");
    expect_expression(test, "[]", "character 2: an empty set");
    expect_expression(test, "[a", "character 3: the set of characters has no end");
    expect_expression(test, "(?P<n>a)", "character 1: this kind of group");
    expect_expression(test, "a{2}+", "character 2: repetitions are written");
    expect_expression(test, "a{,2}", "character 2: repetitions are written");
    expect_expression(test, "\\\\pL", "character 1: a property is written");
    expect_expression(test, "\\\\p{Nonsense}", "character 1: unknown property");
    expect_expression(test, "(a", "character 1: missing closing parenthesis");
    expect_expression(test, "a*", "character 3: the expression matches nothing at all");
}

/* --- folders ---------------------------------------------------------------------------------- */

static void expect_folder(Test *test, const char *text, const int32_t *wanted, int64_t count) {
    Tokenizer *tokenizer;
    Ids ids = {0};
    test_path(test, "x");
    if (tokenizer_read(&test->arena, test->dir, &tokenizer, &test->diag) != STATUS_OK)
        fail_msg("%s", test_messages(test));
    assert_int_equal(tokenizer_encode(tokenizer, text, strlen(text), true, &ids, &test->diag),
                     STATUS_OK);
    assert_int_equal(ids.count, count);
    for (int64_t i = 0; i < count; i++)
        assert_int_equal(ids.items[i], wanted[i]);
    ids_free(&ids);
    tokenizer_free(tokenizer);
}

static void test_two_files(void **state) {
    Test *test = *state;
    Tokenizer *tokenizer;
    test_file(test, "vocab.json",
              "{\"a\": 0, \"b\": 1, \"\xc4\xa0\": 2, \"ab\": 3, \"\xc4\xa0"
              "ab\": 4}");
    test_file(test, "merges.txt", "#version: 0.2\na b\n\xc4\xa0 ab\n");
    expect_folder(test, "ab ab b", (const int32_t[]){3, 4, 2, 1}, 4);
    test_file(test, "merges.txt", "a b\n\nb c\n");
    assert_int_equal(tokenizer_read(&test->arena, test->dir, &tokenizer, &test->diag), STATUS_DATA);
    assert_non_null(strstr(test_messages(test), "merges.txt:3:1: error[E0624]: a merge is of two"));
    test_file(test, "merges.txt", "a b\n");
    test_file(test, "tokenizer_config.json", "{\"tokenizer_class\": \"OtherTokenizer\"}");
    assert_int_equal(tokenizer_read(&test->arena, test->dir, &tokenizer, &test->diag), STATUS_DATA);
    assert_non_null(strstr(test_messages(test),
                           "tokenizer_config.json:1:21: error[E0623]: vocab.json and merges.txt do "
                           "not tell how \"OtherTokenizer\" splits a text"));
}

static void test_config(void **state) {
    Test *test = *state;
    static const char file[] =
        "{\"added_tokens\": [{\"id\": 3, \"content\": \"<s>\", \"special\": true}], "
        "\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"Sequence\": "
        "{\"id\": \"A\", \"type_id\": 0}}, {\"SpecialToken\": {\"id\": \"<s>\", \"type_id\": 0}}], "
        "\"special_tokens\": {\"<s>\": {\"id\": \"<s>\", \"ids\": [3], \"tokens\": "
        "[\"<s>\"]}}}, " MODEL "}";
    test_file(test, "tokenizer.json", file);
    expect_folder(test, "ab<s>a", (const int32_t[]){2, 3, 0, 3}, 4);
    test_file(test, "tokenizer_config.json",
              "{\"add_bos_token\": true, \"bos_token\": {\"content\": \"<s>\"}}");
    expect_folder(test, "ab", (const int32_t[]){3, 2, 3}, 3);
    test_file(test, "tokenizer_config.json",
              "{\"add_eos_token\": false, \"eos_token\": \"<s>\", \"add_bos_token\": null}");
    expect_folder(test, "ab", (const int32_t[]){2}, 1);
}

/* An added token that is found in normalized text stands for what it is there, space and all. */
static void test_normalized_added(void **state) {
    Test *test = *state;
    Tokenizer *tokenizer;
    Ids ids = {0};
    Buf text = {0};
    const char *path =
        test_file(test, "tokenizer.json",
                  "{\"added_tokens\": [{\"id\": 3, \"content\": \"Ann\", \"normalized\": true}], "
                  "\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": "
                  "\"Prepend\", \"prepend\": \"_\"}, {\"type\": \"Replace\", \"pattern\": "
                  "{\"String\": \" \"}, \"content\": \"_\"}]}, "
                  "\"decoder\": {\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Replace\", "
                  "\"pattern\": {\"String\": \"_\"}, \"content\": \" \"}, {\"type\": \"Fuse\"}, "
                  "{\"type\": \"Strip\", \"content\": \" \", \"start\": 1, \"stop\": 0}]}, "
                  "\"model\": {\"vocab\": {\"a\": 0, \"_\": 1, \"b\": 2}, \"merges\": []}}");
    if (tokenizer_read(&test->arena, path, &tokenizer, &test->diag) != STATUS_OK)
        fail_msg("%s", test_messages(test));
    const char prompt[] = "a Ann b";
    assert_int_equal(tokenizer_encode(tokenizer, prompt, strlen(prompt), true, &ids, &test->diag),
                     STATUS_OK);
    const int32_t wanted[] = {1, 0, 3, 1, 2};
    assert_int_equal(ids.count, 5);
    assert_memory_equal(ids.items, wanted, sizeof wanted);
    tokenizer_decode(tokenizer, ids.items, ids.count, true, &text);
    assert_string_equal(text.data, prompt);
    buf_free(&text);
    ids_free(&ids);
    tokenizer_free(tokenizer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_stored),  TEST(test_round_trip),      TEST(test_flow),
        TEST(test_time),    TEST(test_time_hostile),    TEST(test_nfc),
        TEST(test_refused), TEST(test_expressions),     TEST(test_two_files),
        TEST(test_config),  TEST(test_normalized_added)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
