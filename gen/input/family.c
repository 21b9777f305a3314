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
    FORM_TENSOR,  /* a text, or a list that begins with one */
    FORM_MAPPING, /* of anything */
    FORM_NAMES,   /* a mapping to texts */
    FORM_TENSORS, /* a mapping to texts, or to lists that begin with one */
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
        return node->count > 0 && node->items[0]->kind == YAML_SCALAR;
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

/* What the family says of a tensor: a name, or a list of a name and other forms. Models without gates may use other
 * names for the same kind. */
static const YamlNode *forms_of(const Family *family, const Model *model, TensorKind kind) {
    const YamlNode *ungated = yaml_get(family->root, "ungated"), *forms = NULL;
    if (!model->gated && ungated)
        forms = yaml_get(ungated, tensor_kind_names[kind]);
    return forms ? forms : yaml_get(yaml_get(family->root, "tensors"), tensor_kind_names[kind]);
}

static const char *first_name(const YamlNode *forms) {
    if (forms && forms->kind == YAML_SEQUENCE && forms->count)
        forms = forms->items[0];
    return forms && forms->kind == YAML_SCALAR ? forms->text : NULL;
}

static int64_t kind_of(const char *name) {
    int64_t kind = 0;
    while (tensor_kind_names[kind] && strcmp(tensor_kind_names[kind], name) != 0)
        kind++;
    return kind;
}

/* Where the kind lies in a stack of kinds, one below the other; those that the model does not have are not in it.
 * False: it is not in the stack. */
static bool place_in_stack(const Model *model, const YamlNode *stack, ModelTensor *tensor) {
    bool found = false;
    for (int64_t i = 0; stack->kind == YAML_SEQUENCE && i < stack->count; i++) {
        const char *name = stack->items[i]->kind == YAML_SCALAR ? stack->items[i]->text : "";
        int64_t kind = kind_of(name), rows, columns;
        if (kind == TENSOR_KINDS)
            return false;
        if (!model_needs(model, (TensorKind)kind))
            continue;
        model_tensor_shape(model, (TensorKind)kind, &rows, &columns);
        if (kind == tensor->kind)
            tensor->first_row = tensor->block_rows;
        found |= kind == tensor->kind;
        tensor->block_rows += rows;
    }
    return found;
}

/* The forms after the first: a name, or {name, stack}. */
static Status add_alternatives(Arena *arena, const Family *family, const YamlNode *forms,
                               TensorKind kind, Model *model, DiagPlace place, Diag *diag) {
    for (int64_t i = 1; forms && forms->kind == YAML_SEQUENCE && i < forms->count; i++) {
        const YamlNode *form = forms->items[i], *name = form, *stack = NULL;
        ModelTensor tensor = {.kind = kind};
        if (form->kind == YAML_MAPPING) {
            name = yaml_get(form, "name");
            stack = yaml_get(form, "stack");
        }
        if (!name || name->kind != YAML_SCALAR ||
            (form->kind == YAML_MAPPING && (!stack || !place_in_stack(model, stack, &tensor))))
            return diag_error(
                diag, place, "E0212",
                "a form is a name, or {name = ..., stack = {kinds, this one among them}}",
                "the family %s has a form of the tensor %s that cannot be read", family->name,
                tensor_kind_names[kind]);
        tensor.name = name->text;
        *(ModelTensor *)LIST_PUSH(arena, &model->alternatives) = tensor;
    }
    return STATUS_OK;
}

Status family_name_tensors(Arena *arena, const Family *family, Model *model, DiagPlace place,
                           Diag *diag) {
    const char *names[TENSOR_KINDS] = {NULL};
    Status status = STATUS_OK;
    bool own_forms = model->alternatives.count > 0;
    for (int64_t i = 0; i < model->tensors.count; i++) {
        const ModelTensor *tensor = &model->tensors.items[i];
        names[tensor->kind] = tensor->name;
        if (!model_needs(model, (TensorKind)tensor->kind))
            status = diag_error(diag, place, "E0212", "remove it from `tensors`",
                                "such a model has no tensor %s", tensor_kind_names[tensor->kind]);
    }
    memset(&model->tensors, 0, sizeof(model->tensors));
    for (int kind = 0; kind < TENSOR_KINDS; kind++) {
        if (!model_needs(model, (TensorKind)kind))
            continue;
        const YamlNode *forms = forms_of(family, model, (TensorKind)kind);
        const char *name = names[kind] ? names[kind] : first_name(forms);
        if (!name)
            status =
                diag_error(diag, place, "E0212", "name another family, or add the tensor there",
                           "the family %s has no tensor %s", family->name, tensor_kind_names[kind]);
        ModelTensor *tensor = LIST_PUSH(arena, &model->tensors);
        *tensor = (ModelTensor){.kind = kind, .name = name};
        if (!names[kind] && !own_forms)
            TRY(add_alternatives(arena, family, forms, (TensorKind)kind, model, place, diag));
    }
    return status;
}
