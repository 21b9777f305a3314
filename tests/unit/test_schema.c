/* Schema: one declaration read, written, pushed to Lua, compared and documented; each mistake to
 * the letter. */
#include "test.h"

#include "base/schema.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <math.h>

typedef struct Part {
    int64_t rank;
    Range heads;
} Part;

typedef struct Inner {
    const char *type;
    double latency;
} Inner;

typedef struct Thing {
    int64_t count;
    double ratio;
    bool on;
    const char *name;
    int64_t color;
    Range span;
    IntList ranks;
    RealList shares;
    TextList words;
    int64_t memory;
    double bandwidth, flops;
    Inner inner;
    LIST_OF(Part) parts;
    LIST_OF(Range) pieces;
} Thing;

static const char *const colors[] = {"red", "green", NULL};

static const Field part_fields[] = {
    {.name = "rank", .type = FIELD_INT, .offset = offsetof(Part, rank), .doc = "who"},
    {.name = "heads", .type = FIELD_RANGE, .offset = offsetof(Part, heads), .doc = "query heads"},
    {0},
};
static const Schema part_schema = {
    .name = "Part", .doc = "A part.", .size = sizeof(Part), .fields = part_fields};

static const Field inner_fields[] = {
    {.name = "type", .type = FIELD_TEXT, .offset = offsetof(Inner, type), .doc = "a word"},
    {.name = "latency",
     .type = FIELD_TIME,
     .offset = offsetof(Inner, latency),
     .fallback = "1 us",
     .doc = "of it [s]"},
    {0},
};
static const Schema inner_schema = {
    .name = "Inner", .doc = "Inside.", .size = sizeof(Inner), .fields = inner_fields, .open = true};

#define AT(member) .offset = offsetof(Thing, member)
static const Field thing_fields[] = {
    {.name = "count", .type = FIELD_INT, AT(count), .min = 1, .max = 100, .doc = "how many"},
    {.name = "ratio",
     .type = FIELD_REAL,
     AT(ratio),
     .fallback = "0.5",
     .min = 0,
     .max = 1,
     .doc = "a share"},
    {.name = "on", .type = FIELD_BOOL, AT(on), .fallback = "true", .doc = "or off"},
    {.name = "name", .type = FIELD_TEXT, AT(name), .fallback = "", .doc = "any text"},
    {.name = "color",
     .type = FIELD_ENUM,
     AT(color),
     .fallback = "green",
     .names = colors,
     .doc = "of two"},
    {.name = "span",
     .type = FIELD_RANGE,
     AT(span),
     .fallback = "",
     .min = 0,
     .max = 64,
     .doc = "half-open"},
    {.name = "ranks", .type = FIELD_INTS, AT(ranks), .fallback = "", .max = 3, .doc = "numbers"},
    {.name = "shares", .type = FIELD_REALS, AT(shares), .fallback = "", .doc = "numbers"},
    {.name = "words", .type = FIELD_TEXTS, AT(words), .fallback = "", .doc = "texts"},
    {.name = "memory", .type = FIELD_BYTES, AT(memory), .fallback = "80 GiB", .doc = "[bytes]"},
    {.name = "bandwidth",
     .type = FIELD_BANDWIDTH,
     AT(bandwidth),
     .fallback = "0 B/s",
     .min = 0,
     .max = INFINITY,
     .doc = "[bytes/s]"},
    {.name = "flops",
     .type = FIELD_FLOPS,
     AT(flops),
     .fallback = "1 FLOP/s",
     .min = 1e9,
     .max = INFINITY,
     .doc = "[1/s]"},
    {.name = "inner",
     .type = FIELD_OBJECT,
     AT(inner),
     .fallback = "",
     .of = &inner_schema,
     .doc = "nested"},
    {.name = "parts",
     .type = FIELD_LIST,
     AT(parts),
     .fallback = "",
     .of = &part_schema,
     .doc = "many"},
    {.name = "pieces",
     .type = FIELD_LIST,
     AT(pieces),
     .fallback = "",
     .of = &range_schema,
     .doc = "ranges"},
    {0},
};
static const char *const thing_aliases[] = {"n", "count", NULL};
static const Schema thing_schema = {.name = "Thing",
                                    .doc = "All types.",
                                    .size = sizeof(Thing),
                                    .fields = thing_fields,
                                    .aliases = thing_aliases};

