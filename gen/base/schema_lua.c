/* schema_lua: structs as fresh Lua tables. Owns nothing; the state owns the tables. A caller runs
 * this under lua_pcall, since running out of the state's memory raises. */
#include "base/schema_internal.h"

#include <lauxlib.h>
#include <lua.h>

static void push_range(lua_State *lua, const Range *range) {
    lua_createtable(lua, 0, 2);
    lua_pushinteger(lua, range->begin);
    lua_setfield(lua, -2, "begin");
    lua_pushinteger(lua, range->end); /* `end` is a keyword of Lua */
    lua_setfield(lua, -2, "finish");
}

static void push_list(lua_State *lua, const Field *field, const SchemaList *list) {
    lua_createtable(lua, (int)list->count, 0);
    for (int64_t i = 0; i < list->count; i++) {
        const void *item = schema_item(field, list, i);
        if (field->of == &range_schema)
            push_range(lua, item);
        else
            schema_push(lua, field->of, item);
        lua_rawseti(lua, -2, i + 1);
    }
}

static void push_value(lua_State *lua, const Field *field, const void *value) {
    switch (field->type) {
    case FIELD_INT:
    case FIELD_BYTES:
        lua_pushinteger(lua, *(const int64_t *)value);
        break;
    case FIELD_REAL:
    case FIELD_BANDWIDTH:
    case FIELD_TIME:
    case FIELD_FLOPS:
        lua_pushnumber(lua, *(const double *)value);
        break;
    case FIELD_BOOL:
        lua_pushboolean(lua, *(const bool *)value);
        break;
    case FIELD_TEXT:
        lua_pushstring(lua, *(const char *const *)value); /* NULL becomes nil */
        break;
    case FIELD_ENUM:
        lua_pushstring(lua, field->names[*(const int64_t *)value]);
        break;
    case FIELD_RANGE:
        push_range(lua, value);
        break;
    case FIELD_INTS:
        lua_createtable(lua, (int)((const IntList *)value)->count, 0);
        for (int64_t i = 0; i < ((const IntList *)value)->count; i++) {
            lua_pushinteger(lua, ((const IntList *)value)->items[i]);
            lua_rawseti(lua, -2, i + 1);
        }
        break;
    case FIELD_REALS:
        lua_createtable(lua, (int)((const RealList *)value)->count, 0);
        for (int64_t i = 0; i < ((const RealList *)value)->count; i++) {
            lua_pushnumber(lua, ((const RealList *)value)->items[i]);
            lua_rawseti(lua, -2, i + 1);
        }
        break;
    case FIELD_TEXTS:
        lua_createtable(lua, (int)((const TextList *)value)->count, 0);
        for (int64_t i = 0; i < ((const TextList *)value)->count; i++) {
            lua_pushstring(lua, ((const TextList *)value)->items[i]);
            lua_rawseti(lua, -2, i + 1);
        }
        break;
    case FIELD_OBJECT:
        schema_push(lua, field->of, value);
        break;
    case FIELD_LIST:
        push_list(lua, field, value);
        break;
    }
}

void schema_push(lua_State *lua, const Schema *schema, const void *object) {
    luaL_checkstack(lua, 4, "schema");
    lua_createtable(lua, 0, schema_count(schema));
    for (const Field *field = schema->fields; field->name; field++) {
        push_value(lua, field, schema_at(field, object));
        lua_setfield(lua, -2, field->name);
    }
}
