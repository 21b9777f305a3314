/* YAML reader: places, kinds, and everything that DESIGN section 11 refuses. */
#include "test.h"

#include "base/buf.h"

static void test_tree(void **state) {
    Test *test = *state;
    const YamlNode *root = test_yaml(test, "a: 1\n"
                                           "b: \"1\"   # comment\n"
                                           "list:\n"
                                           "  - x: ~\n"
                                           "  - [p, 'q']\n");
    assert_int_equal(root->kind, YAML_MAPPING);
    assert_int_equal(root->count, 3);
    assert_false(yaml_get(root, "a")->quoted);
    assert_true(yaml_get(root, "b")->quoted);
    assert_null(yaml_get(root, "c"));
    const YamlNode *list = yaml_get(root, "list");
    assert_int_equal(list->kind, YAML_SEQUENCE);
    assert_true(yaml_is_null(yaml_get(list->items[0], "x")));
    const YamlNode *q = list->items[1]->items[1];
    assert_string_equal(q->text, "q");
    assert_int_equal(q->place.line, 5);
    assert_int_equal(q->place.column, 9);
    assert_int_equal(q->place.width, 3);
    assert_null(yaml_get(list, "x"));
}

static void test_json(void **state) {
    Test *test = *state;
    const YamlNode *root =
        test_yaml(test, "{\"a\":[1,2.5e-3,null],\t\"u\":\"\\u00e9\\n\",\n\t\"b\":{}}");
    assert_int_equal(yaml_get(root, "a")->count, 3);
    assert_string_equal(yaml_get(root, "u")->text, "\303\251\n");
    assert_int_equal(yaml_get(root, "b")->kind, YAML_MAPPING);
}

static void expect(Test *test, const char *text, size_t length, YamlLimits limits,
                   const char *messages) {
    YamlNode *root;
    Status status = yaml_parse(&test->arena, "t.yaml", text, length, limits, &root, &test->diag);
    assert_int_equal(status, STATUS_DATA);
    assert_string_equal(test_messages(test), messages);
}

static void refuse(Test *test, const char *text, const char *messages) {
    expect(test, text, strlen(text), yaml_config_limits, messages);
}

static void test_syntax(void **state) {
    Test *test = *state;
    refuse(
        test, "a:\n\t- 1\n",
        "t.yaml:2:1: error[E0101]: this is not YAML: found character that cannot start any token\n"
        "    2 | \t- 1\n"
        "      | ^\n"
        "  help: indent with spaces, not tabs, and quote texts that begin with a special "
        "character\n");
    refuse(test, "a: b: c\n",
           "t.yaml:1:5: error[E0101]: this is not YAML: mapping values are not allowed in this "
           "context\n"
           "    1 | a: b: c\n"
           "      |     ^\n"
           "  help: write one key a line, aligned with its neighbours; quote a text that holds "
           "\": \"\n");
    refuse(test, "a: 1\n---\nb: 2\n",
           "t.yaml:2:1: error[E0101]: a second document begins here\n"
           "    2 | ---\n"
           "      | ^^^\n"
           "  help: put each document in a file of its own\n");
    refuse(test, "a: 1\nb: \377\n",
           "t.yaml:2: error[E0101]: this is not YAML: invalid leading UTF-8 octet\n"
           "    2 | b: \377\n"
           "  help: save the file as UTF-8 text\n");
    refuse(test, "a: \"x\\0y\"\n",
           "t.yaml:1:4: error[E0101]: a value holds a NUL character\n"
           "    1 | a: \"x\\0y\"\n"
           "      |    ^^^^^^\n"
           "  help: remove it\n");
    refuse(test, "[a]: 1\n",
           "t.yaml:1:1: error[E0101]: a key must be a plain text\n"
           "    1 | [a]: 1\n"
           "      | ^\n"
           "  help: write key: value\n");
    refuse(test, "",
           "t.yaml: error[E0105]: the file is empty\n"
           "  help: models/ and topologies/ hold files to begin with\n");
    refuse(test, "# only a comment\n",
           "t.yaml: error[E0105]: the file is empty\n"
           "  help: models/ and topologies/ hold files to begin with\n");
}

static void test_duplicates(void **state) {
    Test *test = *state;
    refuse(test, "a: 1\nb: 2\na: 3\n",
           "t.yaml:3:1: error[E0102]: the key `a` was given before, in line 1\n"
           "    3 | a: 3\n"
           "      | ^\n"
           "  help: keep one of the two\n");
    refuse(test, "{\"a\": 1, \"\\u0061\": 2}",
           "t.yaml:1:10: error[E0102]: the key `a` was given before, in line 1\n"
           "    1 | {\"a\": 1, \"\\u0061\": 2}\n"
           "      |          ^^^^^^^^\n"
           "  help: keep one of the two\n");
}

