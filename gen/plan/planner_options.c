/* planner_options: see planner_options.h. Texts lie in the Diag's arena. It must not know any
 * strategy. */
#include "plan/planner_options.h"

#include "base/buf.h"
#include "base/fs.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct Options {
    const Sandbox *sandbox;
    lua_State *lua;
    int declared, result; /* stack: list of declarations, table of values */
    const char *strategy;
    const char **names; /* of the declarations, NULL-terminated */
    Diag *diag;
} Options;

static const char *field_text(lua_State *lua, const char *field) {
    lua_pushstring(lua, field);
    lua_rawget(lua, -2);
    const char *text = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : NULL;
    lua_pop(lua, 1);
    return text; /* the declaration still holds it */
}

static Status bad_declaration(const Options *options, lua_Integer index, const char *why) {
    return diag_error(options->diag, diag_nowhere(), "E0463", NULL, "strategy %s: options[%lld] %s",
                      options->strategy, (long long)index, why);
}

/* Collect names and put the defaults into the result. */
static Status read_declarations(Options *options) {
    lua_State *lua = options->lua;
    lua_Integer count = (lua_Integer)lua_rawlen(lua, options->declared);
    options->names = ARENA_ARRAY(options->diag->arena, count + 1, const char *);
    for (lua_Integer i = 1; i <= count; i++) {
        if (lua_rawgeti(lua, options->declared, i) != LUA_TTABLE) {
            return bad_declaration(options, i, "is no table");
        }
        const char *name = field_text(lua, "name"), *type = field_text(lua, "type");
        if (!name || !type) {
            return bad_declaration(options, i, "needs name and type");
        }
        if (strcmp(type, "integer") != 0 && strcmp(type, "choice") != 0 &&
            strcmp(type, "boolean") != 0 && strcmp(type, "text") != 0) {
            return bad_declaration(options, i,
                                   "has a type other than integer, choice, boolean, text");
        }
        options->names[i - 1] = arena_strdup(options->diag->arena, name);
        lua_pushstring(lua, name);
        lua_pushliteral(lua, "default");
        lua_rawget(lua, -3);
        lua_rawset(lua, options->result);
        lua_pop(lua, 1);
    }
    return STATUS_OK;
}

static Status bad_value(const Options *options, const char *key, const char *value,
                        const char *help) {
    diag_error(options->diag, diag_nowhere(), "E0466", help, "strategy %s: %s cannot be '%s'",
               options->strategy, key, value);
    return STATUS_USAGE;
}

/* Whether a choice on top of the stack may also be the name of a Lua file of a folder under share, and this
 * is one. */
static bool names_file(const Options *options, const char *value) {
    const char *folder = field_text(options->lua, "folder");
    if (!folder || !options->sandbox->share || !*value ||
        strspn(folder, "abcdefghijklmnopqrstuvwxyz") != strlen(folder) ||
        strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(value)) {
        return false;
    }
    Arena *arena = options->diag->arena;
    return fs_exists(fs_join(arena, options->sandbox->share,
                             arena_printf(arena, "lua/%s/%s.lua", folder, value)));
}

/* The allowed values of a choice on top of the stack, for messages; NULL if `value` is among
 * them. */
static const char *values_unless_allowed(const Options *options, const char *value) {
    lua_State *lua = options->lua;
    Buf list = {0};
    bool allowed = names_file(options, value);
    lua_pushliteral(lua, "values");
    lua_rawget(lua, -2);
    lua_Integer count = lua_istable(lua, -1) ? (lua_Integer)lua_rawlen(lua, -1) : 0;
    buf_puts(&list, "use one of");
    for (lua_Integer i = 1; i <= count; i++) {
        if (lua_rawgeti(lua, -1, i) == LUA_TSTRING) {
            allowed = allowed || strcmp(lua_tostring(lua, -1), value) == 0;
            buf_printf(&list, "%s %s", i > 1 ? "," : "", lua_tostring(lua, -1));
        }
        lua_pop(lua, 1);
    }
    lua_pop(lua, 1);
    const char *folder = field_text(lua, "folder");
    if (folder) {
        buf_printf(&list, "; or the name of a file in lua/%s under --share", folder);
    }
    const char *text = allowed ? NULL : arena_strdup(options->diag->arena, list.data);
    buf_free(&list);
    return text;
}

