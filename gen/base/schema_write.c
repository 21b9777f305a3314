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

static void write_range(const Range *range, Jsonw *json) {
    jsonw_array(json, true);
    jsonw_int(json, range->begin);
    jsonw_int(json, range->end);
    jsonw_end(json);
}

bool schema_is_row(const Schema *schema) {
    if (schema_count(schema) > 6)
        return false;
    for (const Field *field = schema->fields; field->name; field++)
        if (field->type == FIELD_OBJECT ||
            (field->type == FIELD_LIST && field->of != &range_schema && !field->of->tuple))
            return false;
    return true;
}

static void write_list(const Field *field, const SchemaList *list, Jsonw *json) {
    bool ranges = field->of == &range_schema;
    jsonw_array(json, ranges || field->of->tuple);
    for (int64_t i = 0; i < list->count; i++) {
        const void *item = schema_item(field, list, i);
        if (ranges)
            write_range(item, json);
        else
            schema_write(field->of, item, json);
    }
    jsonw_end(json);
}

static void write_quantity(Quantity quantity, double value, Jsonw *json) {
    char text[UNITS_TEXT];
    units_format(quantity, value, text);
    jsonw_string(json, text);
}

void schema_write_value(const Field *field, const void *value, Jsonw *json) {
    Quantity quantity;
    switch (field->type) {
    case FIELD_INT:
        jsonw_int(json, *(const int64_t *)value);
        break;
    case FIELD_REAL:
        jsonw_real(json, *(const double *)value);
        break;
    case FIELD_BOOL:
        jsonw_bool(json, *(const bool *)value);
        break;
    case FIELD_TEXT:
        jsonw_string(json, *(const char *const *)value);
        break;
    case FIELD_ENUM:
        jsonw_string(json, field->names[*(const int64_t *)value]);
        break;
    case FIELD_RANGE:
        write_range(value, json);
        break;
    case FIELD_INTS:
        jsonw_array(json, true);
        for (int64_t i = 0; i < ((const IntList *)value)->count; i++)
            jsonw_int(json, ((const IntList *)value)->items[i]);
        jsonw_end(json);
        break;
    case FIELD_REALS:
        jsonw_array(json, true);
        for (int64_t i = 0; i < ((const RealList *)value)->count; i++)
            jsonw_real(json, ((const RealList *)value)->items[i]);
        jsonw_end(json);
        break;
    case FIELD_TEXTS:
        jsonw_array(json, true);
        for (int64_t i = 0; i < ((const TextList *)value)->count; i++)
            jsonw_string(json, ((const TextList *)value)->items[i]);
        jsonw_end(json);
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

/* Whether a value says nothing: no items, no text, 0, or an object of such. */
static bool is_empty(const Field *field, const void *value) {
    switch (field->type) {
    case FIELD_TEXT:
        return !**(const char *const *)value;
    case FIELD_LIST:
    case FIELD_INTS:
    case FIELD_TEXTS:
        return ((const SchemaList *)value)->count == 0;
    case FIELD_BOOL:
        return !*(const bool *)value;
    case FIELD_RANGE:
        return ((const Range *)value)->begin == 0 && ((const Range *)value)->end == 0;
    case FIELD_OBJECT:
        for (const Field *inner = field->of->fields; inner->name; inner++)
            if (!is_empty(inner, (const char *)value + inner->offset))
                return false;
        return true;
    case FIELD_REAL:
    case FIELD_BANDWIDTH:
    case FIELD_TIME:
    case FIELD_FLOPS:
        return *(const double *)value == 0;
    default:
        return *(const int64_t *)value == 0;
    }
}

static int by_name(const void *left, const void *right) {
    return strcmp((*(const Field *const *)left)->name, (*(const Field *const *)right)->name);
}

static void write_tuple(const Schema *schema, const void *object, Jsonw *json) {
    jsonw_array(json, true);
    for (const Field *field = schema->fields; field->name; field++)
        schema_write_value(field, schema_at(field, object), json);
    jsonw_end(json);
}

void schema_write(const Schema *schema, const void *object, Jsonw *json) {
    const Field *sorted[SCHEMA_FIELDS_MAX];
    int count = schema_count(schema);
    assert(count <= SCHEMA_FIELDS_MAX);
    if (schema->tuple) {
        write_tuple(schema, object, json);
        return;
    }
    for (int i = 0; i < count; i++)
        sorted[i] = &schema->fields[i];
    qsort(sorted, (size_t)count, sizeof(sorted[0]), by_name);
    jsonw_object(json, schema_is_row(schema));
    for (int i = 0; i < count; i++) {
        if (sorted[i]->sparse && is_empty(sorted[i], schema_at(sorted[i], object)))
            continue;
        jsonw_key(json, sorted[i]->name);
        schema_write_value(sorted[i], schema_at(sorted[i], object), json);
    }
    jsonw_end(json);
}
