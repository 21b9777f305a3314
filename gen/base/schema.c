/* schema: YAML nodes into structs, with a diagnostic for each mistake. Texts and lists go to the
 * arena. How a single scalar is read stands in schema_scalar.c. */
#include "base/schema_internal.h"

#include <assert.h>
#include <string.h>

static const Field range_fields[] = {
    {.name = "begin", .type = FIELD_INT, .offset = offsetof(Range, begin), .doc = "the first"},
    {.name = "finish", .type = FIELD_INT, .offset = offsetof(Range, end), .doc = "past the last"},
    {0},
};

const Schema range_schema = {
    .name = "Range",
    .doc = "A half-open range of integers.",
    .size = sizeof(Range),
    .fields = range_fields,
};

static Status read_object(const SchemaReader *reader, const Schema *schema, const YamlNode *node,
                          void *out);

const Field *schema_field(const Schema *schema, const char *name) {
    for (const Field *field = schema->fields; field->name; field++)
        if (strcmp(field->name, name) == 0)
            return field;
    return NULL;
}

static const char *kind_name(const YamlNode *node) {
    static const char *const names[] = {"a single value", "a list", "a mapping"};
    return names[node->kind];
}

static Status wrong_kind(const SchemaReader *reader, const char *name, const YamlNode *node,
                         const char *wanted, const char *help) {
    return diag_error(reader->diag, node->place, "E0109", help, "%s must be %s, not %s", name,
                      wanted, kind_name(node));
}

/* The count of a list, against the limits of its field. */
static Status check_count(const SchemaReader *reader, const Field *field, const YamlNode *node) {
    if (field->min == 0 && field->max == 0)
        return STATUS_OK;
    double count = (double)node->count;
    if (count >= field->min && (field->max == 0 || count <= field->max))
        return STATUS_OK;
    return diag_error(reader->diag, node->place, "E0110", field->doc,
                      "%s has %lld items, but must have %s %lld", field->name,
                      (long long)node->count, count < field->min ? "at least" : "at most",
                      (long long)(count < field->min ? field->min : field->max));
}

static Status read_range(const SchemaReader *reader, const Field *field, const YamlNode *node,
                         Range *range) {
    const char *help = "write [begin, end], the end not included";
    Field number = {.name = field->name, .type = FIELD_INT, .min = field->min, .max = field->max};
    if (node->kind != YAML_SEQUENCE || node->count != 2)
        return node->kind == YAML_SEQUENCE ? diag_error(reader->diag, node->place, "E0109", help,
                                                        "%s must be two whole numbers, not %lld",
                                                        field->name, (long long)node->count)
                                           : wrong_kind(reader, field->name, node, "a range", help);
    TRY(schema_read_value(reader, &number, node->items[0], &range->begin));
    TRY(schema_read_value(reader, &number, node->items[1], &range->end));
    if (range->begin > range->end)
        return diag_error(reader->diag, node->place, "E0110", help,
                          "%s begins after its end: [%lld, %lld]", field->name,
                          (long long)range->begin, (long long)range->end);
    return STATUS_OK;
}

/* Lists of plain values and of structs alike: `item` reads one value of `size` bytes. */
static Status read_list(const SchemaReader *reader, const Field *field, const YamlNode *node,
                        const Field *item, size_t size, SchemaList *list) {
    if (node->kind != YAML_SEQUENCE)
        return wrong_kind(reader, field->name, node, "a list",
                          "write [a, b] or one line \"- item\" for each");
    Status status = check_count(reader, field, node);
    list->items = arena_array(reader->arena, (size_t)node->count, size);
    list->count = list->capacity = node->count;
    for (int64_t i = 0; i < node->count; i++) {
        void *at = (char *)list->items + (size_t)i * size;
        if (schema_read_value(reader, item, node->items[i], at) != STATUS_OK)
            status = STATUS_DATA;
    }
    return status;
}

Status schema_read_value(const SchemaReader *reader, const Field *field, const YamlNode *node,
                         void *out) {
    Field item = {.name = field->name, .of = field->of};
    switch (field->type) {
    case FIELD_OBJECT:
        return read_object(reader, field->of, node, out);
    case FIELD_RANGE:
        return read_range(reader, field, node, out);
    case FIELD_LIST:
        item.type = field->of == &range_schema ? FIELD_RANGE : FIELD_OBJECT;
        return read_list(reader, field, node, &item, field->of->size, out);
    case FIELD_INTS:
        item.type = FIELD_INT;
        return read_list(reader, field, node, &item, sizeof(int64_t), out);
    case FIELD_REALS:
        item.type = FIELD_REAL;
        return read_list(reader, field, node, &item, sizeof(double), out);
    case FIELD_TEXTS:
        item.type = FIELD_TEXT;
        return read_list(reader, field, node, &item, sizeof(const char *), out);
    default:
        if (node->kind != YAML_SCALAR)
            return wrong_kind(reader, field->name, node, "a single value", field->doc);
        return schema_read_scalar(reader, field, node, out);
    }
}