static const char full[] = "{\n"
                           "  \"bandwidth\": \"25 GB/s\",\n"
                           "  \"color\": \"red\",\n"
                           "  \"count\": 7,\n"
                           "  \"flops\": \"312 TFLOP/s\",\n"
                           "  \"inner\": {\"latency\": \"5 us\", \"type\": \"x\"},\n"
                           "  \"memory\": \"80 GB\",\n"
                           "  \"name\": \"a \\\"b\\\"\",\n"
                           "  \"on\": false,\n"
                           "  \"parts\": [\n"
                           "    {\"heads\": [0, 3], \"rank\": 0},\n"
                           "    {\"heads\": [3, 5], \"rank\": 1}\n"
                           "  ],\n"
                           "  \"pieces\": [[0, 1], [1, 1]],\n"
                           "  \"ranks\": [3, -1],\n"
                           "  \"ratio\": 0.0001,\n"
                           "  \"shares\": [0.25, -1.5],\n"
                           "  \"span\": [2, 64],\n"
                           "  \"words\": [\"p\", \"q\"]\n"
                           "}\n";

static Status read_thing(Test *test, const char *text, Thing *thing) {
    return schema_read(&thing_schema, test_yaml(test, text), thing, &test->arena, &test->diag);
}

static Thing good(Test *test, const char *text) {
    Thing thing;
    if (read_thing(test, text, &thing) != STATUS_OK)
        fail_msg("%s", test_messages(test));
    return thing;
}

static void test_round_trip(void **state) {
    Test *test = *state;
    Thing thing = good(test, full);
    assert_int_equal(thing.parts.count, 2);
    assert_int_equal(thing.parts.items[1].heads.begin, 3);
    assert_int_equal(thing.pieces.items[1].end, 1);
    assert_int_equal(thing.ranks.items[1], -1);
    assert_true(thing.shares.items[1] == -1.5);
    assert_true(thing.bandwidth == 25e9);
    Buf out = {0};
    Jsonw json;
    jsonw_begin(&json, &out);
    schema_write(&thing_schema, &thing, &json);
    jsonw_finish(&json);
    assert_string_equal(out.data, full);
    buf_free(&out);
}

static void test_fallbacks(void **state) {
    Test *test = *state;
    Thing thing = good(test, "count: 1\nratio: null\n");
    assert_true(thing.ratio == 0.5);
    assert_true(thing.on);
    assert_string_equal(thing.name, "");
    assert_int_equal(thing.color, 1);
    assert_int_equal(thing.span.end, 0);
    assert_int_equal(thing.parts.count, 0);
    assert_true(thing.memory == INT64_C(80) << 30);
    assert_true(thing.inner.latency == 1e-6);
    assert_true(thing.flops == 1); /* a fallback may lie outside the limits: "not given" */
}

static void refuse(Test *test, const char *text, const char *messages) {
    Thing thing;
    assert_int_equal(read_thing(test, text, &thing), STATUS_DATA);
    assert_string_equal(test_messages(test), messages);
}

static void test_keys(void **state) {
    Test *test = *state;
    refuse(test, "cuont: 1\ncount: 2\n",
           "t.yaml:1:1: error[E0107]: unknown key `cuont`\n"
           "    1 | cuont: 1\n"
           "      | ^^^^^\n"
           "  help: did you mean `count`?\n");
    refuse(
        test, "{n: 1, zzzzzz: 2}",
        "t.yaml:1:2: note[E0106]: `n` is read as `count`\n"
        "    1 | {n: 1, zzzzzz: 2}\n"
        "      |  ^\n"
        "t.yaml:1:8: error[E0107]: unknown key `zzzzzz`\n"
        "    1 | {n: 1, zzzzzz: 2}\n"
        "      |        ^^^^^^\n"
        "  help: known keys are count, ratio, on, name, color, span, ranks, shares, words, memory, "
        "bandwidth, flops, inner, parts, pieces\n");
    refuse(test, "on: true\n",
           "t.yaml:1:1: error[E0108]: the key `count` is missing\n"
           "    1 | on: true\n"
           "      | ^\n"
           "  help: how many\n");
    refuse(test, "[1]",
           "t.yaml:1:1: error[E0109]: Thing must be a mapping, not a list\n"
           "    1 | [1]\n"
           "      | ^\n"
           "  help: write key: value lines\n");
    assert_int_equal(read_thing(test, "count: 1\nn: 2\n", &(Thing){0}), STATUS_DATA);
    assert_non_null(
        strstr(test_messages(test), "error[E0102]: `count` was given before under another name\n"));
}

