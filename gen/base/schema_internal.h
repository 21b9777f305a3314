/* schema_internal: what the files schema*.c share. Nobody else includes it. */
#pragma once

#include "base/schema.h"
#include "base/units.h"

/* All lists have this shape (LIST_OF). */
typedef LIST_OF(void) SchemaList;

typedef struct SchemaReader {
    Arena *arena;
    Diag *diag;
} SchemaReader;

/* Read a node as the type of `field` into `out`, the value's own address. */
Status schema_read_value(const SchemaReader *reader, const Field *field, const YamlNode *node,
                         void *out);
Status schema_read_scalar(const SchemaReader *reader, const Field *field, const YamlNode *node,
                          void *out);

/* Fields that are numbers with units, and how; false for all others. */
bool schema_quantity(FieldType type, Quantity *quantity);

/* Small structs of plain values stand on one line: a table in the eyes of a reader. */
bool schema_is_row(const Schema *schema);

/* Write one value, given its own address. */
void schema_write_value(const Field *field, const void *value, Jsonw *json);

static inline const void *schema_at(const Field *field, const void *object) {
    return (const char *)object + field->offset;
}

/* Item `index` of a list of structs. */
static inline const void *schema_item(const Field *field, const SchemaList *list, int64_t index) {
    return (const char *)list->items + (size_t)index * field->of->size;
}

static inline int schema_count(const Schema *schema) {
    int count = 0;
    while (schema->fields[count].name)
        count++;
    return count;
}
