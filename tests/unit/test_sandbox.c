/* What a script cannot do, what it sees in which order, and how its errors and results come out. */
#include "base/sandbox.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

typedef struct Fixture {
    Arena arena;
    Diag diag;
    Sandbox sandbox;
} Fixture;

static int setup(void **state) {
    Fixture *fixture = calloc(1, sizeof *fixture);
    fixture->diag.arena = &fixture->arena;
    *state = fixture;
    return sandbox_open(&fixture->sandbox, NULL, 8 << 20, &fixture->diag) == STATUS_OK ? 0 : -1;
}

static int teardown(void **state) {
    Fixture *fixture = *state;
    sandbox_close(&fixture->sandbox);
    arena_free(&fixture->arena);
    free(fixture);
    return 0;
}

static Status run(Fixture *fixture, const char *text) {
    return sandbox_run_text(&fixture->sandbox, "test.lua", text, strlen(text), &fixture->diag);
}

/* The text that a chunk returns. */
static void expect(Fixture *fixture, const char *text, const char *result) {
    if (run(fixture, text) != STATUS_OK) {
        fail_msg("%s: %s", text, fixture->diag.messages[0].text);
    }
    assert_string_equal(lua_tostring(fixture->sandbox.lua, -1), result);
    lua_pop(fixture->sandbox.lua, 1);
}

static void expect_error(Fixture *fixture, const char *text, const char *code, const char *part) {
    fixture->diag.count = fixture->diag.errors = 0;
    assert_int_equal(run(fixture, text), STATUS_DATA);
    assert_string_equal(fixture->diag.messages[0].code, code);
    if (!strstr(fixture->diag.messages[0].text, part)) {
        fail_msg("'%s' is not in: %s", part, fixture->diag.messages[0].text);
    }
    assert_int_equal(lua_gettop(fixture->sandbox.lua), 0);
}

static void test_absent(void **state) {
    static const char *const absent[] = {
        "io",    "os",     "debug", "package",   "load",           "loadstring", "loadfile",
        "print", "dofile", "warn",  "coroutine", "collectgarbage", NULL,
    };
    for (const char *const *name = absent; *name; name++) {
        char text[64];
        snprintf(text, sizeof text, "return %s", *name);
        expect_error(*state, text, "E0450", "is not defined");
    }
    expect(*state, "return tostring(math.random or math.randomseed or string.dump)", "nil");
    expect_error(*state, "x = 1", "E0450", "would become a global");
    expect_error(*state, "\x1bLua", "E0450", "this is compiled Lua");
}

static void test_addresses(void **state) {
    expect(*state, "return tostring({}) .. tostring(pairs) .. tostring(1.5) .. tostring(nil)",
           "tablefunction1.5nil");
    expect(*state, "return ('%s %d %s'):format({}, 3, pairs)", "table 3 function");
    expect(
        *state,
        "return string.format('%s%%', setmetatable({}, {__tostring = function() return 'x' end}))",
        "x%");
    expect_error(*state, "return string.format('%p', {})", "E0450", "%p");
    expect_error(*state, "return string.format('%%%-10p', {})", "E0450", "%p");
    expect_error(*state, "error({})", "E0450", "table");
}

static void test_order(void **state) {
    expect(*state,
           "local t, s = {b=1, a=2, [10]=3, [2]=4, [-1]=5, ['10']=6, [true]=7, [0.5]=8, ab=9}, {}\n"
           "for k in pairs(t) do s[#s + 1] = tostring(k) end\n"
           "return table.concat(s, ' ')",
           "-1 0.5 2 10 10 a ab b true");
    expect(*state,
           "local t, s = {b=1, a=2, [3]=0, c=4}, {}\n"
           "local k, v = next(t)\n"
           "while k do s[#s + 1] = k .. v; k, v = next(t, k) end\n"
           "return table.concat(s, ' ')",
           "30 a2 b1 c4");
    expect(*state,
           "local t, n = {a=1, b=2, c=3}, 0\n"
           "for k in pairs(t) do t[k] = nil; t.b = nil; n = n + 1 end\n"
           "return n .. tostring(next(t))",
           "2nil");
    expect_error(*state, "for k in pairs({[{}] = 1, [2] = 2}) do end", "E0450", "has no order");
    expect(*state,
           "local n = 0 for _ in pairs(setmetatable({}, {__pairs = function()\n"
           "  return function(_, i) if i < 3 then return i + 1 end end, nil, 0 end})) do n = n + 1 "
           "end\n"
           "return tostring(n)",
           "3");
}