/* An alias and an open schema: accepted, the first with a note. */
static void test_kept(void **state) {
    Test *test = *state;
    Thing thing = good(test, "n: 3\ninner: {type: x, vendor: {a: [1]}}\n");
    assert_int_equal(thing.count, 3);
    assert_string_equal(thing.inner.type, "x");
    assert_string_equal(test_messages(test), "t.yaml:1:1: note[E0106]: `n` is read as `count`\n"
                                             "    1 | n: 3\n"
                                             "      | ^\n");
}

/* One mistake on an otherwise good thing: "KEY: VALUE", then the first message and help. */
static void refuse_value(Test *test, const char *line, const char *message, const char *help) {
    char *text = arena_printf(&test->arena, "%s\n%s\n", line,
                              strncmp(line, "count", 5) == 0 ? "on: true" : "count: 1");
    Thing thing;
    assert_int_equal(read_thing(test, text, &thing), STATUS_DATA);
    char *got = arena_printf(&test->arena, "%s: %s", test->diag.messages[0].code,
                             test->diag.messages[0].text);
    assert_string_equal(got, message);
    assert_string_equal(test->diag.messages[0].help ? test->diag.messages[0].help : "", help);
    assert_int_equal(test->diag.count, 1);
    test_messages(test);
}

static void test_numbers(void **state) {
    Test *test = *state;
    refuse_value(test, "count: 2,097,152", "E0109: count must be a whole number, not 2,097,152",
                 "write 2097152");
    refuse_value(test, "count: 1e1", "E0109: count must be a whole number, not 1e1", "write 10");
    refuse_value(test, "count: 4.5", "E0109: count must be a whole number, not 4.5",
                 "write a whole number, e.g. 16");
    refuse_value(test, "count: \"4\"", "E0109: count must be a whole number, not \"4\"", "write 4");
    refuse_value(test, "count: 0", "E0110: count must be at least 1, not 0", "how many");
    refuse_value(test, "count: 101", "E0110: count must be at most 100, not 101", "how many");
    refuse_value(test, "count: 99999999999999999999",
                 "E0110: count does not fit in 64 bits: 99999999999999999999", "how many");
    refuse_value(test, "count: [1]", "E0109: count must be a single value, not a list", "how many");
    refuse_value(test, "ratio: 1.5", "E0110: ratio must be at most 1, not 1.5", "a share");
    refuse_value(test, "ratio: 1e999", "E0110: ratio is too large: 1e999", "a share");
    refuse_value(test, "ratio: nan", "E0109: ratio must be a number, not nan",
                 "write a number, e.g. 0.5 or 1e-5");
}

static void test_words(void **state) {
    Test *test = *state;
    refuse_value(test, "on: yes", "E0109: on must be true or false, not yes",
                 "write true or false, without quotes");
    refuse_value(test, "on: 'true'", "E0109: on must be true or false, not true",
                 "write true or false, without quotes");
    refuse_value(test, "color: gren", "E0109: color must be one of red, green, not gren",
                 "did you mean green?");
    refuse_value(test, "name: {}", "E0109: name must be a single value, not a mapping", "any text");
}

