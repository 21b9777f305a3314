/* schema_write: structs as canonical JSON. Owns nothing. */
#include "base/schema_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool schema_quantity(FieldType type, Quantity *quantity) {
    switch (type) {
    case FIELD_BYTES:
        *quantity = QUANTITY_BYTES;
        return true;
    case FIELD_BANDWIDTH:
        *quantity = QUANTITY_BANDWIDTH;
        return true;
    case FIELD_TIME:
        *quantity = QUANTITY_TIME;
        return true;
    case FIELD_FLOPS:
        *quantity = QUANTITY_FLOPS;
        return true;
    default:
        return false;
    }
}

static void write_range(const Range *range, Json *json) {
    json_array(json, true);
    json_int(json, range->begin);
    json_int(json, range->end);
    json_end(json);
}

bool schema_is_row(const Schema *schema) {
    if (schema_count(schema) > 6)
        return false;
    for (const Field *field = schema->fields; field->name; field++)
        if (field->type == FIELD_OBJECT ||
            (field->type == FIELD_LIST && field->of != &range_schema))
            return false;
    return true;
}

static void write_list(const Field *field, const SchemaList *list, Json *json) {
    bool ranges = field->of == &range_schema;
    json_array(json, ranges);
    for (int64_t i = 0; i < list->count; i++) {
        const void *item = schema_item(field, list, i);
        if (ranges)
            write_range(item, json);
        else
            schema_write(field->of, item, json);
    }
    json_end(json);
}

static void write_quantity(Quantity quantity, double value, Json *json) {
    char text[UNITS_TEXT];
    units_format(quantity, value, text);
    json_string(json, text);
}

void schema_write_value(const Field *field, const void *value, Json *json) {
    Quantity quantity;
    switch (field->type) {
    case FIELD_INT:
        json_int(json, *(const int64_t *)value);
        break;
    case FIELD_REAL:
        json_real(json, *(const double *)value);
        break;
    case FIELD_BOOL:
        json_bool(json, *(const bool *)value);
        break;
    case FIELD_TEXT:
        json_string(json, *(const char *const *)value);
        break;
    case FIELD_ENUM:
        json_string(json, field->names[*(const int64_t *)value]);
        break;
    case FIELD_RANGE:
        write_range(value, json);
        break;
    case FIELD_INTS:
        json_array(json, true);
        for (int64_t i = 0; i < ((const IntList *)value)->count; i++)
            json_int(json, ((const IntList *)value)->items[i]);
        json_end(json);
        break;
    case FIELD_TEXTS:
        json_array(json, true);
        for (int64_t i = 0; i < ((const TextList *)value)->count; i++)
            json_string(json, ((const TextList *)value)->items[i]);
        json_end(json);
        break;
    case FIELD_BYTES:
        write_quantity(QUANTITY_BYTES, (double)*(const int64_t *)value, json);
        break;
    case FIELD_BANDWIDTH:
    case FIELD_TIME:
    case FIELD_FLOPS:
        schema_quantity(field->type, &quantity);
        write_quantity(quantity, *(const double *)value, json);
        break;
    case FIELD_OBJECT:
        schema_write(field->of, value, json);
        break;
    case FIELD_LIST:
        write_list(field, value, json);
        break;
    }
}

static int by_name(const void *left, const void *right) {
    return strcmp((*(const Field *const *)left)->name, (*(const Field *const *)right)->name);
}

void schema_write(const Schema *schema, const void *object, Json *json) {
    const Field *sorted[SCHEMA_FIELDS_MAX];
    int count = schema_count(schema);
    assert(count <= SCHEMA_FIELDS_MAX);
    for (int i = 0; i < count; i++)
        sorted[i] = &schema->fields[i];
    qsort(sorted, (size_t)count, sizeof(sorted[0]), by_name);
    json_object(json, schema_is_row(schema));
    for (int i = 0; i < count; i++) {
        json_key(json, sorted[i]->name);
        schema_write_value(sorted[i], schema_at(sorted[i], object), json);
    }
    json_end(json);
}