static void test_sort_is_stable(void **state) {
    expect(*state,
           "local t = {}\n"
           "for i = 1, 1000 do t[i] = {key = (i * 7919) % 13, i = i} end\n"
           "table.sort(t, function(a, b) return a.key < b.key end)\n"
           "for i = 2, 1000 do\n"
           "  local a, b = t[i - 1], t[i]\n"
           "  assert(a.key < b.key or (a.key == b.key and a.i < b.i))\n"
           "end\n"
           "local s = {3, 1, 2}; table.sort(s)\n"
           "return table.concat(s, ' ')",
           "1 2 3");
    expect_error(*state, "table.sort({1, 'a'})", "E0450", "attempt to compare");
}

static void test_memory(void **state) {
    Fixture *fixture = *state;
    expect_error(fixture, "return ('x'):rep(1 << 30)", "E0462", "8 MiB");
    expect_error(fixture, "local t = {} while true do t[#t + 1] = {} end", "E0462", "8 MiB");
    expect(fixture, "return 'still alive'", "still alive");
    assert_true(fixture->sandbox.used <= fixture->sandbox.limit);
}

static void test_errors_have_a_place(void **state) {
    Fixture *fixture = *state;
    expect_error(fixture, "local function f()\n  error('oh: no')\nend\nf()", "E0450", "oh: no");
    const DiagMessage *message = &fixture->diag.messages[0];
    assert_string_equal(message->text, "oh: no");
    assert_string_equal(message->place.source->name, "test.lua");
    assert_int_equal(message->place.line, 2);
    assert_non_null(strstr(message->help, "test.lua:4"));
    expect_error(fixture, "return 1 +", "E0450", "unexpected symbol");
    assert_int_equal(fixture->diag.messages[0].place.line, 1);
    expect_error(fixture, "require('no.such')", "E0450", "no module 'no.such'");
    expect_error(fixture, "require('../../etc/passwd')", "E0450", "no module name");
}

static void expect_json(Fixture *fixture, const char *text, const char *json) {
    Buf out = {0};
    assert_int_equal(run(fixture, text), STATUS_OK);
    assert_int_equal(sandbox_to_json(fixture->sandbox.lua, -1, &out, &fixture->diag), STATUS_OK);
    lua_pop(fixture->sandbox.lua, 1);
    char *compact = calloc(1, out.length + 1);
    for (size_t i = 0, n = 0; i < out.length; i++) {
        if (!strchr(" \n", out.data[i])) {
            compact[n++] = out.data[i];
        }
    }
    assert_string_equal(compact, json);
    free(compact);
    buf_free(&out);
}

static void expect_no_json(Fixture *fixture, const char *text, const char *part) {
    Buf out = {0};
    fixture->diag.count = fixture->diag.errors = 0;
    assert_int_equal(run(fixture, text), STATUS_OK);
    assert_int_equal(sandbox_to_json(fixture->sandbox.lua, -1, &out, &fixture->diag), STATUS_DATA);
    assert_string_equal(fixture->diag.messages[0].code, "E0451");
    if (!strstr(fixture->diag.messages[0].text, part)) {
        fail_msg("'%s' is not in: %s", part, fixture->diag.messages[0].text);
    }
    lua_pop(fixture->sandbox.lua, 1);
    assert_int_equal(lua_gettop(fixture->sandbox.lua), 0);
    buf_free(&out);
}