static void test_quantities(void **state) {
    Test *test = *state;
    refuse_value(test, "bandwidth: 1e400", "E0110: bandwidth is too large: 1e400", "[bytes/s]");
    refuse_value(test, "bandwidth: 1e300 TB/s", "E0110: bandwidth is too large: 1e300 TB/s",
                 "[bytes/s]");
    refuse_value(test, "memory: -1e308 TiB", "E0110: memory is too large: -1e308 TiB", "[bytes]");
    refuse_value(test, "memory: 80", "E0312: memory needs a unit",
                 "write 80 GB (10^9 bytes) or 80 GiB (2^30 bytes)");
    refuse_value(test, "memory: 80 Gb", "E0109: memory has an unknown unit: 80 Gb",
                 "units are TiB, TB, GiB, GB, MiB, MB, KiB, kB, B");
    refuse_value(test, "memory: lots", "E0109: memory must be a number with a unit, not lots",
                 "units are TiB, TB, GiB, GB, MiB, MB, KiB, kB, B");
    refuse_value(test, "memory: 0.3 B",
                 "E0110: memory must be a whole number of bytes below 2^53, not 0.3 B", "");
    refuse_value(test, "bandwidth: 200", "E0312: bandwidth needs a unit",
                 "write 200 Gb/s (InfiniBand HDR) or 200 GB/s");
    refuse_value(test, "bandwidth: -1 GB/s", "E0110: bandwidth must be at least 0 B/s, not -1 GB/s",
                 "[bytes/s]");
    refuse_value(test, "flops: 5 MFLOP/s", "E0110: flops must be at least 1 GFLOP/s, not 5 MFLOP/s",
                 "[1/s]");
}

static void test_lists(void **state) {
    Test *test = *state;
    const char *range = "write [begin, end], the end not included";
    refuse_value(test, "span: 3", "E0109: span must be a range, not a single value", range);
    refuse_value(test, "span: [1, 2, 3]", "E0109: span must be two whole numbers, not 3", range);
    refuse_value(test, "span: [3, 2]", "E0110: span begins after its end: [3, 2]", range);
    refuse_value(test, "span: [0, 65]", "E0110: span must be at most 64, not 65", "");
    refuse_value(test, "pieces: [[0, 1], 2]", "E0109: pieces must be a range, not a single value",
                 range);
    refuse_value(test, "ranks: [1, 2, 3, 4]", "E0110: ranks has 4 items, but must have at most 3",
                 "numbers");
    refuse_value(test, "ranks: 1", "E0109: ranks must be a list, not a single value",
                 "write [a, b] or one line \"- item\" for each");
    refuse_value(test, "ranks: [1, x]", "E0109: ranks must be a whole number, not x",
                 "write a whole number, e.g. 16");
    refuse_value(test, "parts: [{rank: 0}]", "E0108: the key `heads` is missing", "query heads");
}

/* All mistakes of a file are told at once. */
static void test_all(void **state) {
    Test *test = *state;
    Thing thing;
    read_thing(test, "count: x\nratio: y\nspan: z\nparts: [{rank: a, heads: b}, 1]\nbad: 1\n",
               &thing);
    assert_int_equal(test->diag.errors, 7);
}

static void test_parse(void **state) {
    Test *test = *state;
    Thing thing = {0};
    Arena *arena = &test->arena;
    DiagPlace nowhere = diag_nowhere();
    assert_int_equal(schema_parse(schema_field(&thing_schema, "count"), "12", nowhere, &thing.count,
                                  arena, &test->diag),
                     STATUS_OK);
    assert_int_equal(thing.count, 12);
    assert_int_equal(schema_parse(schema_field(&thing_schema, "span"), "3,7", nowhere, &thing.span,
                                  arena, &test->diag),
                     STATUS_OK);
    assert_int_equal(thing.span.end, 7);
    assert_int_equal(schema_parse(schema_field(&thing_schema, "words"), "a,b", nowhere,
                                  &thing.words, arena, &test->diag),
                     STATUS_OK);
    assert_string_equal(thing.words.items[1], "b");
    assert_int_equal(schema_parse(schema_field(&thing_schema, "count"), "1k", nowhere, &thing.count,
                                  arena, &test->diag),
                     STATUS_DATA);
    assert_string_equal(test_messages(test),
                        "gen: error[E0109]: count must be a whole number, not 1k\n"
                        "  help: write a whole number, e.g. 16\n");
    assert_null(schema_field(&thing_schema, "none"));
}

