/* schema_docs: the declarations as Lua types and as Markdown. Owns nothing. */
#include "base/schema_internal.h"

#include <string.h>

enum { SCHEMAS_MAX = 64 };

typedef struct Seen {
    const Schema *schemas[SCHEMAS_MAX];
    int count;
} Seen;

/* The schemas that `schema` contains, innermost first, then itself; each once. */
static void collect(const Schema *schema, Seen *seen) {
    for (int i = 0; i < seen->count; i++)
        if (seen->schemas[i] == schema)
            return;
    for (const Field *field = schema->fields; field->name; field++)
        if (field->of)
            collect(field->of, seen);
    if (seen->count < SCHEMAS_MAX)
        seen->schemas[seen->count++] = schema;
}

static void lua_type(const Field *field, Buf *out) {
    switch (field->type) {
    case FIELD_INT:
    case FIELD_BYTES:
        buf_puts(out, "integer");
        break;
    case FIELD_REAL:
    case FIELD_BANDWIDTH:
    case FIELD_TIME:
    case FIELD_FLOPS:
        buf_puts(out, "number");
        break;
    case FIELD_BOOL:
        buf_puts(out, "boolean");
        break;
    case FIELD_TEXT:
        buf_puts(out, "string");
        break;
    case FIELD_ENUM:
        for (int i = 0; field->names[i]; i++)
            buf_printf(out, "%s\"%s\"", i ? "|" : "", field->names[i]);
        break;
    case FIELD_RANGE:
        buf_puts(out, "Range");
        break;
    case FIELD_INTS:
        buf_puts(out, "integer[]");
        break;
    case FIELD_REALS:
        buf_puts(out, "number[]");
        break;
    case FIELD_TEXTS:
        buf_puts(out, "string[]");
        break;
    case FIELD_OBJECT:
        buf_puts(out, field->of->name);
        break;
    case FIELD_LIST:
        buf_printf(out, "%s[]", field->of->name);
        break;
    }
}

static bool uses_ranges(const Schema *schema) {
    for (const Field *field = schema->fields; field->name; field++)
        if (field->type == FIELD_RANGE)
            return true;
    return false;
}

void schema_lua_types(const Schema *schema, Buf *out) {
    Seen seen = {0};
    collect(schema, &seen);
    for (int i = 0; i < seen.count; i++)
        if (uses_ranges(seen.schemas[i])) {
            collect(&range_schema, &seen);
            break;
        }
    for (int i = 0; i < seen.count; i++) {
        const Schema *each = seen.schemas[i];
        buf_printf(out, "---%s\n---@class %s\n", each->doc, each->name);
        for (const Field *field = each->fields; field->name; field++) {
            buf_printf(out, "---@field %s ", field->name);
            lua_type(field, out);
            buf_printf(out, " %s\n", field->doc);
        }
        buf_putc(out, '\n');
    }
}
