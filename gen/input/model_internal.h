/* model_internal: what the files that read models share. Nobody else includes it. */
#pragma once

#include "base/sandbox.h"
#include "input/model.h"

/* What a family file returns: as a tree keys, values, fixed, defaults, harmless, only, tensors, ungated; and the rules
 * `derived`, whose functions need the state that made them. */
typedef struct Family {
    const char *name;
    const YamlNode *root;
    Sandbox sandbox;
    int derived; /* reference to the table in the state; LUA_NOREF: none */
} Family;

/* Read lua/families/NAME.lua. An unknown name is E0206, a file without tensors E0211. A family stays where it is until
 * it is closed; one that was not read may be closed too, if it is zero. */
Status family_read(Arena *arena, const char *name, const char *share, DiagPlace place,
                   Family *family, Diag *diag);
void family_close(Family *family);

/* Give the model the names of the tensors that it needs, and the other forms that checkpoints have them in; those
 * already named keep their names. A tensor that the family has no name for is E0212. */
Status family_name_tensors(Arena *arena, const Family *family, Model *model, DiagPlace place,
                           Diag *diag);

/* Whether such a model has this tensor, by its fields alone. */
bool model_needs(const Model *model, TensorKind kind);

/* Translate a hub's config.json into a mapping with the keys of model_schema, each with the place
 * that it came from. `path` gives the model its name. */
Status hub_translate(Arena *arena, const YamlNode *config, const char *path, Family *family,
                     YamlNode **canonical, Diag *diag);

/* hub_derived.c: fields that a family makes of several keys of the config. */

/* The value at a dotted path, or NULL. */
const YamlNode *hub_value(const YamlNode *config, const char *path);
/* Does some rule read this key; or, `below`, a key of the mapping that it holds? */
bool hub_derived_reads(Family *family, const char *path, bool below);
/* How many rules there are; the field that rule i makes, and its value with the place of the first key that the config
 * has for it, NULL: silent. What the rule refuses is E0205, a key of another type too. */
int64_t hub_derived_count(Family *family);
Status hub_derived_make(Arena *arena, Family *family, int64_t i, const YamlNode *config,
                        const char **field, YamlNode **value, Diag *diag);