static void test_lua(void **state) {
    Test *test = *state;
    Thing thing = good(test, full);
    lua_State *lua = luaL_newstate();
    schema_push(lua, &thing_schema, &thing);
    lua_setglobal(lua, "t");
    luaL_requiref(lua, "_G", luaopen_base, 1);
    int failed = luaL_dostring(
        lua, "assert(t.count == 7 and t.name == 'a \"b\"' and t.on == false and t.color == 'red')\n"
             "assert(t.span.begin == 2 and t.span.finish == 64 and #t.parts == 2)\n"
             "assert(t.parts[2].heads.begin == 3 and t.pieces[1].finish == 1)\n"
             "assert(t.ranks[2] == -1 and t.shares[1] == 0.25)\n"
             "assert(t.words[1] == 'p' and t.inner.latency == 5e-6)\n"
             "assert(tostring(t.bandwidth) == '25000000000.0' and t.memory == 80000000000)\n");
    if (failed)
        fail_msg("%s", lua_tostring(lua, -1));
    lua_close(lua);
}

static void test_diff(void **state) {
    Test *test = *state;
    Thing a = good(test, full), b = good(test, full);
    Buf out = {0};
    assert_int_equal(schema_diff(&thing_schema, &a, &b, &out), 0);
    assert_null(out.data);
    b = good(test, "{count: 8, color: green, inner: {type: y, latency: 5 us}, memory: 80 GB, "
                   "name: 'a \"b\"', on: false, parts: [{rank: 0, heads: [0, 4]}], "
                   "pieces: [[0, 1], [1, 1], [1, 2]], ranks: [3], ratio: 0.0001, shares: [0.25], "
                   "span: [2, 64], "
                   "words: [p, r], bandwidth: 25 GB/s, flops: 312 TFLOP/s}");
    assert_int_equal(schema_diff(&thing_schema, &a, &b, &out), 9);
    assert_string_equal(out.data, "count: 7 -> 8\n"
                                  "color: \"red\" -> \"green\"\n"
                                  "ranks: [3, -1] -> [3]\n"
                                  "shares: [0.25, -1.5] -> [0.25]\n"
                                  "words: [\"p\", \"q\"] -> [\"p\", \"r\"]\n"
                                  "inner.type: \"x\" -> \"y\"\n"
                                  "parts[0].heads: [0, 3] -> [0, 4]\n"
                                  "parts[1]: {\"heads\": [3, 5], \"rank\": 1} -> absent\n"
                                  "pieces[2]: absent -> [1, 2]\n");
    buf_clear(&out);
    b = good(test,
             "{count: 7, color: red, inner: {type: x, latency: 6 us}, memory: 81 GB, "
             "name: 'a', on: true, parts: [{rank: 0, heads: [0, 3]}, {rank: 2, heads: [3, 5]}], "
             "pieces: [[0, 1], [1, 2]], ranks: [3, -2], ratio: 0.0002, shares: [0.25, -1], "
             "span: [2, 63], words: [p], bandwidth: 26 GB/s, flops: 313 TFLOP/s}");
    assert_int_equal(schema_diff(&thing_schema, &a, &b, &out), 13);
    assert_string_equal(out.data, "ratio: 0.0001 -> 0.0002\n"
                                  "on: false -> true\n"
                                  "name: \"a \\\"b\\\"\" -> \"a\"\n"
                                  "span: [2, 64] -> [2, 63]\n"
                                  "ranks: [3, -1] -> [3, -2]\n"
                                  "shares: [0.25, -1.5] -> [0.25, -1]\n"
                                  "words: [\"p\", \"q\"] -> [\"p\"]\n"
                                  "memory: \"80 GB\" -> \"81 GB\"\n"
                                  "bandwidth: \"25 GB/s\" -> \"26 GB/s\"\n"
                                  "flops: \"312 TFLOP/s\" -> \"313 TFLOP/s\"\n"
                                  "inner.latency: \"5 us\" -> \"6 us\"\n"
                                  "parts[1].rank: 1 -> 2\n"
                                  "pieces[1]: [1, 1] -> [1, 2]\n");
    buf_free(&out);
}

