/* hub: a hub's config.json in terms of our schema. Each key is used, known to be harmless,
 * supported for some values only, or unknown and listed in one note; which of these, the family
 * file says. hub_derived.c has what is made of several keys. Values keep the nodes of the config, so
 * that later messages point into the user's file. */
#include "input/model_internal.h"

#include "base/number.h"

#include <string.h>

typedef struct Hub {
    Arena *arena;
    Diag *diag;
    Family *family;
    LIST_OF(YamlNode *) keys, items; /* of the canonical mapping */
    Buf unknown;
    DiagPlace unknown_place; /* of the first unknown key */
    Status status;
} Hub;

static const YamlNode *family_get(const Hub *hub, const char *table, const char *key) {
    const YamlNode *mapping = yaml_get(hub->family->root, table);
    return mapping ? yaml_get(mapping, key) : NULL;
}

static bool is_listed(const YamlNode *list, const char *text) {
    for (int64_t i = 0; list && i < list->count; i++)
        if (strcmp(list->items[i]->text, text) == 0)
            return true;
    return false;
}

/* Null, and the empty lists and mappings that configs write for "nothing". */
static bool is_nothing(const YamlNode *node) {
    return yaml_is_null(node) || (node->kind != YAML_SCALAR && node->count == 0);
}

static bool same_value(const YamlNode *a, const YamlNode *b) {
    double x, y;
    if (a->kind != YAML_SCALAR || b->kind != YAML_SCALAR)
        return false;
    if (!a->quoted && !b->quoted && number_parse_real(a->text, &x) &&
        number_parse_real(b->text, &y))
        return x == y;
    return strcmp(a->text, b->text) == 0;
}

static const char *join(const Hub *hub, const YamlNode *list, bool keys) {
    const char *text = "";
    for (int64_t i = 0; i < list->count; i++) {
        const YamlNode *node = keys ? list->keys[i] : list->items[i];
        text = arena_printf(hub->arena, "%s%s%s", text, i ? ", " : "", node->text);
    }
    return text;
}

static void add(Hub *hub, const char *field, const YamlNode *key, const YamlNode *value) {
    YamlNode *name = ARENA_NEW(hub->arena, YamlNode);
    *name = (YamlNode){.kind = YAML_SCALAR, .text = field};
    if (key)
        name->place = key->place;
    *(YamlNode **)LIST_PUSH(hub->arena, &hub->keys) = name;
    *(const YamlNode **)LIST_PUSH(hub->arena, &hub->items) = value;
}

static const YamlNode *given(const Hub *hub, const char *field) {
    for (int64_t i = 0; i < hub->keys.count; i++)
        if (strcmp(hub->keys.items[i]->text, field) == 0)
            return hub->items.items[i];
    return NULL;
}

static void replace(Hub *hub, const char *field, const YamlNode *value) {
    for (int64_t i = 0; i < hub->keys.count; i++)
        if (strcmp(hub->keys.items[i]->text, field) == 0)
            ((const YamlNode **)hub->items.items)[i] = value;
}

/* The value in our words; NULL after an error. */
static const YamlNode *translate_value(Hub *hub, const char *path, const YamlNode *value) {
    const YamlNode *map = family_get(hub, "values", path);
    if (!map)
        return value;
    const YamlNode *ours = value->kind == YAML_SCALAR ? yaml_get(map, value->text) : NULL;
    if (!ours) {
        hub->status = diag_error(hub->diag, value->place, "E0205",
                                 arena_printf(hub->arena, "supported are %s", join(hub, map, true)),
                                 "%s %s is not supported", path,
                                 value->kind == YAML_SCALAR ? value->text : "of this form");
        return NULL;
    }
    YamlNode *node = ARENA_NEW(hub->arena, YamlNode);
    *node = *value;
    node->text = ours->text;
    node->quoted = ours->quoted;
    return node;
}

/* Null is kept: it means "as others imply", which is not always what silence means (see
 * add_table). */
static void use(Hub *hub, const char *path, const char *field, const YamlNode *key,
                const YamlNode *value) {
    const YamlNode *ours = yaml_is_null(value) ? value : translate_value(hub, path, value);
    const YamlNode *before = given(hub, field);
    if (ours && before && yaml_is_null(before))
        replace(hub, field, ours);
    else if (ours && before && !yaml_is_null(ours) && !same_value(before, ours))
        hub->status = diag_error(hub->diag, value->place, "E0209", "keep one of the two",
                                 "%s contradicts an earlier key for the same figure", path);
    else if (ours && !before)
        add(hub, field, key, ours);
}

/* A key that changes results and is supported with the listed values only. */
static void check_only(Hub *hub, const char *path, const YamlNode *allowed, const YamlNode *value) {
    for (int64_t i = 0; i < allowed->count; i++)
        if (same_value(allowed->items[i], value))
            return;
    const char *help = "only null is supported";
    if (allowed->count)
        help = arena_printf(hub->arena, "supported: %s", join(hub, allowed, false));
    hub->status = diag_error(hub->diag, value->place, "E0205", help, "%s %s is not supported", path,
                             value->kind == YAML_SCALAR ? value->text : "of this form");
}

