/* Inputs damaged at random, always in the same way: reading ends with a diagnostic or with a value that
 * is written and read back equal; never with neither. The sanitizer builds watch the memory. */
#include "test.h"

#include "input/model.h"
#include "input/topology.h"

enum { ROUNDS = 400, ROOM = 16 << 10 };

typedef struct Random {
    uint64_t state;
} Random;

static size_t below(Random *random, size_t limit) {
    random->state ^= random->state << 13;
    random->state ^= random->state >> 7;
    random->state ^= random->state << 17;
    return (size_t)(random->state >> 20) % limit;
}

/* What parsers trip over. */
static const char *const pieces[] = {
    "[",        "]",    "{",  "}",    ":",   "- ",  "&a ", "*a", "!!str ", "\"",
    "'",        "\n",   "\t", "null", "-1",  "0",   "~",   "|",  "1e999",  "#",
    "---\n",    "\xff", ",",  "true", "NaN", "[[[", "{{",  "  ", "%",      "99999999999999999999",
    "\xe2\x82",
};

/* Change one place of text[length]: another byte, a piece put in, a part taken out or doubled. */
static size_t damage(Random *random, char *text, size_t length) {
    size_t at = below(random, length), part = 1 + below(random, 60);
    if (part > length - at)
        part = length - at;
    const char *piece = pieces[below(random, sizeof(pieces) / sizeof(pieces[0]))];
    char copy[64];
    switch (below(random, 4)) {
    case 0:
        text[at] = (char)below(random, 256);
        return length;
    case 1:
        memmove(text + at, text + at + part, length - at - part);
        return length - part ? length - part : 1;
    case 2:
        part = strlen(piece);
        memcpy(copy, piece, part);
        break;
    default:
        memcpy(copy, text + at, part);
        break;
    }
    if (length + part > ROOM)
        return length;
    memmove(text + at + part, text + at, length - at);
    memcpy(text + at, copy, part);
    return length + part;
}

/* Written and read again, the value is the same. */
static void expect_round_trip(Test *test, const Schema *schema, const void *value) {
    void *again = arena_alloc(&test->arena, schema->size);
    Buf text = {0}, differences = {0};
    Jsonw json;
    jsonw_begin(&json, &text);
    schema_write(schema, value, &json);
    jsonw_finish(&json);
    test->diag = (Diag){.arena = &test->arena};
    if (schema_read(schema, test_yaml(test, text.data), again, &test->arena, &test->diag) !=
        STATUS_OK)
        fail_msg("%s", test_messages(test));
    if (schema_diff(schema, value, again, &differences))
        fail_msg("%s", differences.data);
    buf_free(&text);
    buf_free(&differences);
}

static Status read_damaged(Test *test, const Schema *schema, const char *path, void *out) {
    if (schema == &topology_schema)
        return topology_read(&test->arena, path, out, &test->diag);
    return model_read(&test->arena, path, NULL, out, &test->diag);
}

static void damage_file(Test *test, const Schema *schema, const char *source) {
    static char text[ROOM];
    Random random = {88172645463325252u};
    const char *path = test_path(test, "damaged");
    int64_t good = 0;
    char *original;
    size_t size;
    assert_int_equal(fs_read(&test->arena, source, ROOM / 2, &original, &size, &test->diag),
                     STATUS_OK);
    for (int round = 0; round < ROUNDS; round++) {
        ArenaMark mark = arena_mark(&test->arena);
        size_t length = size;
        memcpy(text, original, size);
        for (size_t edits = 1 + below(&random, 4); edits; edits--)
            length = damage(&random, text, length);
        FILE *file = fopen(path, "w");
        fwrite(text, 1, length, file);
        fclose(file);
        void *value = arena_alloc(&test->arena, schema->size);
        Status status = read_damaged(test, schema, path, value);
        if ((status == STATUS_OK) != (test->diag.errors == 0))
            fail_msg("status %d with %d errors", (int)status, (int)test->diag.errors);
        good += status == STATUS_OK;
        if (status == STATUS_OK)
            expect_round_trip(test, schema, value);
        else
            test_messages(test); /* rendering must stand any text */
        test->diag = (Diag){.arena = &test->arena};
        arena_rewind(&test->arena, mark);
    }
    assert_in_range(good, 1, ROUNDS - 1);
}

static void test_topologies(void **state) {
    damage_file(*state, &topology_schema, TEST_SOURCE "/topologies/mixed.yaml");
}

static void test_models(void **state) {
    damage_file(*state, &model_schema, TEST_SOURCE "/models/ma-small.yaml");
}

static void test_hub_configs(void **state) {
    damage_file(*state, &model_schema, TEST_SOURCE "/tests/data/mixtral-tiny/config.json");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_topologies),
        TEST(test_models),
        TEST(test_hub_configs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
