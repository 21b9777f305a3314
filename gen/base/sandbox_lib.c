/* sandbox_lib: see sandbox_lib.h. Everything here lives in the Lua state; nothing is allocated in
 * C, so that a raised error (a longjmp) leaks nothing. */
#include "base/sandbox_lib.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>
#include <string.h>

/* What scripts may use of the standard libraries. Absent on purpose: load, loadstring, loadfile,
 * dofile (bytecode, files), collectgarbage (observes addresses and time), print, warn (output),
 * string.dump, math.random and randomseed (seeded by address and clock), io, os, debug, package,
 * coroutine. */
static const char *const base_allowed[] = {
    "assert", "error",  "getmetatable", "ipairs",   "pcall", "rawequal", "rawget", "rawlen",
    "rawset", "select", "setmetatable", "tonumber", "type",  "xpcall",   NULL,
};
static const char *const string_allowed[] = {
    "byte", "char", "find",    "format", "gmatch", "gsub",     "len",   "lower", "match",
    "pack", "rep",  "reverse", "sub",    "unpack", "packsize", "upper", NULL,
};
static const char *const table_allowed[] = {
    "concat", "insert", "move", "pack", "remove", "unpack", NULL,
};
static const char *const math_allowed[] = {
    "abs",  "acos", "asin", "atan", "ceil", "cos",        "deg",        "exp",  "floor",
    "fmod", "huge", "log",  "max",  "min",  "maxinteger", "mininteger", "modf", "pi",
    "rad",  "sin",  "sqrt", "tan",  "type", "tointeger",  "ult",        NULL,
};
static const char *const utf8_allowed[] = {
    "char", "charpattern", "codepoint", "codes", "len", "offset", NULL,
};

const char *sandbox_lib_text(lua_State *lua, int index) {
    index = lua_absindex(lua, index);
    int type = lua_type(lua, index);
    bool addressed = type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TUSERDATA ||
                     type == LUA_TLIGHTUSERDATA || type == LUA_TTHREAD;
    if (addressed) {
        if (luaL_getmetafield(lua, index, "__tostring") == LUA_TNIL) {
            return lua_pushstring(lua, lua_typename(lua, type));
        }
        lua_pop(lua, 1);
    }
    return luaL_tolstring(lua, index, NULL);
}

static int lib_tostring(lua_State *lua) {
    luaL_checkany(lua, 1);
    sandbox_lib_text(lua, 1);
    return 1;
}

/* string.format with addresses taken out: %p is refused, %s of a table gives its type. Upvalue 1 is
 * Lua's own function. */
static int lib_format(lua_State *lua) {
    size_t length;
    const char *format = luaL_checklstring(lua, 1, &length), *end = format + length;
    int count = lua_gettop(lua);
    for (const char *p = format;
         p && (p = memchr(p, '%', (size_t)(end - p)));) { /* past NULs too */
        p++;
        p += strspn(p, "-+ #0123456789.");
        if (*p == 'p') {
            return luaL_error(lua, "format %%p is not available: addresses differ from run to run");
        }
        p += p < end;
    }
    for (int i = 2; i <= count; i++) {
        if (lua_type(lua, i) > LUA_TSTRING || lua_type(lua, i) == LUA_TLIGHTUSERDATA) {
            sandbox_lib_text(lua, i);
            lua_replace(lua, i);
        }
    }
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    lua_call(lua, count, 1);
    return 1;
}

/* --- the order of keys: numbers ascending, then strings by bytes, then false, true ------------ */

static int key_class(lua_State *lua, int index) {
    switch (lua_type(lua, index)) {
    case LUA_TNUMBER:
        return 0;
    case LUA_TSTRING:
        return 1;
    case LUA_TBOOLEAN:
        return 2;
    default:
        return luaL_error(lua, "a table with keys of type %s has no order to be traversed in",
                          luaL_typename(lua, index));
    }
}

static bool key_less(lua_State *lua, int a, int b) {
    int class_a = key_class(lua, a), class_b = key_class(lua, b);
    if (class_a != class_b) {
        return class_a < class_b;
    }
    if (class_a == 0) {
        return lua_compare(lua, a, b, LUA_OPLT);
    }
    if (class_a == 2) {
        return lua_toboolean(lua, a) < lua_toboolean(lua, b);
    }
    size_t length_a, length_b;
    const char *text_a = lua_tolstring(lua, a, &length_a);
    const char *text_b = lua_tolstring(lua, b, &length_b);
    int order = memcmp(text_a, text_b, length_a < length_b ? length_a : length_b);
    return order != 0 ? order < 0 : length_a < length_b;
}

/* --- a stable merge sort of items [lo, hi] of a table ----------------------------------------- */

enum { SORT_TABLE = 1, SORT_LESS, SORT_SPARE, SORT_STACK = 16 }; /* stack slots; slots needed */

