/* sandbox_json: Lua values as canonical JSON, for results that leave a sandbox. Scratch memory is
 * an arena of its own. It must not know what the values mean. */
#include "base/jsonw.h"
#include "base/sandbox.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LIMIT_BYTES = 64 << 20, /* a plan's limit: shared tables could unfold without end */
    LIMIT_TEXT = 64 << 10,  /* as for what is read: yaml.c */
    LIMIT_KEY = 63,
};

/* The way from the root to a value, for messages. */
typedef struct Path {
    const struct Path *up;
    const char *key;   /* of an object; NULL: an array's item */
    lua_Integer index; /* from 1 */
    int depth;
} Path;

typedef struct Writer {
    lua_State *lua;
    Jsonw json;
    Buf *out;
    Arena arena;
    Diag *diag;
} Writer;

static void path_text(const Path *path, Buf *text) {
    if (!path) {
        buf_puts(text, "the value");
        return;
    }
    path_text(path->up, text);
    if (path->key) {
        buf_printf(text, ".%s", path->key);
    } else {
        buf_printf(text, "[%lld]", (long long)path->index);
    }
}

static Status refuse(Writer *writer, const Path *path, const char *why) {
    Buf text = {0};
    path_text(path, &text);
    Status status =
        diag_error(writer->diag, diag_nowhere(), "E0451", NULL, "%s %s", text.data, why);
    buf_free(&text);
    return status;
}

static bool utf8_is_valid(const unsigned char *text, size_t length) {
    for (size_t i = 0; i < length;) {
        unsigned char c = text[i];
        size_t more = c < 0x80                ? 0
                      : c >= 0xc2 && c < 0xe0 ? 1
                      : c >= 0xe0 && c < 0xf0 ? 2
                      : c >= 0xf0 && c < 0xf5 ? 3
                                              : 4;
        if (more == 4 || i + more >= length) {
            return false;
        }
        uint32_t point = more ? c & (0x3f >> more) : c;
        for (size_t k = 1; k <= more; k++) {
            if ((text[i + k] & 0xc0) != 0x80) {
                return false;
            }
            point = point << 6 | (text[i + k] & 0x3f);
        }
        bool overlong = (more == 2 && point < 0x800) || (more == 3 && point < 0x10000);
        if (overlong || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
            return false;
        }
        i += more + 1;
    }
    return true;
}

static Status write_value(Writer *writer, const Path *path);

static Status write_array(Writer *writer, const Path *path, lua_Integer count) {
    jsonw_array(&writer->json, count <= 2);
    for (lua_Integer i = 1; i <= count; i++) {
        Path item = {.up = path, .index = i, .depth = path ? path->depth + 1 : 1};
        lua_rawgeti(writer->lua, -1, i);
        TRY(write_value(writer, &item));
        lua_pop(writer->lua, 1);
    }
    jsonw_end(&writer->json);
    return STATUS_OK;
}

