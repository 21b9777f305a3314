/* Schema: every field of an input or of the plan is declared once, as data; reading, writing, Lua
 * views, Lua types, diff and documentation loop over the declaration. A schema describes a C struct
 * by offsets: integers and enumerations are int64_t, reals double, flags bool, texts const char *,
 * ranges Range, lists LIST_OF(...). This module knows no particular schema. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/jsonw.h"
#include "base/yaml.h"

#include <stddef.h>
#include <stdint.h>

struct lua_State;

/* Half-open: [begin, end). Written as [begin, end] in JSON and YAML. Lua sees a table with the
 * fields `begin` and `finish`, because `end` is a keyword there. */
typedef struct Range {
    int64_t begin, end;
} Range;

typedef LIST_OF(int64_t) IntList;
typedef LIST_OF(double) RealList;
typedef LIST_OF(const char *) TextList;

typedef enum FieldType {
    FIELD_INT,       /* int64_t; grouping commas and fractions are refused */
    FIELD_REAL,      /* double */
    FIELD_BOOL,      /* bool: true or false only */
    FIELD_TEXT,      /* const char * */
    FIELD_ENUM,      /* int64_t: index into names */
    FIELD_RANGE,     /* Range */
    FIELD_INTS,      /* IntList */
    FIELD_REALS,     /* RealList */
    FIELD_TEXTS,     /* TextList */
    FIELD_BYTES,     /* int64_t bytes: "80 GB" (10^9), "80 GiB" (2^30); a unit is required */
    FIELD_BANDWIDTH, /* double bytes/s: "200 Gb/s" (bits), "25 GB/s" (bytes); a unit is required */
    FIELD_TIME,      /* double seconds: "5 us"; a unit is required */
    FIELD_FLOPS,     /* double 1/s: "312 TFLOP/s"; a unit is required */
    FIELD_OBJECT,    /* nested struct, schema `of` */
    FIELD_LIST,      /* LIST_OF(struct), schema `of` */
} FieldType;

enum { SCHEMA_FIELDS_MAX = 64 }; /* of one schema */

typedef struct Schema Schema;

typedef struct Field {
    const char *name;
    FieldType type;
    size_t offset;
    const char *fallback;     /* text used when the key is absent; NULL: the key is required */
    double min, max;          /* numbers and list lengths; both 0: not limited */
    const char *const *names; /* FIELD_ENUM: NULL-terminated */
    const Schema *of;         /* FIELD_OBJECT, FIELD_LIST */
    bool sparse;              /* not written where it is empty: no items, no text, 0 */
    const char *doc;          /* one line; the unit in brackets at its end, e.g. "[bytes/s]" */
} Field;

struct Schema {
    const char *name; /* the Lua type and the title in docs */
    const char *doc;
    size_t size;                /* of the struct */
    const Field *fields;        /* ends with name == NULL */
    const char *const *aliases; /* pairs (written, canonical), NULL-terminated; may be NULL */
    bool open; /* unknown keys are kept silent (topologies carry descriptive keys) */
    bool
        tuple; /* written as a list of its fields in their order; the last ones may be left out if they have fallbacks */
};

/* For a FIELD_LIST of ranges: LIST_OF(Range), its items written [begin, end]. */
extern const Schema range_schema;

/* Read a mapping node into the struct at `out` (zeroed first). Unknown keys are errors with the
 * nearest name (E0107), missing ones E0108, wrong types E0109, out of range E0110, a missing unit
 * E0312, another name for a key is told as a note, E0106. All mistakes are recorded before it
 * returns STATUS_DATA. A null value is the same as an absent key. A LIST with fallback "" is empty
 * when absent, an OBJECT holds the fallbacks of its own fields. A fallback may lie outside the
 * limits of its field. Texts hold no control characters (E0111). */
Status schema_read(const Schema *schema, const YamlNode *node, void *out, Arena *arena, Diag *diag);

/* Write the struct as a JSON object, keys sorted, quantities as text with units that read back
 * equal. */
void schema_write(const Schema *schema, const void *object, Jsonw *json);

/* Push the struct as a fresh Lua table; reals with an integral value stay floats. Lists are arrays
 * from 1; items, ranks and layers keep their own numbering (from 0). */
void schema_push(struct lua_State *lua, const Schema *schema, const void *object);

/* Append "path: a -> b" lines for each difference; returns how many. */
int64_t schema_diff(const Schema *schema, const void *a, const void *b, Buf *out);

/* LuaLS annotations (---@class ...) for this schema and those that it contains. */
void schema_lua_types(const Schema *schema, Buf *out);

/* The field of this name, or NULL. */
const Field *schema_field(const Schema *schema, const char *name);

/* Parse the text of a scalar as `field` into `out` (at the field's own address, not the struct's).
 * For command-line options. */
Status schema_parse(const Field *field, const char *text, DiagPlace place, void *out, Arena *arena,
                    Diag *diag);

/* The node that a file would have for it: "a,b" is a list where the field is one. */
YamlNode *schema_text_node(Arena *arena, const Field *field, const char *text, DiagPlace place);
