/* The template engine: what it writes, and that every mistake names the template and its line. */
#include "emit/template.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

typedef struct State {
    Arena arena;
    Diag diag;
    Sandbox sandbox;
    Buf out;
} State;

static int setup(void **data) {
    State *state = calloc(1, sizeof *state);
    *data = state;
    state->diag.arena = &state->arena;
    return sandbox_open(&state->sandbox, NULL, 0, &state->diag) == STATUS_OK ? 0 : -1;
}

static int teardown(void **data) {
    State *state = *data;
    sandbox_close(&state->sandbox);
    buf_free(&state->out);
    arena_free(&state->arena);
    free(state);
    return 0;
}

/* A view with a string, an integer, a real, a table and a list. */
static void push_view(lua_State *lua) {
    lua_newtable(lua);
    lua_pushstring(lua, "a\"b\\c");
    lua_setfield(lua, -2, "text");
    lua_pushinteger(lua, INT64_C(9007199254740993));
    lua_setfield(lua, -2, "count");
    lua_pushnumber(lua, 4.0);
    lua_setfield(lua, -2, "real");
    lua_newtable(lua);
    for (int i = 1; i <= 3; ++i) {
        lua_pushinteger(lua, 10 * i);
        lua_rawseti(lua, -2, i);
    }
    lua_setfield(lua, -2, "list");
}

static Status render(State *state, const char *text) {
    buf_clear(&state->out);
    push_view(state->sandbox.lua);
    Status status = template_render_text(&state->sandbox, &state->arena, "templates/test.tmpl.c",
                                         text, strlen(text), &state->out, &state->diag);
    assert_int_equal(lua_gettop(state->sandbox.lua), 0);
    return status;
}

static void expect(State *state, const char *text, const char *expected) {
    assert_int_equal(render(state, text), STATUS_OK);
    assert_string_equal(state->out.data ? state->out.data : "", expected);
}

/* The template must be refused with this code, at this line of it, by a text that contains `part`. */
static void expect_error(State *state, const char *text, const char *code, int line,
                         const char *part) {
    state->diag.count = state->diag.errors = 0;
    assert_int_equal(render(state, text), STATUS_DATA);
    assert_int_equal(state->diag.errors, 1);
    const DiagMessage *message = &state->diag.messages[0];
    assert_string_equal(message->code, code);
    assert_non_null(message->place.source);
    assert_string_equal(message->place.source->name, "templates/test.tmpl.c");
    assert_string_equal(message->place.source->text, text);
    assert_int_equal(message->place.line, line);
    if (!strstr(message->text, part))
        fail_msg("'%s' does not say '%s'", message->text, part);
}

static void test_text_passes(void **data) {
    expect(*data, "", "");
    expect(*data, "plain\n", "plain\n");
    expect(*data, "no end of line", "no end of line");
    expect(*data, "\n\n  x\t\"y\\n\" ${z} $ $\n", "\n\n  x\t\"y\\n\" ${z} $ $\n");
    expect(*data, "a // %b #x\n", "a // %b #x\n");
}

static void test_values(void **data) {
    expect(*data, "[$(view.text)] $(view.count)\n", "[a\"b\\c] 9007199254740993\n");
    expect(*data, "$(view.count)$(view.text)", "9007199254740993a\"b\\c");
    expect(*data, "$((\"%d\"):format((1 + 2) * 3)).\n", "9.\n");
}

static void test_control(void **data) {
    const char *c = "//% for _, x in ipairs(view.list) do\n"
                    "x = $(x);\n"
                    "    //% if x == 20 then\n"
                    "twenty\n"
                    "//% end\n"
                    "//% end\n"
                    "done\n";
    expect(*data, c, "x = 10;\nx = 20;\ntwenty\nx = 30;\ndone\n");
    expect(*data, "#% local y = 7\nset(X $(y))\n", "set(X 7)\n");
    expect(*data, "<!--% local y = 7 -->\n| $(y) |\n", "| 7 |\n");
}

static void test_bad_values(void **data) {
    expect_error(*data, "one\ntwo $(view.nothing)\n", "E0450", 2, "$(view.nothing) is nil");
    expect_error(*data, "one\n\n$(view.count) $(view.real)\n", "E0450", 3,
                 "$(view.real) is a real number");
    expect_error(*data, "$(view.list)\n", "E0450", 1, "$(view.list) is table");
    expect_error(*data, "$(view.count > 1)\n", "E0450", 1, "boolean");
}

static void test_bad_lua(void **data) {
    expect_error(*data, "one\n//% if view.count\ntwo\n//% end\n", "E0450", 3, "then");
    expect_error(*data, "one\n//% error('no such layout')\n", "E0450", 2, "no such layout");
    expect_error(*data, "one\ntwo\n//% local a = view.list.x.y\n", "E0450", 3, "nil");
    expect_error(*data, "one $(undeclared)\n", "E0450", 1, "undeclared");
}

static void test_bad_text(void **data) {
    expect_error(*data, "one\n  two $(view.count\n", "E0701", 2, "does not end");
    State *state = *data;
    assert_int_equal(state->diag.messages[0].place.column, 7);
}

static void test_missing(void **data) {
    State *state = *data;
    push_view(state->sandbox.lua);
    assert_int_equal(template_render(&state->sandbox, &state->arena, "templates/none.tmpl.c",
                                     &state->out, &state->diag),
                     STATUS_DATA);
    assert_string_equal(state->diag.messages[0].code, "E0701");
    assert_int_equal(lua_gettop(state->sandbox.lua), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_text_passes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_control, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_lua, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
    };
    return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
