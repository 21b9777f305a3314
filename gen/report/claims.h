/* claims: what documents state about a deployment, figure by figure, as data: claims/NAME.yaml, embedded in gen. They
 * are compared with predictions and with each other, and are never inputs of a prediction. Everything lies in the
 * caller's arena. */
#pragma once

#include "base/sandbox.h"
#include "base/schema.h"

typedef struct ClaimValue {
    const char *id; /* unique in the file */
    double value;   /* in the unit of its group */
    const char *context;
} ClaimValue;

typedef struct ClaimGroup {
    const char *about; /* what the figures are about: their place in the documents */
    TextList documents;
    const char *unit;
    LIST_OF(ClaimValue) values;
} ClaimGroup;

typedef struct Claims {
    const char *name, *title;
    int64_t order; /* among the deployments of a report */
    LIST_OF(ClaimGroup) groups;
} Claims;

extern const Schema claims_schema;

/* Read claims/NAME.yaml, embedded or of the sandbox's share folder. E0440: a unit that there is not, an id that is there
 * twice. */
Status claims_read(Arena *arena, const Sandbox *sandbox, const char *name, Claims *claims,
                   Diag *diag);

/* Claim of this id and its group, or NULL. */
const ClaimValue *claims_find(const Claims *claims, const char *id, const ClaimGroup **group);

/* What one of `unit` is in SI (a share for %); 0 if there is no such unit. */
double claims_unit(const char *unit);
