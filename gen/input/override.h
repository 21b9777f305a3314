/* override: settings over what a file says: "model.experts=64", "topology.nodes[0].nics=4". A setting is typed and
 * checked by the schema when it is written, then laid into the tree of the file before the schema reads that, so
 * that all that follows (what one size implies of another, checks of sizes) sees one input. Keys are those of our
 * own schemas, also over a hub's config. Everything lies in the caller's arena; it knows no particular schema. */
#pragma once

#include "base/schema.h"

typedef enum OverrideTarget {
    OVERRIDE_MODEL,
    OVERRIDE_TOPOLOGY,
    OVERRIDE_WORKLOAD,
    OVERRIDE_TARGETS
} OverrideTarget;

extern const char *const override_targets[OVERRIDE_TARGETS + 1]; /* "model", ..., NULL */

typedef struct Override {
    OverrideTarget target;
    const char *path;   /* of keys and indices: "nodes[0].gpu.memory" */
    const Field *field; /* that the path ends at */
    YamlNode *value;
} Override;

typedef LIST_OF(Override) OverrideList;

/* Read "[TARGET.]PATH=VALUE" and append it. Without a target it is that of whose keys the first one is; where several
 * have it, the target is needed. An unknown key is E0920 with the nearest name, a path to no single value E0921;
 * values are judged as schema_parse does. All are STATUS_USAGE. */
Status override_parse(Arena *arena, const char *text, DiagPlace place, OverrideList *list,
                      Diag *diag);

/* The same with its parts apart. */
Status override_add(Arena *arena, OverrideTarget target, const char *path, const char *value,
                    DiagPlace place, OverrideList *list, Diag *diag);

/* Lay the settings of `target` into the tree of its file, in order. A list index past the end is E0922
 * (STATUS_USAGE). `list` may be NULL. */
Status override_apply(Arena *arena, const OverrideList *list, OverrideTarget target, YamlNode *root,
                      Diag *diag);