static void test_features(void **state) {
    static const char *const texts[] = {"a: &x 1\n",    "a: *x\n",        "a: !!str 1\n",
                                        "a: !mine 1\n", "a: &x [1]\n",    "a: !!map {}\n",
                                        "&x a: 1\n",    "a: &x {b: 1}\n", NULL};
    Test *test = *state;
    for (int i = 0; texts[i]; i++) {
        YamlNode *root;
        assert_int_equal(yaml_parse(&test->arena, "t.yaml", texts[i], strlen(texts[i]),
                                    yaml_config_limits, &root, &test->diag),
                         STATUS_DATA);
        assert_string_equal(test->diag.messages[0].code, "E0103");
        test_messages(test);
    }
    refuse(test, "b: {<<: {a: 1}}\n",
           "t.yaml:1:5: error[E0103]: merge keys are not supported\n"
           "    1 | b: {<<: {a: 1}}\n"
           "      |     ^^\n"
           "  help: write the keys out where they are needed\n");
    assert_non_null(yaml_get(test_yaml(test, "\"<<\": 1\n"), "<<")); /* in quotes a name as any */
    refuse(test, "a: &x 1\n",
           "t.yaml:1:4: error[E0103]: anchors and aliases are not supported\n"
           "    1 | a: &x 1\n"
           "      |    ^^^^\n"
           "  help: write the value out where it is needed\n");
}

static void test_limits(void **state) {
    Test *test = *state;
    expect(test, "[1, 2, 3]", 9, (YamlLimits){100, 3},
           "t.yaml:1:8: error[E0104]: the file has more than 3 values\n"
           "    1 | [1, 2, 3]\n"
           "      |        ^\n");
    expect(test, "[1, 2, 3]", 9, (YamlLimits){8, 100},
           "t.yaml: error[E0104]: the text is larger than the limit of 8 bytes\n");
    char deep[67];
    memset(deep, '[', 33);
    memset(deep + 33, ']', 33);
    deep[66] = '\0';
    YamlNode *root;
    assert_int_equal(
        yaml_parse(&test->arena, "t.yaml", deep + 1, 64, yaml_config_limits, &root, &test->diag),
        STATUS_OK);
    assert_int_equal(
        yaml_parse(&test->arena, "t.yaml", deep, 66, yaml_config_limits, &root, &test->diag),
        STATUS_DATA);
    assert_non_null(strstr(test_messages(test), "E0104]: values are nested more than 32 levels"));
    Buf scalar = {0};
    buf_puts(&scalar, "a: ");
    for (int i = 0; i <= 64 << 10; i++)
        buf_putc(&scalar, 'x');
    assert_int_equal(yaml_parse(&test->arena, "t.yaml", scalar.data, scalar.length,
                                yaml_config_limits, &root, &test->diag),
                     STATUS_DATA);
    assert_non_null(strstr(test_messages(test), "E0104]: a value is longer than 65536 bytes"));
    buf_free(&scalar);
}

static void test_files(void **state) {
    Test *test = *state;
    YamlNode *root;
    const char *path = test_file(test, "good.yaml", "a: 1\n");
    assert_int_equal(yaml_read(&test->arena, path, yaml_config_limits, &root, &test->diag),
                     STATUS_OK);
    assert_int_equal(
        yaml_read(&test->arena, "no/such.yaml", yaml_config_limits, &root, &test->diag),
        STATUS_NOINPUT);
    assert_string_equal(test_messages(test),
                        "no/such.yaml: error[E0901]: there is no such file\n"
                        "  help: check the path; it is taken from the current folder\n");
    assert_int_equal(yaml_read(&test->arena, "/tmp", yaml_config_limits, &root, &test->diag),
                     STATUS_NOINPUT);
    assert_string_equal(test_messages(test),
                        "/tmp: error[E0902]: the file cannot be read: Is a directory\n"
                        "  help: this is a folder: name a file\n");
    assert_int_equal(yaml_read(&test->arena, path, (YamlLimits){4, 10}, &root, &test->diag),
                     STATUS_DATA);
    assert_non_null(strstr(test_messages(test),
                           "error[E0903]: the file is larger than the limit of 4 bytes\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_tree),     TEST(test_json),   TEST(test_syntax), TEST(test_duplicates),
        TEST(test_features), TEST(test_limits), TEST(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