/* Is b strictly before a? Stability needs no other question. Order: that of keys, a Lua function,
 * or Lua's own `<`; the slot SORT_LESS holds true, the function, or nil. */
static bool sort_less(lua_State *lua, int a, int b) {
    a = lua_absindex(lua, a);
    b = lua_absindex(lua, b);
    if (lua_isboolean(lua, SORT_LESS)) {
        return key_less(lua, a, b);
    }
    if (lua_isnil(lua, SORT_LESS)) {
        return lua_compare(lua, a, b, LUA_OPLT);
    }
    lua_pushvalue(lua, SORT_LESS);
    lua_pushvalue(lua, a);
    lua_pushvalue(lua, b);
    lua_call(lua, 2, 1);
    bool less = lua_toboolean(lua, -1);
    lua_pop(lua, 1);
    return less;
}

static void sort_merge(lua_State *lua, lua_Integer lo, lua_Integer mid, lua_Integer hi) {
    for (lua_Integer i = lo; i <= mid; i++) {
        lua_geti(lua, SORT_TABLE, i);
        lua_rawseti(lua, SORT_SPARE, i - lo + 1);
    }
    lua_Integer left = 1, left_end = mid - lo + 1, right = mid + 1;
    for (lua_Integer to = lo; left <= left_end; to++) {
        lua_rawgeti(lua, SORT_SPARE, left);
        if (right <= hi) {
            lua_geti(lua, SORT_TABLE, right);
            if (sort_less(lua, -1, -2)) {
                lua_seti(lua, SORT_TABLE, to);
                lua_pop(lua, 1);
                right++;
                continue;
            }
            lua_pop(lua, 1);
        }
        lua_seti(lua, SORT_TABLE, to);
        left++;
    }
}

static void sort_range(lua_State *lua, lua_Integer lo, lua_Integer hi) {
    if (lo >= hi) {
        return;
    }
    lua_Integer mid = lo + (hi - lo) / 2;
    sort_range(lua, lo, mid);
    sort_range(lua, mid + 1, hi);
    lua_geti(lua, SORT_TABLE, mid);
    lua_geti(lua, SORT_TABLE, mid + 1);
    bool disordered = sort_less(lua, -1, -2);
    lua_pop(lua, 2);
    if (disordered) {
        sort_merge(lua, lo, mid, hi);
    }
}

static int lib_sort(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    if (!lua_isnoneornil(lua, 2)) {
        luaL_checktype(lua, 2, LUA_TFUNCTION);
    }
    lua_settop(lua, 2);
    lua_newtable(lua);
    luaL_checkstack(lua, SORT_STACK, "sort");
    sort_range(lua, 1, luaL_len(lua, 1));
    return 0;
}

/* --- pairs and next --------------------------------------------------------------------------- */

/* Upvalues: sorted keys, position. Keys whose value became nil meanwhile are skipped. */
static int pairs_step(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_Integer at = lua_tointeger(lua, lua_upvalueindex(2));
    for (;;) {
        at++;
        if (lua_rawgeti(lua, lua_upvalueindex(1), at) == LUA_TNIL) {
            return 1;
        }
        lua_pushvalue(lua, -1);
        if (lua_rawget(lua, 1) != LUA_TNIL) {
            lua_pushinteger(lua, at);
            lua_replace(lua, lua_upvalueindex(2));
            return 2;
        }
        lua_pop(lua, 2);
    }
}

static int lib_pairs(lua_State *lua) {
    luaL_checkany(lua, 1);
    if (luaL_getmetafield(lua, 1, "__pairs") != LUA_TNIL) {
        lua_pushvalue(lua, 1);
        lua_call(lua, 1, 3);
        return 3;
    }
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 1);
    lua_newtable(lua);
    lua_insert(lua, 1); /* keys, table */
    lua_Integer count = 0;
    for (lua_pushnil(lua); lua_next(lua, 2); lua_pop(lua, 1)) {
        lua_pushvalue(lua, -2);
        lua_rawseti(lua, 1, ++count);
    }
    lua_pushboolean(lua, 1);
    lua_newtable(lua);
    lua_rotate(lua, 2, 2); /* keys, order, spare, table: the slots of a sort */
    luaL_checkstack(lua, SORT_STACK, "pairs");
    sort_range(lua, 1, count);
    lua_pushvalue(lua, SORT_TABLE);
    lua_pushinteger(lua, 0);
    lua_pushcclosure(lua, pairs_step, 2);
    lua_pushvalue(lua, 4);
    lua_pushnil(lua);
    return 3;
}

/* The smallest key after the given one: a walk over the table, for `next(t) == nil` and the
 * like. */
