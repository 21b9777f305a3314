/* jsonp: reads JSON whose mistakes are told with their place. A Jsonp is a value and the way to it from the root, by
 * which its line and column are found again, once there is a mistake. It knows no file's meaning. Values belong to the
 * JSON tree, fields to the stack of who reads. */
#pragma once

#include "base/diag.h"
#include "base/jsonr.h"

#include <stdbool.h>
#include <stdint.h>

/* A file as it is read: its text and tree. */
typedef struct JsonpFile {
    DiagSource source; /* its text is known to be JSON */
    json_t *root;
    Diag *diag;
    const char *code; /* of mistakes in types and keys */
    const char *cure; /* of mistakes that say no other */
} JsonpFile;

typedef struct Jsonp {
    JsonpFile *file;
    json_t *value;              /* NULL: absent */
    const struct Jsonp *parent; /* NULL: the root */
    const char *key;            /* of the parent, an object; or NULL: */
    int64_t index;              /* of the parent, an array or (by order) an object */
} Jsonp;

/* Read and parse a file; `syntax` is the code where it is no JSON, `code` that of other mistakes. Closed by the
 * caller, also after a failure. */
Status jsonp_file_open(JsonpFile *file, Arena *arena, const char *path, size_t limit,
                       const char *syntax, const char *code, Diag *diag);
void jsonp_file_close(JsonpFile *file);

static inline Jsonp jsonp_root(JsonpFile *file) {
    return (Jsonp){.file = file, .value = file->root};
}

/* A member; its value is NULL where it is absent or null. */
Jsonp jsonp_member(const Jsonp *object, const char *key);
Jsonp jsonp_item(const Jsonp *array, int64_t index);
static inline bool jsonp_there(const Jsonp *field) {
    return field->value != NULL;
}

DiagPlace jsonp_place(const Jsonp *field);

/* A mistake at the field. */
Status jsonp_error(const Jsonp *field, const char *code, const char *help, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Values; absent ones give the fallback, others of another type are mistakes. A NULL fallback of text: it must be
 * there. Texts are UTF-8 and hold no NUL. */
Status jsonp_text(const Jsonp *object, const char *key, const char *fallback, const char **text);
Status jsonp_bool(const Jsonp *object, const char *key, bool fallback, bool *value);
Status jsonp_int(const Jsonp *object, const char *key, int64_t min, int64_t max, int64_t fallback,
                 int64_t *value);
/* A member that must be an array, or an object. */
Status jsonp_array(const Jsonp *object, const char *key, Jsonp *array);
Status jsonp_object(const Jsonp *object, const char *key, Jsonp *member);

/* Only these keys, separated by spaces, may stand in an object; `of` says what it is. */
Status jsonp_keys(const Jsonp *object, const char *of, const char *keys);