/* Push the value of an option whose declaration is on top of the stack. */
static Status push_value(const Options *options, const char *key, const char *value) {
    lua_State *lua = options->lua;
    const char *type = field_text(lua, "type");
    if (strcmp(type, "integer") == 0) {
        char *after;
        errno = 0;
        long long number = strtoll(value, &after, 10);
        if (after == value || *after != '\0' || errno != 0) {
            return bad_value(options, key, value, "write a whole number");
        }
        lua_pushinteger(lua, number);
    } else if (strcmp(type, "boolean") == 0) {
        if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0) {
            return bad_value(options, key, value, "write true or false");
        }
        lua_pushboolean(lua, value[0] == 't');
    } else {
        const char *values =
            strcmp(type, "choice") == 0 ? values_unless_allowed(options, value) : NULL;
        if (values) {
            return bad_value(options, key, value, values);
        }
        lua_pushstring(lua, value);
    }
    return STATUS_OK;
}

static Status unknown(const Options *options, const char *key) {
    const char *nearest = diag_nearest(key, options->names);
    Buf help = {0};
    if (nearest) {
        buf_printf(&help, "did you mean %s? ", nearest);
    }
    buf_puts(&help, options->names[0] ? "its options:" : "it has no options");
    for (const char **name = options->names; *name; name++) {
        buf_printf(&help, "%s %s", name > options->names ? "," : "", *name);
    }
    diag_error(options->diag, diag_nowhere(), "E0465", help.data, "strategy %s has no option '%s'",
               options->strategy, key);
    buf_free(&help);
    return STATUS_USAGE;
}

/* One "key=value" into the result. */
static Status set_option(const Options *options, char *pair) {
    char *value = strchr(pair, '=');
    if (!value) {
        diag_error(options->diag, diag_nowhere(), "E0466", "write NAME:key=value,key=value",
                   "strategy %s: option '%s' has no value", options->strategy, pair);
        return STATUS_USAGE;
    }
    *value++ = '\0';
    lua_Integer at = 0;
    while (options->names[at] && strcmp(options->names[at], pair) != 0) {
        at++;
    }
    if (!options->names[at]) {
        return unknown(options, pair);
    }
    lua_pushstring(options->lua, pair);
    lua_rawgeti(options->lua, options->declared, at + 1);
    TRY(push_value(options, pair, value));
    lua_remove(options->lua, -2);
    lua_rawset(options->lua, options->result);
    return STATUS_OK;
}

Status planner_options(const Sandbox *sandbox, int module, const char *strategy, const char *text,
                       Diag *diag) {
    lua_State *lua = sandbox->lua;
    int top = lua_gettop(lua);
    Options options = {.sandbox = sandbox, .lua = lua, .strategy = strategy, .diag = diag};
    lua_pushliteral(lua, "options");
    int declared = lua_rawget(lua, module);
    if (declared == LUA_TNIL) {
        lua_pop(lua, 1);
        lua_newtable(lua);
    } else if (declared != LUA_TTABLE) {
        lua_settop(lua, top);
        return diag_error(diag, diag_nowhere(), "E0463",
                          "write options = {{name = ..., type = ...}}",
                          "strategy %s: options is no list", strategy);
    }
    options.declared = lua_gettop(lua);
    lua_newtable(lua);
    options.result = lua_gettop(lua);
    Status status = read_declarations(&options);
    char *rest = text ? arena_strdup(diag->arena, text) : NULL;
    for (char *pair = status == STATUS_OK && rest ? strsep(&rest, ",") : NULL; pair;
         pair = strsep(&rest, ",")) {
        TRY_TO(set_option(&options, pair), failed);
    }
    if (status == STATUS_OK) {
        lua_replace(lua, options.declared);
        return STATUS_OK;
    }
failed:
    lua_settop(lua, top);
    return status;
}
