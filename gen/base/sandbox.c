/* sandbox: the state, its allocator, its files and its errors. Owns the Lua state and the texts
 * read from the share folder. It must not know what scripts are for. */
#include "base/sandbox.h"

#include "base/embedded.h"
#include "base/fs.h"
#include "base/sandbox_lib.h"
#include "base/sandbox_seed.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

enum {
    SANDBOX_FILE_LIMIT = 1 << 20, /* bytes of a file under share */
    PLACE_MAX = 512,              /* bytes of "file:line", as sandbox_run_text names chunks */
};

/* Bytes that malloc takes for so many (glibc's chunks: a head of 8, rounded up to 16, at least 32), so that a limit
 * holds for many small objects too. */
static size_t taken(size_t size) {
    size_t chunk = (size + 8 + 15) & ~(size_t)15;
    return size == 0 ? 0 : chunk < 32 ? 32 : chunk;
}

static void *sandbox_allocate(void *user, void *memory, size_t old_size, size_t new_size) {
    Sandbox *sandbox = user;
    if (sandbox->unseeded) {
        sandbox_seed_set(sandbox->unseeded);
        sandbox->unseeded = NULL;
    }
    size_t old = memory ? taken(old_size) : 0; /* for new blocks Lua passes a type there */
    size_t new = taken(new_size);
    if (new_size == 0) {
        free(memory);
        sandbox->used -= old;
        return NULL;
    }
    if (sandbox->limit && new > old && sandbox->used + (new - old) > sandbox->limit) {
        return NULL;
    }
    void *moved = realloc(memory, new_size);
    sandbox->refused = moved ? 0 : new_size; /* Lua collects its garbage and tries again */
    if (moved) {
        sandbox->used += new - old;
    }
    if (moved && sandbox->opening) {
        sandbox->opening = false;
        sandbox->unseeded = moved;
    }
    return moved;
}

/* --- files ------------------------------------------------------------------------------------ */

/* Relative, of plain characters, without "..": it cannot leave the share folder. */
static bool name_is_plain(const char *name) {
    for (const char *p = name; *p; p++) {
        if (!isalnum((unsigned char)*p) && !strchr("._-/", *p)) {
            return false;
        }
    }
    return *name != '\0' && *name != '/' && !strstr(name, "..");
}

const char *sandbox_file(const Sandbox *sandbox, const char *name, size_t *length) {
    if (sandbox->share && name_is_plain(name)) {
        char *path = fs_join(sandbox->files, sandbox->share, name);
        char *text = NULL;
        Diag unread = {.arena = sandbox->files};
        if (fs_exists(path)) { /* one that cannot be read is not replaced by ours in silence */
            return fs_read(sandbox->files, path, SANDBOX_FILE_LIMIT, &text, length, &unread) ==
                           STATUS_OK
                       ? text
                       : NULL;
        }
    }
    for (const struct EmbeddedFile *file = embedded_files; file->name; file++) {
        if (strcmp(file->name, name) == 0) {
            *length = file->size;
            return file->data;
        }
    }
    return NULL;
}

const char *const *sandbox_list(Arena *arena, const char *prefix) {
    int64_t count = 0;
    const struct EmbeddedFile *file;
    for (file = embedded_files; file->name; file++) {
        count += strncmp(file->name, prefix, strlen(prefix)) == 0;
    }
    const char **names = ARENA_ARRAY(arena, count + 1, const char *);
    count = 0;
    for (file = embedded_files; file->name; file++) {
        if (strncmp(file->name, prefix, strlen(prefix)) == 0) {
            names[count++] = arena_strdup(arena, file->name);
        }
    }
    return names;
}

/* --- require ---------------------------------------------------------------------------------- */

/* "lib.split" -> "lua/lib/split.lua", pushed. */
static const char *module_file(lua_State *lua, const char *module) {
    const char *slashed = luaL_gsub(lua, module, ".", "/");
    for (const char *p = module; *p; p++) {
        if (!isalnum((unsigned char)*p) && !strchr("._-", *p)) {
            luaL_error(lua, "require: '%s' is no module name", module);
        }
    }
    lua_pushfstring(lua, "lua/%s.lua", slashed);
    lua_remove(lua, -2);
    return lua_tostring(lua, -1);
}