/* What says nothing is left out where the field is sparse: no items, no text, 0, false, and objects of such. */
typedef struct Quiet {
    int64_t number, memory, color;
    double real, bandwidth;
    bool on;
    const char *text;
    Range span;
    IntList ints;
    TextList texts;
    LIST_OF(Part) parts;
    Part part;
} Quiet;

#define QUIET(of_type, member, of_fallback)                                                        \
    .name = #member, .type = of_type, .offset = offsetof(Quiet, member), .fallback = of_fallback,  \
    .sparse = true, .doc = "d"
static const Field quiet_fields[] = {
    {QUIET(FIELD_INT, number, "0")},
    {QUIET(FIELD_BYTES, memory, "0 B")},
    {QUIET(FIELD_ENUM, color, "red"), .names = colors},
    {QUIET(FIELD_REAL, real, "0")},
    {QUIET(FIELD_BANDWIDTH, bandwidth, "0 B/s")},
    {QUIET(FIELD_BOOL, on, "false")},
    {QUIET(FIELD_TEXT, text, "")},
    {QUIET(FIELD_RANGE, span, "")},
    {QUIET(FIELD_INTS, ints, "")},
    {QUIET(FIELD_TEXTS, texts, "")},
    {QUIET(FIELD_LIST, parts, ""), .of = &part_schema},
    {QUIET(FIELD_OBJECT, part, ""), .of = &part_schema},
    {0},
};
static const Schema quiet_schema = {
    .name = "Quiet", .doc = "Sparse.", .size = sizeof(Quiet), .fields = quiet_fields};

static void test_sparse(void **state) {
    static const char *const lines[] = {
        "number: 1",
        "memory: 1 B",
        "color: green",
        "real: 0.5",
        "bandwidth: 1 B/s",
        "on: true",
        "text: x",
        "span: [0, 1]",
        "ints: [0]",
        "texts: ['']",
        "parts: [{rank: 0, heads: [0, 0]}]",
        "part: {rank: 0, heads: [0, 1]}",
        "part: {rank: 1, heads: [0, 0]}",
    };
    Test *test = *state;
    Quiet quiet;
    for (size_t i = 0; i <= sizeof lines / sizeof *lines; i++) {
        const char *line = i < sizeof lines / sizeof *lines ? lines[i] : "{}";
        Buf out = {0};
        Jsonw json;
        assert_int_equal(
            schema_read(&quiet_schema, test_yaml(test, line), &quiet, &test->arena, &test->diag),
            STATUS_OK);
        jsonw_begin(&json, &out);
        schema_write(&quiet_schema, &quiet, &json);
        jsonw_finish(&json);
        const YamlNode *root = test_yaml(test, out.data);
        assert_int_equal(root->count, i < sizeof lines / sizeof *lines ? 1 : 0);
        if (root->count)
            assert_int_equal(strncmp(line, root->keys[0]->text, strlen(root->keys[0]->text)), 0);
        buf_free(&out);
    }
}

static void test_docs(void **state) {
    Buf out = {0};
    schema_lua_types(&part_schema, &out);
    assert_string_equal(out.data, "---A part.\n"
                                  "---@class Part\n"
                                  "---@field rank integer who\n"
                                  "---@field heads Range query heads\n"
                                  "\n"
                                  "---A half-open range of integers.\n"
                                  "---@class Range\n"
                                  "---@field begin integer the first\n"
                                  "---@field finish integer past the last\n"
                                  "\n");
    buf_clear(&out);
    schema_lua_types(&thing_schema, &out);
    assert_non_null(strstr(out.data, "---@field color \"red\"|\"green\" of two\n"));
    assert_non_null(strstr(out.data, "---@field parts Part[] many\n"));
    assert_null(strstr(strstr(out.data, "@class Range") + 1, "@class Range"));
    buf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip), TEST(test_fallbacks),  TEST(test_keys),  TEST(test_kept),
        TEST(test_numbers),    TEST(test_words),      TEST(test_lists), TEST(test_all),
        TEST(test_parse),      TEST(test_quantities), TEST(test_lua),   TEST(test_diff),
        TEST(test_docs),       TEST(test_sparse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