static int compare_keys(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Keys are copied: those of a weak table may be gone at the next allocation of Lua's. */
static Status write_object(Writer *writer, const Path *path, lua_Integer most) {
    const char **keys = ARENA_ARRAY(&writer->arena, most, const char *);
    lua_Integer count = 0;
    for (lua_pushnil(writer->lua); lua_next(writer->lua, -2); lua_pop(writer->lua, 1)) {
        size_t length;
        const char *key = lua_tolstring(writer->lua, -2, &length);
        if (count == most) {
            return refuse(writer, path, "changes while it is read");
        }
        if (length > LIMIT_KEY || strlen(key) != length ||
            !utf8_is_valid((const unsigned char *)key, length)) {
            return refuse(writer, path, "has a key that is too long or no UTF-8 text");
        }
        keys[count++] = arena_strndup(&writer->arena, key, length);
    }
    qsort(keys, (size_t)count, sizeof *keys, compare_keys);
    jsonw_object(&writer->json, false);
    for (lua_Integer i = 0; i < count; i++) {
        Path item = {.up = path, .key = keys[i], .depth = path ? path->depth + 1 : 1};
        jsonw_key(&writer->json, keys[i]);
        lua_pushstring(writer->lua, keys[i]);
        lua_rawget(writer->lua, -2);
        TRY(write_value(writer, &item));
        lua_pop(writer->lua, 1);
    }
    jsonw_end(&writer->json);
    return STATUS_OK;
}

/* {begin = 0, finish = 3}, as schema_push makes ranges, is [0, 3], as schema_read reads them. */
static bool write_range(Writer *writer) {
    lua_pushliteral(writer->lua, "begin");
    lua_rawget(writer->lua, -2);
    lua_pushliteral(writer->lua, "finish");
    lua_rawget(writer->lua, -3);
    bool is_range = lua_isinteger(writer->lua, -2) && lua_isinteger(writer->lua, -1);
    if (is_range) {
        jsonw_array(&writer->json, true);
        jsonw_int(&writer->json, lua_tointeger(writer->lua, -2));
        jsonw_int(&writer->json, lua_tointeger(writer->lua, -1));
        jsonw_end(&writer->json);
    }
    lua_pop(writer->lua, 2);
    return is_range;
}

static Status write_table(Writer *writer, const Path *path) {
    lua_Integer texts = 0, integers = 0, largest = 0;
    if ((path ? path->depth : 0) >= JSONW_DEPTH - 1) {
        return refuse(writer, path,
                      "is nested too deep, or contains itself: tables must form a tree");
    }
    if (!lua_checkstack(writer->lua, 8)) {
        return refuse(writer, path, "is nested too deep for the stack");
    }
    for (lua_pushnil(writer->lua); lua_next(writer->lua, -2); lua_pop(writer->lua, 1)) {
        if (lua_type(writer->lua, -2) == LUA_TSTRING) {
            texts++;
        } else if (lua_isinteger(writer->lua, -2) && lua_tointeger(writer->lua, -2) > 0) {
            lua_Integer key = lua_tointeger(writer->lua, -2);
            largest = key > largest ? key : largest;
            integers++;
        } else {
            return refuse(writer, path, "has a key that is neither text nor a positive integer");
        }
    }
    if (texts > 0 && integers > 0) {
        return refuse(writer, path, "mixes named fields and array items");
    }
    if (largest != integers) {
        return refuse(writer, path, "is an array with holes");
    }
    if (texts == 2 && write_range(writer)) {
        return STATUS_OK;
    }
    return texts > 0 ? write_object(writer, path, texts) : write_array(writer, path, integers);
}

static Status write_string(Writer *writer, const Path *path) {
    size_t length;
    const char *text = lua_tolstring(writer->lua, -1, &length);
    if (strlen(text) != length || !utf8_is_valid((const unsigned char *)text, length)) {
        return refuse(writer, path, "is no UTF-8 text");
    }
    if (length > LIMIT_TEXT) {
        return refuse(writer, path, "is a text of more than 64 KiB");
    }
    jsonw_string(&writer->json, text);
    return STATUS_OK;
}

/* The value on top of the stack; left there. */
static Status write_value(Writer *writer, const Path *path) {
    if (writer->out->length > LIMIT_BYTES) {
        return refuse(writer, path, "is past the 64 MiB that a result may have as JSON");
    }
    switch (lua_type(writer->lua, -1)) {
    case LUA_TBOOLEAN:
        jsonw_bool(&writer->json, lua_toboolean(writer->lua, -1));
        return STATUS_OK;
    case LUA_TNUMBER:
        if (lua_isinteger(writer->lua, -1)) {
            jsonw_int(&writer->json, lua_tointeger(writer->lua, -1));
            return STATUS_OK;
        }
        if (!isfinite(lua_tonumber(writer->lua, -1))) {
            return refuse(writer, path, "is not a finite number");
        }
        jsonw_real(&writer->json, lua_tonumber(writer->lua, -1));
        return STATUS_OK;
    case LUA_TSTRING:
        return write_string(writer, path);
    case LUA_TTABLE:
        return write_table(writer, path);
    default: {
        char why[64];
        snprintf(why, sizeof why, "is a %s, not data", luaL_typename(writer->lua, -1));
        return refuse(writer, path, why);
    }
    }
}

Status sandbox_to_json(lua_State *lua, int index, Buf *out, Diag *diag) {
    Writer writer = {.lua = lua, .out = out, .diag = diag};
    int top = lua_gettop(lua);
    jsonw_begin(&writer.json, out);
    lua_pushvalue(lua, index);
    Status status = write_value(&writer, NULL);
    lua_settop(lua, top);
    if (status == STATUS_OK) {
        jsonw_finish(&writer.json);
    }
    arena_free(&writer.arena);
    return status;
}
