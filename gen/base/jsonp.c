/* jsonp: see jsonp.h. jansson keeps no positions, so a place is found by a second look at the text, which is known
 * to be JSON by then. Members of an object come in the order of the text. */
#include "base/jsonp.h"

#include "base/fs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- places ----------------------------------------------------------------------------------- */

static const char *skip_space(const char *at) {
    return at + strspn(at, " \t\r\n");
}

static const char *skip_string(const char *at) {
    for (at++; *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at + 1;
}

static const char *skip_value(const char *at) {
    int64_t depth = 0;
    do {
        at = skip_space(at);
        if (*at == '"') {
            at = skip_string(at);
        } else if (*at == '[' || *at == '{') {
            depth++;
            at++;
        } else if (*at == ']' || *at == '}') {
            depth--;
            at++;
        } else if (*at == ',' || *at == ':') {
            at++;
        } else {
            at += strcspn(at, ",:[]{} \t\r\n\"");
        }
    } while (depth > 0);
    return at;
}

/* The index-th value of the array or object that begins at `at`. */
static const char *nth_value(const char *at, int64_t index) {
    bool object = *at == '{';
    at = skip_space(at + 1);
    for (;; index--) {
        if (object)
            at = skip_space(skip_space(skip_string(at)) + 1);
        if (index == 0)
            return at;
        at = skip_space(skip_space(skip_value(at)) + 1);
    }
}

static int64_t index_of(const Jsonp *field) {
    if (!field->key)
        return field->index;
    int64_t index = 0;
    const char *key;
    json_t *value;
    json_object_foreach(field->parent->value, key, value) {
        if (strcmp(key, field->key) == 0)
            return index;
        index++;
    }
    return -1;
}

/* Start of a field in the text; of its parent where it is absent. */
static const char *locate(const Jsonp *field) {
    if (!field->parent)
        return skip_space(field->file->source.text);
    const char *at = locate(field->parent);
    int64_t index = index_of(field);
    return index < 0 ? at : nth_value(at, index);
}

DiagPlace jsonp_place(const Jsonp *field) {
    const char *text = field->file->source.text, *at = locate(field);
    DiagSource *source = ARENA_NEW(field->file->diag->arena, DiagSource);
    *source = field->file->source;
    DiagPlace place = {.source = source, .line = 1, .column = 1, .width = 1};
    for (const char *c = text; c < at; c++) {
        place.line += *c == '\n';
        place.column = *c == '\n' ? 1 : place.column + ((*c & 0xc0) != 0x80);
    }
    if (*at == '"')
        place.width = skip_string(at) - at;
    else if (*at != '[' && *at != '{')
        place.width = (int64_t)strcspn(at, ",[]{} \t\r\n");
    return place;
}

/* --- mistakes --------------------------------------------------------------------------------- */

Status jsonp_error(const Jsonp *field, const char *code, const char *help, const char *format,
                   ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return diag_error(field->file->diag, jsonp_place(field), code, help ? help : field->file->cure,
                      "%s", text);
}

static Status wrong_type(const Jsonp *field, const char *wanted) {
    if (field->key)
        return jsonp_error(field, field->file->code, NULL, "\"%s\" must be %s", field->key, wanted);
    return jsonp_error(field, field->file->code, NULL, "this must be %s", wanted);
}

static Status absent(const Jsonp *field) {
    return jsonp_error(field, field->file->code, NULL, "\"%s\" is missing", field->key);
}

/* --- values ----------------------------------------------------------------------------------- */

Jsonp jsonp_member(const Jsonp *object, const char *key) {
    json_t *value = json_object_get(object->value, key);
    return (Jsonp){.file = object->file,
                   .value = json_is_null(value) ? NULL : value,
                   .parent = object,
                   .key = key};
}

Jsonp jsonp_item(const Jsonp *array, int64_t index) {
    return (Jsonp){.file = array->file,
                   .value = json_array_get(array->value, (size_t)index),
                   .parent = array,
                   .index = index};
}

Status jsonp_text(const Jsonp *object, const char *key, const char *fallback, const char **text) {
    Jsonp field = jsonp_member(object, key);
    *text = fallback;
    if (!field.value)
        return fallback ? STATUS_OK : absent(&field);
    if (!json_is_string(field.value))
        return wrong_type(&field, "a text");
    *text = json_string_value(field.value);
    return STATUS_OK;
}

Status jsonp_bool(const Jsonp *object, const char *key, bool fallback, bool *value) {
    Jsonp field = jsonp_member(object, key);
    *value = fallback;
    if (!field.value)
        return STATUS_OK;
    if (!json_is_boolean(field.value))
        return wrong_type(&field, "true or false");
    *value = json_is_true(field.value);
    return STATUS_OK;
}

Status jsonp_int(const Jsonp *object, const char *key, int64_t min, int64_t max, int64_t fallback,
                 int64_t *value) {
    Jsonp field = jsonp_member(object, key);
    *value = fallback;
    if (!field.value)
        return STATUS_OK;
    int64_t number = json_integer_value(field.value);
    if (!json_is_integer(field.value) || number < min || number > max) {
        char wanted[80];
        snprintf(wanted, sizeof wanted, "a whole number from %lld to %lld", (long long)min,
                 (long long)max);
        return wrong_type(&field, wanted);
    }
    *value = number;
    return STATUS_OK;
}

Status jsonp_array(const Jsonp *object, const char *key, Jsonp *array) {
    *array = jsonp_member(object, key);
    if (!array->value)
        return absent(array);
    return json_is_array(array->value) ? STATUS_OK : wrong_type(array, "a list");
}

Status jsonp_object(const Jsonp *object, const char *key, Jsonp *member) {
    *member = jsonp_member(object, key);
    if (!member->value)
        return absent(member);
    return json_is_object(member->value) ? STATUS_OK : wrong_type(member, "an object");
}

static bool listed(const char *keys, const char *key) {
    size_t length = strlen(key);
    for (const char *at = keys; *at; at += strcspn(at, " "), at += *at == ' ')
        if (strcspn(at, " ") == length && memcmp(at, key, length) == 0)
            return true;
    return false;
}

Status jsonp_keys(const Jsonp *object, const char *of, const char *keys) {
    const char *key;
    json_t *value;
    if (!json_is_object(object->value))
        return wrong_type(object, "an object");
    json_object_foreach(object->value, key, value) {
        if (listed(keys, key))
            continue;
        Jsonp field = {.file = object->file, .value = value, .parent = object, .key = key};
        return jsonp_error(&field, object->file->code,
                           arena_printf(object->file->diag->arena, "gen knows: %s", keys),
                           "%s has a key that gen does not know: \"%s\"", of, key);
    }
    return STATUS_OK;
}

/* --- files ------------------------------------------------------------------------------------ */

Status jsonp_file_open(JsonpFile *file, Arena *arena, const char *path, size_t limit,
                       const char *syntax, const char *code, Diag *diag) {
    *file =
        (JsonpFile){.diag = diag, .code = code, .cure = "take the file as it came with the model"};
    char *text;
    size_t length;
    json_error_t error;
    TRY(fs_read(arena, path, limit, &text, &length, diag));
    file->source = (DiagSource){.name = arena_strdup(arena, path), .text = text};
    file->root = jsonr_parse(text, length, &error);
    if (file->root)
        return STATUS_OK;
    DiagSource *source = ARENA_NEW(diag->arena, DiagSource);
    *source = file->source;
    DiagPlace place = {.source = source,
                       .line = error.line > 0 ? error.line : 1,
                       .column = error.column > 0 ? error.column : 1,
                       .width = 1};
    bool twice = json_error_code(&error) == json_error_duplicate_key;
    return diag_error(diag, place, syntax,
                      twice ? "keep one of the two" : "was the file cut off while it was copied?",
                      "this is not JSON: %s", error.text);
}

void jsonp_file_close(JsonpFile *file) {
    json_decref(file->root);
    file->root = NULL;
}
