/* override: see override.h. Trees are changed in place: who applies settings has read the tree for itself. */
#include "input/override.h"

#include "base/number.h"
#include "input/topology.h"
#include "input/workload.h"

#include <ctype.h>
#include <string.h>

const char *const override_targets[] = {"model", "topology", "workload", NULL};

static const Schema *schema_of(OverrideTarget target) {
    static const Schema *const schemas[] = {&model_schema, &topology_schema, &workload_schema};
    return schemas[target];
}

/* One part of a path: key, or key[index]. */
typedef struct Part {
    const char *key;
    int64_t index; /* -1: none */
} Part;

static bool next_part(Arena *arena, const char **path, Part *part) {
    size_t length = strcspn(*path, ".[");
    part->key = arena_strndup(arena, *path, length);
    part->index = -1;
    *path += length;
    if (**path == '[') {
        size_t digits = strspn(*path + 1, "0123456789");
        bool overflow = false;
        if (!digits || (*path)[1 + digits] != ']' ||
            !number_parse_int(arena_strndup(arena, *path + 1, digits), &part->index, &overflow))
            return false;
        *path += digits + 2;
    }
    if (**path == '.')
        return *++*path != '\0' && length;
    return **path == '\0' && length;
}

static const char *canonical_key(const Schema *schema, const char *key) {
    for (const char *const *alias = schema->aliases; alias && *alias; alias += 2)
        if (strcmp(alias[0], key) == 0)
            return alias[1];
    return key;
}

/* --- from a text to a setting -------------------------------------------------------------------- */

static Status usage(Diag *diag, DiagPlace place, const char *code, const char *help,
                    const char *format, const char *what) {
    diag_error(diag, place, code, help, format, what);
    return STATUS_USAGE;
}

static Status unknown_key(Arena *arena, OverrideTarget target, const Schema *schema,
                          const char *key, DiagPlace place, Diag *diag) {
    const char *names[SCHEMA_FIELDS_MAX + 1] = {0}, *list = "";
    int count = 0;
    for (const Field *field = schema->fields; field->name; field++) {
        names[count] = field->name;
        list = arena_printf(arena, "%s%s%s", list, count++ ? ", " : "", field->name);
    }
    const char *alias = canonical_key(schema, key);
    const char *nearest = alias != key ? alias : diag_nearest(key, names);
    diag_error(diag, place, "E0920",
               nearest ? arena_printf(arena, "did you mean %s?", nearest)
                       : arena_printf(arena, "known keys are %s", list),
               "the %s has no key '%s'", override_targets[target], key);
    return STATUS_USAGE;
}

/* The field at the end of a path. */
static Status find_field(Arena *arena, OverrideTarget target, const char *path, DiagPlace place,
                         const Field **found, Diag *diag) {
    const Schema *schema = schema_of(target);
    const char *at = path;
    *found = NULL;
    while (*at) {
        Part part;
        if (!next_part(arena, &at, &part))
            return usage(diag, place, "E0921", "write KEY=VALUE, or LIST[INDEX].KEY=VALUE",
                         "'%s' is no path of keys", path);
        const Field *field = schema_field(schema, part.key);
        if (!field)
            return unknown_key(arena, target, schema, part.key, place, diag);
        bool list = field->type == FIELD_LIST;
        if (list != (part.index >= 0))
            return usage(diag, place, "E0921",
                         list ? arena_printf(arena, "write %s[0].KEY=VALUE for the first", part.key)
                              : "leave out the index",
                         list ? "%s is a list" : "%s is no list", part.key);
        bool nested = list || field->type == FIELD_OBJECT;
        if (nested ? !*at || field->of == &range_schema : *at != '\0')
            return usage(diag, place, "E0921",
                         nested ? "name one of the keys within" : "end the path here",
                         nested ? "%s is no single value" : "%s is a single value", part.key);
        schema = field->of;
        *found = field;
    }
    return STATUS_OK;
}

Status override_add(Arena *arena, OverrideTarget target, const char *path, const char *value,
                    DiagPlace place, OverrideList *list, Diag *diag) {
    const Field *field;
    union {
        int64_t integer;
        double real;
        bool flag;
        const char *text;
        Range range;
        IntList ints;
        TextList texts;
    } typed; /* whatever it is: only whether it reads well matters here */
    if (!*path)
        return usage(diag, place, "E0921", "write KEY=VALUE", "%s", "no key is given");
    TRY(find_field(arena, target, path, place, &field, diag));
    if (schema_parse(field, value, place, &typed, arena, diag) != STATUS_OK)
        return STATUS_USAGE;
    Override *setting = LIST_PUSH(arena, list);
    *setting = (Override){.target = target, .path = arena_strdup(arena, path), .field = field};
    setting->value = schema_text_node(arena, field, value, place);
    return STATUS_OK;
}

