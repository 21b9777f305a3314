/* Runs Lua test files inside the sandbox. A file returns a table of functions; each is a test, run
 * in the order of their names; a test fails by raising an error. Usage: lua_runner FILE... */
#include "base/fs.h"
#include "base/sandbox.h"

#include <lauxlib.h>

/* Run the tests of the table on top of the stack; returns how many failed. */
static int run_tests(Sandbox *sandbox, const char *file, Diag *diag) {
    lua_State *lua = sandbox->lua;
    int failed = 0, count = 0;
    lua_getglobal(lua, "pairs");
    lua_insert(lua, -2);
    if (sandbox_call(sandbox, 1, 3, diag) != STATUS_OK) {
        return 1;
    }
    for (;;) { /* step, table, name */
        lua_pushvalue(lua, -3);
        lua_pushvalue(lua, -3);
        lua_pushvalue(lua, -3);
        lua_call(lua, 2, 2);
        if (lua_isnil(lua, -2)) {
            break;
        }
        const char *name = lua_tostring(lua, -2);
        Status status = sandbox_call(sandbox, 0, 0, diag);
        printf("%s %s: %s\n", status == STATUS_OK ? "ok  " : "FAIL", file, name);
        failed += status != STATUS_OK;
        count++;
        lua_remove(lua, -2);
    }
    if (count == 0) {
        printf("FAIL %s: no tests\n", file);
    }
    return failed + (count == 0);
}

int main(int argc, char **argv) {
    int failed = argc < 2;
    for (int i = 1; i < argc; i++) {
        Arena arena = {0};
        Diag diag = {.arena = &arena};
        Sandbox sandbox;
        char *text;
        size_t length;
        if (sandbox_open(&sandbox, NULL, (size_t)256 << 20, &diag) != STATUS_OK ||
            fs_read(&arena, argv[i], 1 << 20, &text, &length, &diag) != STATUS_OK ||
            sandbox_run_text(&sandbox, argv[i], text, length, &diag) != STATUS_OK) {
            failed++;
        } else {
            failed += run_tests(&sandbox, argv[i], &diag);
        }
        diag_render(&diag, stderr);
        sandbox_close(&sandbox);
        arena_free(&arena);
    }
    return failed > 0;
}
