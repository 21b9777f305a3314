/* The one JSON writer of gen: canonical (keys of an object must be written in byte order, which is
 * asserted; numbers in the shortest form that reads back equal, whatever the locale), streaming
 * into a Buf. Objects and arrays whose text is short stay on one line when begun with `inlined`. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum { JSON_DEPTH = 32 };

typedef struct Json {
    Buf *out;
    int depth;
    bool inlined[JSON_DEPTH];  /* this level is written on one line */
    bool first[JSON_DEPTH];    /* nothing written on this level yet */
    bool array[JSON_DEPTH];    /* this level is an array, else an object */
    char last[JSON_DEPTH][64]; /* last key of this object, to assert the order */
    bool after_key;
} Json;

void json_begin(Json *json, Buf *out);
void json_object(Json *json, bool inlined);
void json_array(Json *json, bool inlined);
void json_end(Json *json); /* closes the innermost object or array */
void json_key(Json *json, const char *key);
void json_int(Json *json, int64_t value);
void json_real(Json *json, double value); /* NaN and infinities are written as null */
void json_bool(Json *json, bool value);
void json_null(Json *json);
void json_string(Json *json, const char *value); /* NULL is written as null */
void json_finish(Json *json);                    /* asserts that all is closed; adds a newline */

/* Shortest decimal text that strtod reads back as `value`, with '.' in every locale; integers
 * below 2^53 without exponent or fraction. `text` holds at least 32 bytes. */
void json_format_real(char *text, double value);
