/* model_internal: what the files that read models share. Nobody else includes it. */
#pragma once

#include "input/model.h"

/* What a family file returns, as a tree: keys, values, fixed, defaults, harmless, only, tensors,
 * ungated. */
typedef struct Family {
    const char *name;
    const YamlNode *root;
} Family;

/* Read lua/families/NAME.lua. An unknown name is E0206, a file without tensors E0211. */
Status family_read(Arena *arena, const char *name, const char *share, DiagPlace place,
                   Family *family, Diag *diag);

/* Give the model the names of the tensors that it needs; those already named keep their names.
 * A tensor that the family has no name for is E0212. */
Status family_name_tensors(Arena *arena, const Family *family, Model *model, DiagPlace place,
                           Diag *diag);

/* Whether such a model has this tensor, by its fields alone. */
bool model_needs(const Model *model, TensorKind kind);

/* Translate a hub's config.json into a mapping with the keys of model_schema, each with the place
 * that it came from. `path` gives the model its name. */
Status hub_translate(Arena *arena, const YamlNode *config, const char *path, const Family *family,
                     YamlNode **canonical, Diag *diag);
