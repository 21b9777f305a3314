/* yaml: YAML and JSON text as a tree of nodes that know their line and column, read through
 * libyaml's events with the limits of DESIGN section 11: no anchors, aliases, custom tags or
 * duplicate keys; depth 32. The tree lies in the arena. Scalars stay text: the schema types them. */
#pragma once

#include "base/arena.h"
#include "base/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum YamlKind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING } YamlKind;

typedef struct YamlNode YamlNode;
struct YamlNode {
    YamlKind kind;
    DiagPlace place;
    const char *text; /* scalar: NUL-terminated, without NUL inside */
    bool quoted;      /* scalar: written in quotes, hence never null, bool or number */
    YamlNode **keys;  /* mapping: scalar nodes [count] */
    YamlNode **items; /* mapping and sequence [count] */
    int64_t count;
};

typedef struct YamlLimits {
    size_t bytes;
    int64_t nodes;
} YamlLimits;

extern const YamlLimits yaml_config_limits; /* 1 MiB, 100,000 nodes */
extern const YamlLimits yaml_plan_limits;   /* 64 MiB, 4,000,000 nodes */

/* Read a file. Errors: E0901..E0903 (fs_read), E0101 not YAML (with libyaml's problem and a cure),
 * E0102 duplicate key, E0103 alias, anchor or tag, E0104 a limit, E0105 empty. */
Status yaml_read(Arena *arena, const char *path, YamlLimits limits, YamlNode **root, Diag *diag);

/* The same for text at hand; `name` stands for the file in messages. */
Status yaml_parse(Arena *arena, const char *name, const char *text, size_t length,
                  YamlLimits limits, YamlNode **root, Diag *diag);

/* The value of a key in a mapping, or NULL. */
const YamlNode *yaml_get(const YamlNode *mapping, const char *key);

/* A plain (unquoted) scalar that is empty, null or ~. */
bool yaml_is_null(const YamlNode *node);