/* What a field holds when its key is absent. */
static void set_fallback(const SchemaReader *reader, const Field *field, void *out) {
    bool plain = field->type <= FIELD_FLOPS && field->type != FIELD_RANGE &&
                 field->type != FIELD_INTS && field->type != FIELD_REALS &&
                 field->type != FIELD_TEXTS;
    assert((plain || !*field->fallback) && "only plain values have a fallback other than empty");
    if (field->type == FIELD_OBJECT) {
        for (const Field *inner = field->of->fields; inner->name; inner++)
            if (inner->fallback)
                set_fallback(reader, inner, (char *)out + inner->offset);
    } else if (plain) {
        YamlNode node = {.kind = YAML_SCALAR, .text = field->fallback};
        Field unlimited = *field;
        unlimited.min = unlimited.max = 0;
        Status status = schema_read_scalar(reader, &unlimited, &node, out);
        assert(status == STATUS_OK && "a fallback of ours reads well");
        (void)status;
    }
}

/* The canonical name of a key as written. */
static const char *canonical(const SchemaReader *reader, const Schema *schema,
                             const YamlNode *key) {
    for (const char *const *alias = schema->aliases; alias && *alias; alias += 2)
        if (strcmp(alias[0], key->text) == 0) {
            diag_note(reader->diag, key->place, "E0106", NULL, "`%s` is read as `%s`", key->text,
                      alias[1]);
            return alias[1];
        }
    return key->text;
}

static Status unknown_key(const SchemaReader *reader, const Schema *schema, const YamlNode *key) {
    const char *names[SCHEMA_FIELDS_MAX + 1] = {0};
    for (int i = 0; i < schema_count(schema); i++)
        names[i] = schema->fields[i].name;
    const char *nearest = diag_nearest(key->text, names);
    Buf help = {0};
    if (nearest) {
        buf_printf(&help, "did you mean `%s`?", nearest);
    } else {
        buf_puts(&help, "known keys are ");
        for (int i = 0; names[i]; i++)
            buf_printf(&help, "%s%s", i ? ", " : "", names[i]);
    }
    diag_error(reader->diag, key->place, "E0107", help.data, "unknown key `%s`", key->text);
    buf_free(&help);
    return STATUS_DATA;
}

/* Read the keys that are there; seen[i] tells that field i was given. */
static Status read_keys(const SchemaReader *reader, const Schema *schema, const YamlNode *node,
                        void *out, bool *seen) {
    Status status = STATUS_OK;
    for (int64_t i = 0; i < node->count; i++) {
        const YamlNode *key = node->keys[i], *value = node->items[i];
        const Field *field = schema_field(schema, canonical(reader, schema, key));
        if (!field && schema->open)
            continue;
        Status each = STATUS_OK;
        if (!field)
            each = unknown_key(reader, schema, key);
        else if (seen[field - schema->fields])
            each = diag_error(reader->diag, key->place, "E0102", "keep one of the two",
                              "`%s` was given before under another name", field->name);
        else if (!yaml_is_null(value)) { /* null is the same as absent */
            seen[field - schema->fields] = true;
            each = schema_read_value(reader, field, value, (char *)out + field->offset);
        }
        if (each != STATUS_OK)
            status = STATUS_DATA;
    }
    return status;
}

/* Fields by their place in a list. */
static Status read_tuple(const SchemaReader *reader, const Schema *schema, const YamlNode *node,
                         void *out) {
    int count = schema_count(schema), i = 0;
    if (node->kind != YAML_SEQUENCE)
        return wrong_kind(reader, schema->name, node, "a list", schema->doc);
    for (; i < count && i < node->count; i++)
        TRY(schema_read_value(reader, &schema->fields[i], node->items[i],
                              (char *)out + schema->fields[i].offset));
    bool whole = node->count <= count;
    for (; i < count && whole; i++) {
        whole = schema->fields[i].fallback != NULL;
        if (whole)
            set_fallback(reader, &schema->fields[i], (char *)out + schema->fields[i].offset);
    }
    if (!whole)
        return diag_error(reader->diag, node->place, "E0109", schema->doc,
                          "%s must be a list of %d values, not %lld", schema->name, count,
                          (long long)node->count);
    return STATUS_OK;
}

static Status read_object(const SchemaReader *reader, const Schema *schema, const YamlNode *node,
                          void *out) {
    bool seen[SCHEMA_FIELDS_MAX] = {false};
    memset(out, 0, schema->size);
    assert(schema_count(schema) <= SCHEMA_FIELDS_MAX);
    if (schema->tuple)
        return read_tuple(reader, schema, node, out);
    if (node->kind != YAML_MAPPING)
        return wrong_kind(reader, schema->name, node, "a mapping", "write key: value lines");
    Status status = read_keys(reader, schema, node, out, seen);
    for (const Field *field = schema->fields; field->name; field++) {
        if (seen[field - schema->fields])
            continue;
        if (field->fallback)
            set_fallback(reader, field, (char *)out + field->offset);
        else
            status = diag_error(reader->diag, node->place, "E0108", field->doc,
                                "the key `%s` is missing", field->name);
    }
    return status;
}

Status schema_read(const Schema *schema, const YamlNode *node, void *out, Arena *arena,
                   Diag *diag) {
    const SchemaReader reader = {.arena = arena, .diag = diag};
    return read_object(&reader, schema, node, out);
}
