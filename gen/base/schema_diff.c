/* schema_diff: what differs between two structs, a line each. Owns only its scratch text. */
#include "base/schema_internal.h"

#include <string.h>

typedef struct Differ {
    Buf path; /* e.g. "stages[0].attention[1].heads" */
    Buf *out;
    int64_t count;
} Differ;

static void shorten(Buf *path, size_t length) {
    path->length = length;
    if (path->data)
        path->data[length] = '\0';
}

/* One line always: an added or removed item that is large is only named. */
static void append_value(const Field *field, const void *value, Buf *out) {
    Jsonw json;
    if (field->type == FIELD_OBJECT && !schema_is_row(field->of)) {
        buf_puts(out, "{...}");
        return;
    }
    jsonw_begin(&json, out);
    schema_write_value(field, value, &json);
}

static void compare_objects(Differ *differ, const Schema *schema, const void *a, const void *b);

/* Path, then "a -> b"; NULL stands for "absent". */
static void report(Differ *differ, const Field *field, const void *a, const void *b) {
    buf_printf(differ->out, "%s: ", differ->path.data);
    if (a)
        append_value(field, a, differ->out);
    else
        buf_puts(differ->out, "absent");
    buf_puts(differ->out, " -> ");
    if (b)
        append_value(field, b, differ->out);
    else
        buf_puts(differ->out, "absent");
    buf_putc(differ->out, '\n');
    differ->count++;
}

static void compare_lists(Differ *differ, const Field *field, const SchemaList *a,
                          const SchemaList *b) {
    Field item = {.name = field->name, .of = field->of};
    item.type = field->of == &range_schema ? FIELD_RANGE : FIELD_OBJECT;
    int64_t longest = a->count > b->count ? a->count : b->count;
    for (int64_t i = 0; i < longest; i++) {
        size_t length = differ->path.length;
        const void *left = i < a->count ? schema_item(field, a, i) : NULL;
        const void *right = i < b->count ? schema_item(field, b, i) : NULL;
        buf_printf(&differ->path, "[%lld]", (long long)i);
        if (!left || !right)
            report(differ, &item, left, right);
        else if (item.type == FIELD_OBJECT)
            compare_objects(differ, field->of, left, right);
        else if (memcmp(left, right, sizeof(Range)) != 0)
            report(differ, &item, left, right);
        shorten(&differ->path, length);
    }
}

static bool texts_equal(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool values_equal(const Field *field, const void *a, const void *b) {
    switch (field->type) {
    case FIELD_INT:
    case FIELD_ENUM:
    case FIELD_BYTES:
        return *(const int64_t *)a == *(const int64_t *)b;
    case FIELD_REAL:
    case FIELD_BANDWIDTH:
    case FIELD_TIME:
    case FIELD_FLOPS:
        return *(const double *)a == *(const double *)b;
    case FIELD_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case FIELD_TEXT:
        return texts_equal(*(const char *const *)a, *(const char *const *)b);
    case FIELD_RANGE:
        return memcmp(a, b, sizeof(Range)) == 0;
    case FIELD_INTS:
    case FIELD_REALS: {
        const IntList *left = a, *right = b;
        size_t size = (size_t)left->count * sizeof(int64_t);
        return left->count == right->count &&
               (!size || memcmp(left->items, right->items, size) == 0);
    }
    case FIELD_TEXTS: {
        const TextList *left = a, *right = b;
        if (left->count != right->count)
            return false;
        for (int64_t i = 0; i < left->count; i++)
            if (!texts_equal(left->items[i], right->items[i]))
                return false;
        return true;
    }
    case FIELD_OBJECT:
    case FIELD_LIST:
        break;
    }
    return false;
}

static void compare_objects(Differ *differ, const Schema *schema, const void *a, const void *b) {
    for (const Field *field = schema->fields; field->name; field++) {
        size_t length = differ->path.length;
        const void *left = schema_at(field, a), *right = schema_at(field, b);
        buf_printf(&differ->path, "%s%s", length ? "." : "", field->name);
        if (field->type == FIELD_OBJECT)
            compare_objects(differ, field->of, left, right);
        else if (field->type == FIELD_LIST)
            compare_lists(differ, field, left, right);
        else if (!values_equal(field, left, right))
            report(differ, field, left, right);
        shorten(&differ->path, length);
    }
}

int64_t schema_diff(const Schema *schema, const void *a, const void *b, Buf *out) {
    Differ differ = {.out = out};
    compare_objects(&differ, schema, a, b);
    buf_free(&differ.path);
    return differ.count;
}
