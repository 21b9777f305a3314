/* claims: see claims.h. It judges nothing. */
#include "report/claims.h"

#include <string.h>

#define AT(type, member) .offset = offsetof(type, member)

static const Field value_fields[] = {
    {.name = "id", .type = FIELD_TEXT, AT(ClaimValue, id), .doc = "by which studies name it"},
    {.name = "value",
     .type = FIELD_REAL,
     AT(ClaimValue, value),
     .doc = "as stated, in the group's unit"},
    {.name = "context",
     .type = FIELD_TEXT,
     AT(ClaimValue, context),
     .fallback = "",
     .doc = "what it holds for"},
    {0},
};

static const Schema value_schema = {
    .name = "ClaimValue",
    .doc = "A figure that documents state.",
    .size = sizeof(ClaimValue),
    .fields = value_fields,
};

static const Field group_fields[] = {
    {.name = "about", .type = FIELD_TEXT, AT(ClaimGroup, about), .doc = "what the figures tell"},
    {.name = "documents",
     .type = FIELD_TEXTS,
     AT(ClaimGroup, documents),
     .min = 1,
     .max = 16,
     .doc = "that have them"},
    {.name = "unit", .type = FIELD_TEXT, AT(ClaimGroup, unit), .doc = "ms, tokens/s, GB, %, x, -"},
    {.name = "values",
     .type = FIELD_LIST,
     AT(ClaimGroup, values),
     .min = 1,
     .max = 1000,
     .of = &value_schema,
     .doc = "the figures"},
    {0},
};

static const Schema group_schema = {
    .name = "ClaimGroup",
    .doc = "Figures of one table or paragraph.",
    .size = sizeof(ClaimGroup),
    .fields = group_fields,
};

static const Field claims_fields[] = {
    {.name = "name", .type = FIELD_TEXT, AT(Claims, name), .doc = "of the deployment"},
    {.name = "title", .type = FIELD_TEXT, AT(Claims, title), .doc = "for people"},
    {.name = "order",
     .type = FIELD_INT,
     AT(Claims, order),
     .fallback = "0",
     .doc = "among the deployments of a report"},
    {.name = "groups",
     .type = FIELD_LIST,
     AT(Claims, groups),
     .min = 1,
     .max = 1000,
     .of = &group_schema,
     .doc = "the figures, by what they are about"},
    {0},
};

const Schema claims_schema = {
    .name = "Claims",
    .doc = "What documents state about a deployment.",
    .size = sizeof(Claims),
    .fields = claims_fields,
};

/* Of people's units; tokens, GPUs and plain numbers count as they are. */
static const struct {
    const char *name;
    double si;
} units[] = {
    {"s", 1},    {"ms", 1e-3},  {"us", 1e-6},  {"tokens/s", 1}, {"%", 1e-2}, {"x", 1},
    {"-", 1},    {"GPUs", 1},   {"tokens", 1}, {"B", 1},        {"kB", 1e3}, {"MB", 1e6},
    {"GB", 1e9}, {"GB/s", 1e9}, {"mJ", 1e-3},  {"W", 1},        {"J", 1},    {"TFLOP/s", 1e12},
};

double claims_unit(const char *unit) {
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i].name, unit) == 0)
            return units[i].si;
    return 0;
}

static int64_t count_id(const Claims *claims, const char *id) {
    int64_t count = 0;
    for (int64_t g = 0; g < claims->groups.count; g++)
        for (int64_t v = 0; v < claims->groups.items[g].values.count; v++)
            count += strcmp(claims->groups.items[g].values.items[v].id, id) == 0;
    return count;
}

static Status check(const Claims *claims, DiagPlace place, Diag *diag) {
    Status status = STATUS_OK;
    for (int64_t g = 0; g < claims->groups.count; g++) {
        const ClaimGroup *group = &claims->groups.items[g];
        if (claims_unit(group->unit) == 0)
            status = diag_error(diag, place, "E0440", "use one of ms, s, tokens/s, %, x, GB, mJ, -",
                                "there is no unit '%s'", group->unit);
        for (int64_t v = 0; v < group->values.count; v++)
            if (count_id(claims, group->values.items[v].id) > 1)
                status = diag_error(diag, place, "E0440", "give each figure an id of its own",
                                    "several claims are called '%s'", group->values.items[v].id);
    }
    return status;
}

Status claims_read(Arena *arena, const Sandbox *sandbox, const char *name, Claims *claims,
                   Diag *diag) {
    const char *file = arena_printf(arena, "claims/%s.yaml", name);
    size_t length;
    YamlNode *root;
    const char *text = sandbox_file(sandbox, file, &length);
    if (!text) {
        diag_error(diag, diag_nowhere(), "E0901", NULL, "there is no %s", file);
        return STATUS_NOINPUT;
    }
    TRY(yaml_parse(arena, file, text, length, yaml_config_limits, &root, diag));
    TRY(schema_read(&claims_schema, root, claims, arena, diag));
    return check(claims, root->place, diag);
}

const ClaimValue *claims_find(const Claims *claims, const char *id, const ClaimGroup **group) {
    for (int64_t g = 0; g < claims->groups.count; g++)
        for (int64_t v = 0; v < claims->groups.items[g].values.count; v++)
            if (strcmp(claims->groups.items[g].values.items[v].id, id) == 0) {
                if (group)
                    *group = &claims->groups.items[g];
                return &claims->groups.items[g].values.items[v];
            }
    return NULL;
}
