/* schema_scalar: one scalar as the type of its field, strictly: what could be misread is refused
 * with the form that would be read. Texts go to the arena. */
#include "base/number.h"
#include "base/schema_internal.h"
#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Numbers against the limits of their field; `written` is what the user wrote. */
static Status check_limits(const SchemaReader *reader, const Field *field, double value,
                           const YamlNode *node) {
    if ((field->min == 0 && field->max == 0) || (value >= field->min && value <= field->max))
        return STATUS_OK;
    Quantity quantity;
    bool has_unit = schema_quantity(field->type, &quantity);
    double bound = value < field->min ? field->min : field->max;
    char limit[UNITS_TEXT];
    if (has_unit)
        units_format(quantity, bound, limit);
    else
        jsonw_format_real(limit, bound);
    return diag_error(reader->diag, node->place, "E0110", field->doc, "%s must be at %s %s, not %s",
                      field->name, value < field->min ? "least" : "most", limit, node->text);
}

/* "2,097,152", "1_000", "1e6", "4.0": the plain form of a number that is meant to be whole. */
static bool plain_form(const char *text, char plain[32]) {
    char digits[32];
    size_t count = 0;
    for (const char *c = text; *c; c++) {
        if (*c == ',' || *c == '_')
            continue;
        if (count == sizeof(digits) - 1)
            return false;
        digits[count++] = *c;
    }
    digits[count] = '\0';
    double value;
    if (!number_parse_real(digits, &value) || value != floor(value) || fabs(value) >= 0x1p53)
        return false;
    jsonw_format_real(plain, value);
    return true;
}

static Status read_int(const SchemaReader *reader, const Field *field, const YamlNode *node,
                       int64_t *out) {
    char plain[32], help[64] = "write a whole number, e.g. 16";
    bool overflow;
    if (!node->quoted && number_parse_int(node->text, out, &overflow))
        return check_limits(reader, field, (double)*out, node);
    if (!node->quoted && overflow)
        return diag_error(reader->diag, node->place, "E0110", field->doc,
                          "%s does not fit in 64 bits: %s", field->name, node->text);
    if (plain_form(node->text, plain))
        snprintf(help, sizeof(help), "write %s", plain);
    return diag_error(reader->diag, node->place, "E0109", help,
                      "%s must be a whole number, not %s%s%s", field->name,
                      node->quoted ? "\"" : "", node->text, node->quoted ? "\"" : "");
}

static Status read_real(const SchemaReader *reader, const Field *field, const YamlNode *node,
                        double *out) {
    if (!node->quoted && number_parse_real(node->text, out)) {
        if (isfinite(*out))
            return check_limits(reader, field, *out, node);
        return diag_error(reader->diag, node->place, "E0110", field->doc, "%s is too large: %s",
                          field->name, node->text);
    }
    return diag_error(reader->diag, node->place, "E0109", "write a number, e.g. 0.5 or 1e-5",
                      "%s must be a number, not %s%s%s", field->name, node->quoted ? "\"" : "",
                      node->text, node->quoted ? "\"" : "");
}

static Status read_bool(const SchemaReader *reader, const Field *field, const YamlNode *node,
                        bool *out) {
    *out = strcmp(node->text, "true") == 0;
    if (!node->quoted && (*out || strcmp(node->text, "false") == 0))
        return STATUS_OK;
    return diag_error(reader->diag, node->place, "E0109", "write true or false, without quotes",
                      "%s must be true or false, not %s", field->name, node->text);
}

static Status read_enum(const SchemaReader *reader, const Field *field, const YamlNode *node,
                        int64_t *out) {
    Buf text = {0};
    for (int64_t i = 0; field->names[i]; i++) {
        if (strcmp(field->names[i], node->text) == 0) {
            *out = i;
            buf_free(&text);
            return STATUS_OK;
        }
        buf_printf(&text, "%s%s", i ? ", " : "one of ", field->names[i]);
    }
    const char *nearest = diag_nearest(node->text, field->names);
    char *help = nearest ? arena_printf(reader->arena, "did you mean %s?", nearest) : NULL;
    diag_error(reader->diag, node->place, "E0109", help, "%s must be %s, not %s", field->name,
               text.data, node->text);
    buf_free(&text);
    return STATUS_DATA;
}