static void test_json(void **state) {
    expect_json(*state, "return {b = {1, 2, {x = 'y'}}, a = true, c = 0.5, d = {}, e = {{3, 4}}}",
                "{\"a\":true,\"b\":[1,2,{\"x\":\"y\"}],\"c\":0.5,\"d\":[],\"e\":[[3,4]]}");
    expect_json(*state, "return {{begin = 2, finish = 5}, {begin = 2}, {begin = 2, finish = 'x'}}",
                "[[2,5],{\"begin\":2},{\"begin\":2,\"finish\":\"x\"}]");
    expect_no_json(*state, "return {a = {1, 0 / 0}}", "the value.a[2] is not a finite number");
    expect_no_json(*state, "return {a = pairs}", "the value.a is a function");
    expect_no_json(*state, "return {1, nil, 3}", "array with holes");
    expect_no_json(*state, "return {1, a = 3}", "mixes");
    expect_no_json(*state, "return {a = '\\xff'}", "UTF-8");
    expect_no_json(*state, "return {a = 'x\\0y'}", "UTF-8");
    expect_no_json(*state, "local t = {} t.t = t return t", "contains itself");
    expect_no_json(*state, "return {a = ('x'):rep(65537)}", "64 KiB");
    expect_error(*state, "return ('\\0%p'):format({})", "E0450", "%p is not available");
    expect_error(*state, "setmetatable({}, {__gc = pairs})", "E0450", "finalizers");
    expect_no_json(*state,
                   "local t = {('x'):rep(60000)} for i = 1, 25 do t = {t, t, t, t} end return t",
                   "64 MiB");
}

static void test_list_is_sorted(void **state) {
    Fixture *fixture = *state;
    const char *const *names = sandbox_list(&fixture->arena, "lua/lib/");
    assert_non_null(names[0]);
    for (int i = 1; names[i]; i++) {
        assert_true(strcmp(names[i - 1], names[i]) < 0);
    }
    size_t length = 0;
    assert_non_null(sandbox_file(&fixture->sandbox, names[0], &length));
    assert_true(length > 0);
    assert_null(sandbox_file(&fixture->sandbox, "lua/lib/../lib/split.lua", &length));
}

static void write_file(const char *folder, const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_share_overrides(void **state) {
    Fixture *fixture = *state;
    char share[] = "/tmp/test-share-XXXXXX", path[256];
    assert_non_null(mkdtemp(share));
    static const char *const folders[] = {"lua", "lua/lib", "lua/lib/why.lua"};
    for (int i = 0; i < 3; i++) { /* the last stands where a file should */
        snprintf(path, sizeof path, "%s/%s", share, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    write_file(share, "lua/lib/split.lua", "return {mine = 'mine'}");
    Sandbox sandbox;
    assert_int_equal(sandbox_open(&sandbox, share, 0, &fixture->diag), STATUS_OK);
    static const char text[] =
        "return require('lib.split').mine .. tostring(require('lib.search'))";
    assert_int_equal(sandbox_run_text(&sandbox, "x", text, strlen(text), &fixture->diag),
                     STATUS_OK);
    assert_string_equal(lua_tostring(sandbox.lua, -1), "minetable");
    assert_int_equal(sandbox_run(&sandbox, "lua/lib/why.lua", &fixture->diag), STATUS_DATA);
    sandbox_close(&sandbox);
    snprintf(path, sizeof path, "%s/lua/lib/split.lua", share);
    unlink(path);
    for (int i = 2; i >= 0; i--) {
        snprintf(path, sizeof path, "%s/%s", share, folders[i]);
        rmdir(path);
    }
    rmdir(share);
}

static void test_where(void **state) {
    expect(*state, "local function f() local w = where(2) return w end\nlocal g = f()\nreturn g",
           "test.lua:2");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_absent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sort_is_stable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors_have_a_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_is_sorted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_share_overrides, setup, teardown),
        cmocka_unit_test_setup_teardown(test_where, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