/* What the family makes of several keys; a field that one key gives is not made. */
static void derive(Hub *hub, const YamlNode *config) {
    for (int64_t i = 0; i < hub_derived_count(hub->family); i++) {
        const char *field;
        YamlNode *value;
        if (hub_derived_make(hub->arena, hub->family, i, config, &field, &value, hub->diag) !=
            STATUS_OK)
            hub->status = STATUS_DATA;
        else if (value && !given(hub, field))
            add(hub, field, NULL, value);
    }
}

/* Some key of the family lies below the mapping `path`. */
static bool is_nested(const Hub *hub, const char *path) {
    static const char *const tables[] = {"keys", "only"};
    size_t length = strlen(path);
    for (int t = 0; t < 2; t++) {
        const YamlNode *table = yaml_get(hub->family->root, tables[t]);
        for (int64_t i = 0; table && i < table->count; i++)
            if (strncmp(table->keys[i]->text, path, length) == 0 &&
                table->keys[i]->text[length] == '.')
                return true;
    }
    return false;
}

static void walk(Hub *hub, const YamlNode *config, const char *prefix) {
    for (int64_t i = 0; i < config->count; i++) {
        const YamlNode *key = config->keys[i], *value = config->items[i];
        const char *path = arena_printf(hub->arena, "%s%s", prefix, key->text);
        const YamlNode *field = family_get(hub, "keys", path);
        const YamlNode *allowed = family_get(hub, "only", path);
        if (field) {
            use(hub, path, field->text, key, value);
        } else if (is_nothing(value) || is_listed(yaml_get(hub->family->root, "harmless"), path)) {
            continue;
        } else if (value->kind == YAML_MAPPING &&
                   (is_nested(hub, path) || hub_derived_reads(hub->family, path, true))) {
            walk(hub, value, arena_printf(hub->arena, "%s.", path));
        } else if (hub_derived_reads(hub->family, path, false)) {
            continue;
        } else if (allowed) {
            check_only(hub, path, allowed, value);
        } else {
            if (!hub->unknown.length)
                hub->unknown_place = key->place;
            buf_printf(&hub->unknown, "%s%s", hub->unknown.length ? ", " : "", path);
        }
    }
}

/* The family's own figures: `fixed` always, `defaults` where the config is silent. */
static void add_table(Hub *hub, const char *table) {
    const YamlNode *values = yaml_get(hub->family->root, table);
    for (int64_t i = 0; values && i < values->count; i++)
        if (!given(hub, values->keys[i]->text))
            add(hub, values->keys[i]->text, NULL, values->items[i]);
}

/* Missing keys by the names that the user knows, the hub's. */
static void check_missing(Hub *hub, const YamlNode *config) {
    const YamlNode *keys = yaml_get(hub->family->root, "keys");
    for (int64_t i = 0; i < keys->count; i++) {
        const Field *field = schema_field(&model_schema, keys->items[i]->text);
        const YamlNode *value = field ? given(hub, field->name) : NULL;
        if (field && !field->fallback && (!value || yaml_is_null(value)))
            hub->status = diag_error(hub->diag, config->place, "E0208", field->doc,
                                     "the key `%s` is missing", keys->keys[i]->text);
    }
}

/* The folder that holds the config; the family's name where the path has none. */
static const char *model_name(Arena *arena, const char *path, const Family *family) {
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return family->name;
    const char *begin = slash;
    while (begin > path && begin[-1] != '/')
        begin--;
    char *name = arena_strndup(arena, begin, (size_t)(slash - begin));
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || !*name ? family->name : name;
}

static void add_text(Hub *hub, const char *field, const char *text) {
    YamlNode *node = ARENA_NEW(hub->arena, YamlNode);
    *node = (YamlNode){.kind = YAML_SCALAR, .text = text, .quoted = true};
    add(hub, field, NULL, node);
}

Status hub_translate(Arena *arena, const YamlNode *config, const char *path, Family *family,
                     YamlNode **canonical, Diag *diag) {
    Hub hub = {.arena = arena, .diag = diag, .family = family};
    walk(&hub, config, "");
    derive(&hub, config);
    add_text(&hub, "name", model_name(arena, path, family));
    add_text(&hub, "family", family->name);
    add_table(&hub, "fixed");
    add_table(&hub, "defaults");
    if (hub.status == STATUS_OK)
        check_missing(&hub, config);
    if (hub.unknown.length)
        diag_note(diag, hub.unknown_place, "E0207", NULL, "keys not known, taken as harmless: %s",
                  hub.unknown.data);
    buf_free(&hub.unknown);
    YamlNode *mapping = ARENA_NEW(arena, YamlNode);
    *mapping = (YamlNode){.kind = YAML_MAPPING, .place = config->place};
    mapping->keys = hub.keys.items;
    mapping->items = hub.items.items;
    mapping->count = hub.keys.count;
    *canonical = mapping;
    return hub.status;
}