static int lib_next(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 2);
    lua_pushnil(lua); /* 3: best key so far */
    for (lua_pushnil(lua); lua_next(lua, 1); lua_pop(lua, 1)) {
        int key = lua_gettop(lua) - 1;
        bool after = lua_isnil(lua, 2) || key_less(lua, 2, key);
        if (after && (lua_isnil(lua, 3) || key_less(lua, key, 3))) {
            lua_pushvalue(lua, key);
            lua_replace(lua, 3);
        }
    }
    lua_settop(lua, 3);
    if (lua_isnil(lua, 3)) {
        return 1;
    }
    lua_pushvalue(lua, 3);
    lua_rawget(lua, 1);
    return 2;
}

/* where(level): "file:line" of a caller, 1 being who calls it. */
static int lib_where(lua_State *lua) {
    size_t length;
    luaL_where(lua, (int)luaL_optinteger(lua, 1, 1));
    const char *text = lua_tolstring(lua, -1, &length);
    lua_pushlstring(lua, text, length - (length >= 2 ? 2 : 0)); /* ": " */
    return 1;
}

/* Lua's own, without __gc: a finalizer would run when the collector likes, between any two steps of ours, so that
 * neither plans nor what reads their tables could rely upon anything. Upvalue 1 is Lua's function. */
static int lib_setmetatable(lua_State *lua) {
    if (lua_istable(lua, 2)) {
        lua_pushliteral(lua, "__gc");
        if (lua_rawget(lua, 2) != LUA_TNIL) {
            return luaL_error(lua, "finalizers (__gc) are not available");
        }
        lua_pop(lua, 1);
    }
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    lua_call(lua, lua_gettop(lua) - 1, 1);
    return 1;
}

/* --- strict globals --------------------------------------------------------------------------- */

static int undefined_global(lua_State *lua) {
    return luaL_error(lua, "'%s' is not defined (nor available in the sandbox)",
                      sandbox_lib_text(lua, 2));
}

static int assigned_global(lua_State *lua) {
    return luaL_error(lua, "'%s' would become a global: declare it local",
                      sandbox_lib_text(lua, 2));
}

/* --- assembly --------------------------------------------------------------------------------- */

/* Pop a library's table and push a fresh one with only the allowed names. */
static void keep_allowed(lua_State *lua, const char *const *allowed) {
    lua_newtable(lua);
    for (; *allowed; allowed++) {
        lua_getfield(lua, -2, *allowed);
        lua_setfield(lua, -2, *allowed);
    }
    lua_remove(lua, -2);
}

static void open_library(lua_State *lua, int globals, const char *name, lua_CFunction open,
                         const char *const *allowed) {
    lua_pushcfunction(lua, open);
    lua_pushstring(lua, name);
    lua_call(lua, 1, 1);
    keep_allowed(lua, allowed);
    if (open == luaopen_table) {
        lua_pushcfunction(lua, lib_sort);
        lua_setfield(lua, -2, "sort");
    }
    if (open == luaopen_string) {
        lua_getfield(lua, -1, "format");
        lua_pushcclosure(lua, lib_format, 1);
        lua_setfield(lua, -2, "format");
        /* methods of strings: ("x"):rep(2) */
        lua_pushliteral(lua, "");
        lua_getmetatable(lua, -1);
        lua_pushvalue(lua, -3);
        lua_setfield(lua, -2, "__index");
        lua_pop(lua, 2);
    }
    lua_setfield(lua, globals, name);
}

void sandbox_lib_open(lua_State *lua) {
    static const luaL_Reg replaced[] = {{"next", lib_next},
                                        {"pairs", lib_pairs},
                                        {"tostring", lib_tostring},
                                        {"where", lib_where},
                                        {NULL, NULL}};
    static const luaL_Reg strict[] = {
        {"__index", undefined_global}, {"__newindex", assigned_global}, {NULL, NULL}};

    luaL_requiref(lua, LUA_GNAME, luaopen_base, 0);
    keep_allowed(lua, base_allowed);
    int globals = lua_gettop(lua);
    luaL_setfuncs(lua, replaced, 0);
    lua_getfield(lua, globals, "setmetatable");
    lua_pushcclosure(lua, lib_setmetatable, 1);
    lua_setfield(lua, globals, "setmetatable");
    lua_pushliteral(lua, LUA_VERSION);
    lua_setfield(lua, globals, "_VERSION");
    open_library(lua, globals, LUA_STRLIBNAME, luaopen_string, string_allowed);
    open_library(lua, globals, LUA_TABLIBNAME, luaopen_table, table_allowed);
    open_library(lua, globals, LUA_MATHLIBNAME, luaopen_math, math_allowed);
    open_library(lua, globals, LUA_UTF8LIBNAME, luaopen_utf8, utf8_allowed);
    luaL_newlib(lua, strict);
    lua_pushboolean(lua, 0);
    lua_setfield(lua, -2, "__metatable");
    lua_setmetatable(lua, globals);
    /* The table of all globals becomes ours; Lua's own, and what luaopen_base put there, is
     * garbage. */
    lua_rawseti(lua, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_pushnil(lua);
    lua_setfield(lua, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
}