/* Upvalues: the sandbox, the table of loaded modules (false: being loaded). */
static int sandbox_require(lua_State *lua) {
    Sandbox *sandbox = lua_touserdata(lua, lua_upvalueindex(1));
    const char *module = luaL_checkstring(lua, 1);
    lua_settop(lua, 1);
    if (lua_getfield(lua, lua_upvalueindex(2), module) != LUA_TNIL) {
        if (lua_isboolean(lua, -1)) {
            return luaL_error(lua, "require: '%s' requires itself", module);
        }
        return 1;
    }
    const char *name = module_file(lua, module);
    size_t length;
    const char *text = sandbox_file(sandbox, name, &length);
    if (!text) {
        return luaL_error(lua, "require: there is no module '%s' (%s)", module, name);
    }
    lua_pushboolean(lua, 0);
    lua_setfield(lua, lua_upvalueindex(2), module);
    lua_pushfstring(lua, "@%s", name);
    if (luaL_loadbufferx(lua, text, length, lua_tostring(lua, -1), "t") != LUA_OK) {
        return lua_error(lua);
    }
    lua_call(lua, 0, 1);
    if (!lua_istable(lua, -1)) {
        return luaL_error(lua, "require: %s returns no table", name);
    }
    lua_pushvalue(lua, -1);
    lua_setfield(lua, lua_upvalueindex(2), module);
    return 1;
}

/* --- the state -------------------------------------------------------------------------------- */

static int open_libraries(lua_State *lua) {
    sandbox_lib_open(lua);
    lua_pushglobaltable(lua);
    lua_pushliteral(lua, "require");
    lua_pushvalue(lua, 1);
    lua_newtable(lua);
    lua_pushcclosure(lua, sandbox_require, 2);
    lua_rawset(lua, -3);
    return 0;
}

static Status out_of_memory(const Sandbox *sandbox, Diag *diag) {
    if (sandbox->refused || !sandbox->limit) {
        arena_exhausted(sandbox->refused);
    }
    return diag_error(diag, diag_nowhere(), "E0462",
                      "look for a table or string that grows without end",
                      "Lua needs more than the %zu MiB it may use", sandbox->limit >> 20);
}

/* Outside protected calls our own code uses the state: it can run out of memory, and has no other error. */
static int panic(lua_State *lua) {
    void *user;
    lua_getallocf(lua, &user);
    arena_exhausted(((const Sandbox *)user)->refused);
}

Status sandbox_open(Sandbox *sandbox, const char *share, size_t limit, Diag *diag) {
    *sandbox = (Sandbox){.share = share, .limit = limit, .opening = true};
    sandbox->lua = lua_newstate(sandbox_allocate, sandbox);
    if (!sandbox->lua) {
        return out_of_memory(sandbox, diag);
    }
    lua_atpanic(sandbox->lua, panic);
    sandbox->files = calloc(1, sizeof(Arena));
    lua_pushcfunction(sandbox->lua, open_libraries);
    lua_pushlightuserdata(sandbox->lua, sandbox);
    if (!sandbox->files || lua_pcall(sandbox->lua, 1, 0, 0) != LUA_OK) {
        sandbox_close(sandbox);
        return out_of_memory(sandbox, diag);
    }
    return STATUS_OK;
}

void sandbox_close(Sandbox *sandbox) {
    if (sandbox->lua) {
        lua_close(sandbox->lua);
    }
    if (sandbox->files) {
        arena_free(sandbox->files);
        free(sandbox->files);
    }
    *sandbox = (Sandbox){0};
}

void sandbox_set_global(Sandbox *sandbox, const char *name) {
    lua_pushglobaltable(sandbox->lua);
    lua_insert(sandbox->lua, -2);
    lua_pushstring(sandbox->lua, name);
    lua_insert(sandbox->lua, -2);
    lua_rawset(sandbox->lua, -3);
    lua_pop(sandbox->lua, 1);
}

/* --- running and errors ----------------------------------------------------------------------- */

static int add_traceback(lua_State *lua) {
    luaL_traceback(lua, lua, sandbox_lib_text(lua, 1), 1);
    return 1;
}

