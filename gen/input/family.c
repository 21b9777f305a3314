/* family: reading lua/families/NAME.lua, the data that translates a family's own words. The Lua
 * value is taken over as a tree, so that the walkers of inputs serve here too. */
#include "input/model_internal.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

enum { FAMILY_MEMORY = 16 << 20 }; /* bytes of the Lua state */
#define FAMILY_FOLDER "lua/families/"

static bool is_identifier(const char *name) {
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_')
            return false;
    return *name != '\0';
}

/* The names of the families in the binary, NULL-terminated. */
static const char *const *family_names(Arena *arena) {
    const char *const *files = sandbox_list(arena, FAMILY_FOLDER);
    int64_t count = 0;
    while (files[count])
        count++;
    const char **names = ARENA_ARRAY(arena, count + 1, const char *);
    for (int64_t i = 0; i < count; i++) {
        const char *base = files[i] + strlen(FAMILY_FOLDER);
        names[i] = arena_strndup(arena, base, strcspn(base, "."));
    }
    return names;
}

static Status unknown_family(Arena *arena, const char *name, DiagPlace place, Diag *diag) {
    const char *const *names = family_names(arena);
    const char *nearest = diag_nearest(name, names);
    const char *list = "";
    for (int64_t i = 0; names[i]; i++)
        list = arena_printf(arena, "%s%s%s", list, i ? ", " : "", names[i]);
    char *help = nearest ? arena_printf(arena, "did you mean %s? Known are %s", nearest, list)
                         : arena_printf(arena, "known are %s", list);
    return diag_error(diag, place, "E0206", help, "the model family %s is not known", name);
}

/* Run the file and turn the value that it returns into a tree, but for the rules `derived`. */
static Status load(Family *family, Arena *arena, const char *file, YamlNode **root, Diag *diag) {
    Buf json = {0};
    lua_State *lua = family->sandbox.lua;
    TRY(sandbox_run(&family->sandbox, file, diag));
    if (lua_istable(lua, -1)) {
        lua_pushliteral(lua, "derived");
        if (lua_rawget(lua, -2) == LUA_TTABLE)
            family->derived = luaL_ref(lua, LUA_REGISTRYINDEX);
        else
            lua_pop(lua, 1);
        lua_pushliteral(lua, "derived");
        lua_pushnil(lua);
        lua_rawset(lua, -3);
    }
    Status status = sandbox_to_json(lua, -1, &json, diag);
    if (status == STATUS_OK)
        status = yaml_parse(arena, file, json.data, json.length, yaml_config_limits, root, diag);
    buf_free(&json);
    lua_settop(lua, 0);
    return status;
}

/* What the walkers rely upon. An empty table of Lua's is a list: it stands for a mapping too. */
typedef enum Form {
    FORM_ANY,
    FORM_TEXT,
    FORM_TEXTS,   /* a list of texts */
    FORM_TENSOR,  /* a text, or a list of texts and mappings */
    FORM_IGNORED, /* a list of texts and mappings */
    FORM_MAPPING, /* of anything */
    FORM_NAMES,   /* a mapping to texts */
    FORM_TENSORS, /* a mapping to texts, or to such lists */
    FORM_TABLES,  /* a mapping to such mappings */
    FORM_LISTS,   /* a mapping to lists of texts */
} Form;

static bool has_form(const YamlNode *node, Form form) {
    static const Form items[] = {
        [FORM_TEXTS] = FORM_TEXT,     [FORM_MAPPING] = FORM_ANY,  [FORM_NAMES] = FORM_TEXT,
        [FORM_TENSORS] = FORM_TENSOR, [FORM_TABLES] = FORM_NAMES, [FORM_LISTS] = FORM_TEXTS};
    if (form == FORM_ANY)
        return true;
    if (form == FORM_TENSOR && node->kind == YAML_SEQUENCE)
        return node->count > 0 && node->items[0]->kind != YAML_SEQUENCE;
    if (form == FORM_IGNORED && node->kind == YAML_SEQUENCE) {
        for (int64_t i = 0; i < node->count; i++)
            if (node->items[i]->kind == YAML_SEQUENCE)
                return false;
        return true;
    }
    if (form == FORM_TEXT || form == FORM_TENSOR)
        return node->kind == YAML_SCALAR;
    if (node->kind == YAML_SEQUENCE && node->count == 0)
        return true;
    if (node->kind != (form == FORM_TEXTS ? YAML_SEQUENCE : YAML_MAPPING))
        return false;
    for (int64_t i = 0; i < node->count; i++)
        if (!has_form(node->items[i], items[form]))
            return false;
    return true;
}

/* The file may be a user's own, under --share. */
static Status check_form(const YamlNode *root, const char *file, Diag *diag) {
    static const struct {
        const char *name, *wanted;
        Form form;
        bool needed;
    } tables[] = {
        {"tensors", "a name for each kind of tensor, or a list of forms", FORM_TENSORS, true},
        {"ungated", "a name for each kind of tensor, or a list of forms", FORM_TENSORS, false},
        {"keys", "a field of ours for each key of the hub", FORM_NAMES, false},
        {"values", "a table of values for each key of the hub", FORM_TABLES, false},
        {"only", "a list of values for each key of the hub", FORM_LISTS, false},
        {"harmless", "a list of keys of the hub", FORM_TEXTS, false},
        {"ignored", "a list of names of tensors", FORM_IGNORED, false},
        {"scales", "a list of names of tensors", FORM_TEXTS, false},
        {"fixed", "values of our fields", FORM_MAPPING, false},
        {"defaults", "values of our fields", FORM_MAPPING, false},
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        const YamlNode *table = yaml_get(root, tables[i].name);
        if (!table && tables[i].needed)
            return diag_error(diag, root->place, "E0211", "see lua/families/mixtral.lua",
                              "the family file %s has no table `%s`", file, tables[i].name);
        if (table && !has_form(table, tables[i].form))
            return diag_error(diag, root->place, "E0211", "see lua/families/mixtral.lua",
                              "the family file %s: `%s` must be %s", file, tables[i].name,
                              tables[i].wanted);
    }
    return STATUS_OK;
}

Status family_read(Arena *arena, const char *name, const char *share, DiagPlace place,
                   Family *family, Diag *diag) {
    YamlNode *root;
    size_t length;
    *family = (Family){.name = arena_strdup(arena, name), .derived = LUA_NOREF};
    TRY(sandbox_open(&family->sandbox, share, FAMILY_MEMORY, diag));
    char *file = arena_printf(arena, FAMILY_FOLDER "%s.lua", name);
    if (!is_identifier(name) || !sandbox_file(&family->sandbox, file, &length))
        return unknown_family(arena, name, place, diag);
    TRY(load(family, arena, file, &root, diag));
    TRY(check_form(root, file, diag));
    family->root = root;
    return STATUS_OK;
}

void family_close(Family *family) {
    sandbox_close(&family->sandbox);
}
