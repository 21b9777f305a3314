/* jsonw: the one JSON writer of gen. Canonical: keys of an object must be written in byte order, which is
 * asserted; numbers in the shortest form that reads back equal, whatever the locale. Streaming into a Buf.
 * Objects and arrays stay on one line when begun with `inlined`. Its prefix is not json_ because that is
 * jansson's, whose symbols ours would shadow. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum { JSONW_DEPTH = 32 };

typedef struct Jsonw {
    Buf *out;
    int depth;
    bool inlined[JSONW_DEPTH];  /* this level is written on one line */
    bool first[JSONW_DEPTH];    /* nothing written on this level yet */
    bool array[JSONW_DEPTH];    /* this level is an array, else an object */
    char last[JSONW_DEPTH][64]; /* last key of this object, to assert the order */
    bool after_key;
} Jsonw;

void jsonw_begin(Jsonw *json, Buf *out);
void jsonw_object(Jsonw *json, bool inlined);
void jsonw_array(Jsonw *json, bool inlined);
void jsonw_end(Jsonw *json); /* closes the innermost object or array */
void jsonw_key(Jsonw *json, const char *key);
void jsonw_int(Jsonw *json, int64_t value);
void jsonw_real(Jsonw *json, double value); /* NaN and infinities are written as null */
void jsonw_bool(Jsonw *json, bool value);
void jsonw_null(Jsonw *json);
void jsonw_string(Jsonw *json, const char *value); /* NULL is written as null */
/* A key with its value. */
void jsonw_key_int(Jsonw *json, const char *key, int64_t value);
void jsonw_key_string(Jsonw *json, const char *key, const char *value);
void jsonw_finish(Jsonw *json); /* asserts that all is closed; adds a newline */

/* Shortest decimal text that strtod reads back as `value`, with '.' in every locale; integers
 * below 2^53 without exponent or fraction. `text` holds at least 32 bytes. */
void jsonw_format_real(char *text, double value);