/* The name of a text at hand as Lua has it: without its folder, so that what a script makes of errors does not depend on
 * where it lies. */
static const char *chunk_name(const char *name) {
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* Split "file:line: text" at its place; the source is quoted if its text is at hand. */
static DiagPlace error_place(const Sandbox *sandbox, const char **message, Arena *arena) {
    const char *text = *message;
    for (const char *p = strchr(text, ':');
         p && p - text < PLACE_MAX && !memchr(text, '\n', (size_t)(p - text));
         p = strchr(p + 1, ':')) {
        char *after;
        long line = strtol(p + 1, &after, 10);
        if (p == text || line <= 0 || after == p + 1 || after[0] != ':' || after[1] != ' ') {
            continue;
        }
        DiagSource *source = ARENA_NEW(arena, DiagSource);
        size_t length;
        source->name = arena_strndup(arena, text, (size_t)(p - text));
        const char *given_name = sandbox->chunk.name ? sandbox->chunk.name : "";
        bool given = strcmp(given_name, source->name) == 0 ||
                     strcmp(chunk_name(given_name), source->name) == 0;
        source->name = given ? arena_strdup(arena, sandbox->chunk.name) : source->name;
        const char *lines =
            given ? sandbox->chunk.text : sandbox_file(sandbox, source->name, &length);
        source->text = lines ? arena_strdup(arena, lines) : NULL;
        *message = after + 2;
        return (DiagPlace){.source = source, .line = line};
    }
    return diag_nowhere();
}

/* Tell the error value on top of the stack and pop it. */
static Status report(Sandbox *sandbox, int code, Diag *diag) {
    if (code == LUA_ERRMEM) {
        lua_pop(sandbox->lua, 1);
        return out_of_memory(sandbox, diag);
    }
    const char *message = lua_tostring(sandbox->lua, -1); /* the handler made it a string */
    const char *text = message ? message : "error in error handling";
    DiagPlace place = error_place(sandbox, &text, diag->arena);
    const char *trace = strstr(text, "\nstack traceback:");
    size_t length = trace ? (size_t)(trace - text) : strlen(text);
    Status status =
        diag_error(diag, place, "E0450", trace ? trace + 1 : NULL, "%.*s", (int)length, text);
    lua_pop(sandbox->lua, 1);
    return status;
}

Status sandbox_call(Sandbox *sandbox, int arguments, int results, Diag *diag) {
    lua_State *lua = sandbox->lua;
    int handler = lua_gettop(lua) - arguments;
    if (!lua_checkstack(lua, LUA_MINSTACK)) {
        return out_of_memory(sandbox, diag);
    }
    lua_pushcfunction(lua, add_traceback);
    lua_insert(lua, handler);
    int code = lua_pcall(lua, arguments, results, handler);
    lua_remove(lua, handler);
    return code == LUA_OK ? STATUS_OK : report(sandbox, code, diag);
}

/* `chunk` is the name as Lua has it. */
static Status run(Sandbox *sandbox, const char *chunk, const char *name, const char *text,
                  size_t length, Diag *diag) {
    char marked[512];
    snprintf(marked, sizeof marked, "@%s", chunk);
    sandbox->chunk = (DiagSource){.name = name, .text = text};
    if (length > 0 && text[0] == LUA_SIGNATURE[0]) {
        return diag_error(diag, (DiagPlace){.source = &sandbox->chunk}, "E0450",
                          "give the Lua source: what luac makes is not read",
                          "this is compiled Lua, not source");
    }
    int code = luaL_loadbufferx(sandbox->lua, text, length, marked, "t");
    return code == LUA_OK ? sandbox_call(sandbox, 0, 1, diag) : report(sandbox, code, diag);
}

Status sandbox_run_text(Sandbox *sandbox, const char *name, const char *text, size_t length,
                        Diag *diag) {
    return run(sandbox, chunk_name(name), name, text, length, diag);
}

Status sandbox_run(Sandbox *sandbox, const char *name, Diag *diag) {
    size_t length;
    const char *text = sandbox_file(sandbox, name, &length);
    if (!text) {
        return diag_error(diag, diag_nowhere(), "E0450", NULL, "there is no Lua file %s", name);
    }
    return run(sandbox, name, name, text, length, diag);
}