static Status read_quantity(const SchemaReader *reader, const Field *field, Quantity quantity,
                            const YamlNode *node, double *out) {
    char help[UNITS_HELP];
    UnitsResult result = units_parse(quantity, node->text, out);
    if (result != UNITS_NO_NUMBER && isinf(*out))
        return diag_error(reader->diag, node->place, "E0110", field->doc, "%s is too large: %s",
                          field->name, node->text);
    if (result == UNITS_OK)
        return check_limits(reader, field, *out, node);
    if (result == UNITS_NO_UNIT) {
        units_cure(quantity, *out, help);
        return diag_error(reader->diag, node->place, "E0312", help, "%s needs a unit", field->name);
    }
    units_list(quantity, help);
    if (result == UNITS_UNKNOWN_UNIT)
        return diag_error(reader->diag, node->place, "E0109", help, "%s has an unknown unit: %s",
                          field->name, node->text);
    return diag_error(reader->diag, node->place, "E0109", help,
                      "%s must be a number with a unit, not %s", field->name, node->text);
}

static Status read_bytes(const SchemaReader *reader, const Field *field, const YamlNode *node,
                         int64_t *out) {
    double value;
    TRY(read_quantity(reader, field, QUANTITY_BYTES, node, &value));
    if (value != floor(value) || fabs(value) >= 0x1p53)
        return diag_error(reader->diag, node->place, "E0110", NULL,
                          "%s must be a whole number of bytes below 2^53, not %s", field->name,
                          node->text);
    *out = (int64_t)value;
    return STATUS_OK;
}

static Status read_text(const SchemaReader *reader, const Field *field, const YamlNode *node,
                        const char **out) {
    uint32_t point;
    if (text_find_steering(node->text, &point))
        return diag_error(reader->diag, node->place, "E0111", "remove the character",
                          "%s holds U+%04X, a control character", field->name, (unsigned)point);
    *out = arena_strdup(reader->arena, node->text);
    return STATUS_OK;
}

Status schema_read_scalar(const SchemaReader *reader, const Field *field, const YamlNode *node,
                          void *out) {
    switch (field->type) {
    case FIELD_INT:
        return read_int(reader, field, node, out);
    case FIELD_REAL:
        return read_real(reader, field, node, out);
    case FIELD_BOOL:
        return read_bool(reader, field, node, out);
    case FIELD_TEXT:
        return read_text(reader, field, node, out);
    case FIELD_ENUM:
        return read_enum(reader, field, node, out);
    case FIELD_BYTES:
        return read_bytes(reader, field, node, out);
    case FIELD_BANDWIDTH:
        return read_quantity(reader, field, QUANTITY_BANDWIDTH, node, out);
    case FIELD_TIME:
        return read_quantity(reader, field, QUANTITY_TIME, node, out);
    case FIELD_FLOPS:
        return read_quantity(reader, field, QUANTITY_FLOPS, node, out);
    default:
        assert(!"a list, range or object is no scalar");
        return STATUS_SOFTWARE;
    }
}

/* "a,b,c" as a sequence of scalars at one place. */
static YamlNode *split_text(Arena *arena, const char *text, DiagPlace place) {
    YamlNode *list = ARENA_NEW(arena, YamlNode);
    LIST_OF(YamlNode *) items = {0};
    while (*text) {
        size_t length = strcspn(text, ",");
        YamlNode *item = ARENA_NEW(arena, YamlNode);
        *item = (YamlNode){.kind = YAML_SCALAR, .place = place};
        item->text = arena_strndup(arena, text, length);
        *(YamlNode **)LIST_PUSH(arena, &items) = item;
        text += length + (text[length] == ',');
    }
    *list = (YamlNode){.kind = YAML_SEQUENCE, .place = place};
    list->items = items.items;
    list->count = items.count;
    return list;
}

YamlNode *schema_text_node(Arena *arena, const Field *field, const char *text, DiagPlace place) {
    if (field->type == FIELD_INTS || field->type == FIELD_REALS || field->type == FIELD_TEXTS ||
        field->type == FIELD_RANGE)
        return split_text(arena, text, place);
    YamlNode *node = ARENA_NEW(arena, YamlNode);
    *node = (YamlNode){.kind = YAML_SCALAR, .place = place, .text = arena_strdup(arena, text)};
    return node;
}

Status schema_parse(const Field *field, const char *text, DiagPlace place, void *out, Arena *arena,
                    Diag *diag) {
    const SchemaReader reader = {.arena = arena, .diag = diag};
    assert(field->type != FIELD_OBJECT && field->type != FIELD_LIST);
    return schema_read_value(&reader, field, schema_text_node(arena, field, text, place), out);
}