/* Whose key it is, where the setting does not say. */
static Status guess_target(Arena *arena, const char *path, DiagPlace place, OverrideTarget *target,
                           Diag *diag) {
    const char *key = arena_strndup(arena, path, strcspn(path, ".["));
    const char *names[3 * SCHEMA_FIELDS_MAX + 1] = {0};
    int count = 0, owners = 0;
    for (int t = 0; t < OVERRIDE_TARGETS; t++) {
        for (const Field *field = schema_of(t)->fields; field->name; field++)
            names[count++] = field->name;
        if (schema_field(schema_of(t), key)) {
            *target = (OverrideTarget)t;
            owners++;
        }
    }
    if (owners == 1)
        return STATUS_OK;
    if (owners)
        return usage(diag, place, "E0920",
                     arena_printf(arena, "write model.%s=VALUE or topology.%s=VALUE", key, key),
                     "several inputs have a key '%s'", key);
    const char *alias = canonical_key(&model_schema, key);
    const char *nearest = alias != key ? alias : diag_nearest(key, names);
    return usage(diag, place, "E0920",
                 nearest ? arena_printf(arena, "did you mean %s?", nearest)
                         : "write model.KEY=VALUE, topology.KEY=VALUE or workload.KEY=VALUE",
                 "neither model, topology nor workload has a key '%s'", key);
}

Status override_parse(Arena *arena, const char *text, DiagPlace place, OverrideList *list,
                      Diag *diag) {
    size_t length = strcspn(text, "=");
    if (!text[length])
        return usage(diag, place, "E0921", "write KEY=VALUE", "'%s' sets no value", text);
    const char *path = arena_strndup(arena, text, length);
    OverrideTarget target = OVERRIDE_TARGETS;
    for (int t = 0; t < OVERRIDE_TARGETS; t++) {
        size_t prefix = strlen(override_targets[t]);
        if (strncmp(path, override_targets[t], prefix) == 0 && path[prefix] == '.') {
            target = (OverrideTarget)t;
            path += prefix + 1;
            break;
        }
    }
    if (target == OVERRIDE_TARGETS)
        TRY(guess_target(arena, path, place, &target, diag));
    return override_add(arena, target, path, text + length + 1, place, list, diag);
}

/* --- from a setting into a tree ------------------------------------------------------------------ */

/* The item of a key, under whichever of its names the file has it; a new one where it has none. */
static YamlNode **slot_of(Arena *arena, const Schema *schema, YamlNode *mapping, const char *key,
                          DiagPlace place) {
    for (int64_t i = 0; i < mapping->count; i++)
        if (strcmp(canonical_key(schema, mapping->keys[i]->text), key) == 0)
            return &mapping->items[i];
    size_t count = (size_t)mapping->count;
    YamlNode **keys = ARENA_ARRAY(arena, count + 1, YamlNode *);
    YamlNode **items = ARENA_ARRAY(arena, count + 1, YamlNode *);
    if (count) {
        memcpy(keys, mapping->keys, count * sizeof *keys);
        memcpy(items, mapping->items, count * sizeof *items);
    }
    keys[count] = ARENA_NEW(arena, YamlNode);
    *keys[count] = (YamlNode){.kind = YAML_SCALAR, .text = key, .place = place};
    mapping->keys = keys;
    mapping->items = items;
    mapping->count++;
    return &items[count];
}

static Status apply_one(Arena *arena, const Override *setting, YamlNode *root, Diag *diag) {
    const Schema *schema = schema_of(setting->target);
    const char *at = setting->path;
    YamlNode *node = root;
    DiagPlace place = setting->value->place;
    for (;;) {
        Part part;
        next_part(arena, &at, &part);
        if (node->kind != YAML_MAPPING) /* the schema says of the file what is wrong with it */
            return STATUS_OK;
        YamlNode **slot = slot_of(arena, schema, node, part.key, place);
        if (!*at) {
            *slot = setting->value;
            return STATUS_OK;
        }
        if (!*slot || yaml_is_null(*slot)) {
            *slot = ARENA_NEW(arena, YamlNode);
            **slot =
                (YamlNode){.kind = part.index >= 0 ? YAML_SEQUENCE : YAML_MAPPING, .place = place};
        }
        node = *slot;
        if (part.index >= 0) {
            if (node->kind != YAML_SEQUENCE)
                return STATUS_OK;
            if (part.index >= node->count) {
                diag_error(diag, place, "E0922", "indices begin at 0",
                           "there is no %s[%lld]: the file has %lld", part.key,
                           (long long)part.index, (long long)node->count);
                return STATUS_USAGE;
            }
            node = node->items[part.index];
        }
        schema = schema_field(schema, part.key)->of;
    }
}

Status override_apply(Arena *arena, const OverrideList *list, OverrideTarget target, YamlNode *root,
                      Diag *diag) {
    for (int64_t i = 0; list && i < list->count; i++)
        if (list->items[i].target == target)
            TRY(apply_one(arena, &list->items[i], root, diag));
    return STATUS_OK;
}
