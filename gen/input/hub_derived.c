/* hub_derived: fields of our schema that a family makes of several keys of a hub's config, by functions of its file. A
 * rule is {field, from = {{key, type}, ...}, make}: `make` gets the values in that order, nil where the config is silent,
 * and returns the field's value, nothing, or nil and the reason why such a config is not supported. */
#include "input/model_internal.h"

#include "base/number.h"

#include <lauxlib.h>
#include <string.h>

/* Push a field of the table on top as it is: no metamethod of a user's file runs outside protected calls. */
static void push_field(lua_State *lua, const char *name) {
    lua_pushstring(lua, name);
    lua_rawget(lua, -2);
}

/* Push rule i; false if there is none. */
static bool push_rule(Family *family, int64_t i) {
    lua_State *lua = family->sandbox.lua;
    lua_rawgeti(lua, LUA_REGISTRYINDEX, family->derived);
    bool there = lua_istable(lua, -1) && lua_rawgeti(lua, -1, i + 1) == LUA_TTABLE;
    if (there)
        lua_replace(lua, -2);
    else
        lua_settop(lua, 0);
    return there;
}

/* Text of a field of the table on top, in the arena; "" where it is none. */
static const char *text_of(Arena *arena, lua_State *lua, lua_Integer index, const char *name) {
    if (name)
        push_field(lua, name);
    else
        lua_rawgeti(lua, -1, index);
    const char *text = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : "";
    text = arena_strdup(arena, text);
    lua_pop(lua, 1);
    return text;
}

int64_t hub_derived_count(Family *family) {
    int64_t count = 0;
    while (family->derived != LUA_NOREF && push_rule(family, count)) {
        lua_settop(family->sandbox.lua, 0);
        count++;
    }
    return count;
}

const YamlNode *hub_value(const YamlNode *config, const char *path) {
    char key[128];
    while (config && config->kind == YAML_MAPPING) {
        size_t length = strcspn(path, ".");
        if (length >= sizeof key)
            return NULL;
        memcpy(key, path, length);
        key[length] = '\0';
        config = yaml_get(config, key);
        if (!path[length])
            return config;
        path += length + 1;
    }
    return NULL;
}

bool hub_derived_reads(Family *family, const char *path, bool below) {
    Arena scratch = {0};
    lua_State *lua = family->sandbox.lua;
    int64_t count = hub_derived_count(family);
    bool found = false;
    for (int64_t i = 0; i < count && !found; i++) {
        push_rule(family, i);
        push_field(lua, "from");
        for (lua_Integer k = 1; lua_istable(lua, -1) && !found; k++) {
            if (lua_rawgeti(lua, -1, k) != LUA_TTABLE)
                break;
            const char *key = text_of(&scratch, lua, 1, NULL);
            size_t length = strlen(path);
            found = below ? strncmp(key, path, length) == 0 && key[length] == '.'
                          : strcmp(key, path) == 0;
            lua_pop(lua, 1);
        }
        lua_settop(lua, 0);
    }
    arena_free(&scratch);
    return found;
}

/* Pop a value into the table below it. */
static void set_field(lua_State *lua, const char *name) {
    lua_pushstring(lua, name);
    lua_insert(lua, -2);
    lua_rawset(lua, -3);
}

/* A node as a Lua value. */
static void push_node(lua_State *lua, const YamlNode *node) {
    int64_t integer;
    double real;
    bool overflow = false;
    luaL_checkstack(lua, 4, NULL);
    if (!node || yaml_is_null(node)) {
        lua_pushnil(lua);
    } else if (node->kind != YAML_SCALAR) {
        lua_createtable(lua, 0, 0);
        for (int64_t i = 0; i < node->count; i++) {
            push_node(lua, node->items[i]);
            if (node->kind == YAML_MAPPING)
                set_field(lua, node->keys[i]->text);
            else
                lua_rawseti(lua, -2, i + 1);
        }
    } else if (node->quoted) {
        lua_pushstring(lua, node->text);
    } else if (number_parse_int(node->text, &integer, &overflow)) {
        lua_pushinteger(lua, integer);
    } else if (number_parse_real(node->text, &real)) {
        lua_pushnumber(lua, real);
    } else if (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0) {
        lua_pushboolean(lua, node->text[0] == 't');
    } else {
        lua_pushstring(lua, node->text);
    }
}

/* Is the value on top of the type that the rule wants, or nil? */
static bool is_type(lua_State *lua, const char *type) {
    if (lua_isnil(lua, -1))
        return true;
    if (strcmp(type, "integer") == 0)
        return lua_isinteger(lua, -1) && lua_tointeger(lua, -1) >= 0 &&
               lua_tointeger(lua, -1) <= INT32_MAX;
    return strcmp(type, luaL_typename(lua, -1)) == 0; /* number, boolean, string, table */
}

static void set_place(YamlNode *node, DiagPlace place) {
    node->place = place;
    for (int64_t i = 0; node->kind != YAML_SCALAR && i < node->count; i++)
        set_place(node->items[i], place);
}

/* The values of the rule on the stack, in order. *place: of the first that the config has. */
static Status push_values(Arena *arena, lua_State *lua, const YamlNode *config, int *count,
                          DiagPlace *place, const char **first, Diag *diag) {
    int rule = lua_gettop(lua);
    Status status = STATUS_OK;
    push_field(lua, "make");
    for (*count = 0;; ++*count) {
        lua_pushvalue(lua, rule);
        push_field(lua, "from");
        bool more = lua_istable(lua, -1) && lua_rawgeti(lua, -1, *count + 1) == LUA_TTABLE;
        if (!more)
            break;
        const char *key = text_of(arena, lua, 1, NULL), *type = text_of(arena, lua, 2, NULL);
        lua_settop(lua, rule + 1 + *count);
        const YamlNode *node = hub_value(config, key);
        push_node(lua, node);
        if (node && !is_type(lua, type))
            status = diag_error(diag, node->place, "E0205",
                                arena_printf(arena, "supported: a value of type %s", type),
                                "%s %s is not supported", key,
                                node->kind == YAML_SCALAR ? node->text : "of this form");
        if (node && !*first) {
            *first = key;
            *place = node->place;
        }
    }
    lua_settop(lua, rule + 1 + *count);
    return status;
}

Status hub_derived_make(Arena *arena, Family *family, int64_t i, const YamlNode *config,
                        const char **field, YamlNode **value, Diag *diag) {
    lua_State *lua = family->sandbox.lua;
    DiagPlace place = config->place;
    const char *first = NULL;
    int count;
    Buf json = {0};
    Status status;
    *value = NULL;
    push_rule(family, i);
    *field = text_of(arena, lua, 0, "field");
    TRY_TO(push_values(arena, lua, config, &count, &place, &first, diag), done);
    TRY_TO(sandbox_call(&family->sandbox, count, 2, diag), done);
    if (lua_isnil(lua, -2)) {
        const YamlNode *node = first ? hub_value(config, first) : NULL;
        if (!lua_isnil(lua, -1))
            status = diag_error(diag, place, "E0205", lua_tostring(lua, -1),
                                "%s %s is not supported", first ? first : *field,
                                node && node->kind == YAML_SCALAR ? node->text : "of this form");
        goto done;
    }
    TRY_TO(sandbox_to_json(lua, -2, &json, diag), done);
    TRY_TO(yaml_parse(arena, *field, json.data, json.length, yaml_config_limits, value, diag),
           done);
    set_place(*value, place);
done:
    buf_free(&json);
    lua_settop(lua, 0);
    return status;
}
