/* fields: reads JSON whose mistakes are told with their place. A Field is a value and the way to it from the root, by
 * which its line and column are found again, once there is a mistake. It knows no file's meaning. Values belong to the
 * JSON tree, fields to the stack of who reads. */
#pragma once

#include "base/diag.h"
#include "base/jsonr.h"

#include <stdbool.h>
#include <stdint.h>

/* A file as it is read: its text and tree. */
typedef struct FieldFile {
    DiagSource source; /* its text is known to be JSON */
    json_t *root;
    Diag *diag;
    const char *code; /* of mistakes in types and keys */
} FieldFile;

typedef struct Field {
    FieldFile *file;
    json_t *value;              /* NULL: absent */
    const struct Field *parent; /* NULL: the root */
    const char *key;            /* of the parent, an object; or NULL: */
    int64_t index;              /* of the parent, an array or (by order) an object */
} Field;

/* Read and parse a file; `syntax` is the code where it is no JSON, `code` that of other mistakes. Closed by the
 * caller, also after a failure. */
Status field_file_open(FieldFile *file, Arena *arena, const char *path, size_t limit,
                       const char *syntax, const char *code, Diag *diag);
void field_file_close(FieldFile *file);

static inline Field field_root(FieldFile *file) {
    return (Field){.file = file, .value = file->root};
}

/* A member; its value is NULL where it is absent or null. */
Field field_member(const Field *object, const char *key);
Field field_item(const Field *array, int64_t index);
static inline bool field_there(const Field *field) {
    return field->value != NULL;
}

DiagPlace field_place(const Field *field);

/* A mistake at the field. */
Status field_error(const Field *field, const char *code, const char *help, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Values; absent ones give the fallback, others of another type are mistakes. A NULL fallback of text: it must be
 * there. Texts are UTF-8 and hold no NUL. */
Status field_text(const Field *object, const char *key, const char *fallback, const char **text);
Status field_bool(const Field *object, const char *key, bool fallback, bool *value);
Status field_int(const Field *object, const char *key, int64_t min, int64_t max, int64_t fallback,
                 int64_t *value);
/* A member that must be an array, or an object. */
Status field_array(const Field *object, const char *key, Field *array);
Status field_object(const Field *object, const char *key, Field *member);

/* Only these keys, separated by spaces, may stand in an object; `of` says what it is. */
Status field_keys(const Field *object, const char *of, const char *keys);
