/* workload: see workload.h. */
#include "input/workload.h"

enum { CONTEXT_USUAL = 1024 };

#define AT(member) .offset = offsetof(Workload, member)

static const Field workload_fields[] = {
    {.name = "batch",
     .type = FIELD_INT,
     AT(batch),
     .fallback = "64",
     .min = 1,
     .max = 1 << 24,
     .doc = "sequences at a time, over all data-parallel copies"},
    {.name = "prefill",
     .type = FIELD_INT,
     AT(prefill),
     .fallback = "0",
     .min = 1,
     .max = 1 << 24,
     .doc = "prompt tokens a sequence; when absent half of the context, at most 512"},
    {.name = "context",
     .type = FIELD_INT,
     AT(context),
     .fallback = "0",
     .min = 1,
     .max = 1 << 24,
     .doc = "positions a sequence: prompt and new tokens; when absent those of the model, at "
            "most 1024"},
    {.name = "dtype",
     .type = FIELD_ENUM,
     AT(dtype),
     .fallback = "bf16",
     .names = element_names,
     .doc = "of weights and activations"},
    {.name = "candidates",
     .type = FIELD_INT,
     AT(candidates),
     .fallback = "1",
     .min = 1,
     .max = 1 << 22, /* as large as any vocabulary */
     .doc = "likeliest tokens that top-k and top-p look at; 1: neither is offered"},
    {0},
};

const Schema workload_schema = {
    .name = "Workload",
    .doc = "What the program is asked to do. All numbers are bounds: less is always possible.",
    .size = sizeof(Workload),
    .fields = workload_fields,
};

Status workload_read(Arena *arena, const char *path, Workload *workload, Diag *diag) {
    return workload_read_with(arena, path, NULL, workload, diag);
}

Status workload_read_with(Arena *arena, const char *path, const OverrideList *settings,
                          Workload *workload, Diag *diag) {
    YamlNode *root;
    if (path)
        TRY(yaml_read(arena, path, yaml_config_limits, &root, diag));
    else
        TRY(yaml_parse(arena, "workload", "{}", 2, yaml_config_limits, &root, diag));
    TRY(override_apply(arena, settings, OVERRIDE_WORKLOAD, root, diag));
    return schema_read(&workload_schema, root, workload, arena, diag);
}

void workload_complete(Workload *workload, const Model *model) {
    if (workload->context == 0)
        workload->context =
            model->max_positions < CONTEXT_USUAL ? model->max_positions : CONTEXT_USUAL;
    if (workload->prefill == 0)
        workload->prefill =
            workload->context < CONTEXT_USUAL ? (workload->context + 1) / 2 : CONTEXT_USUAL / 2;
}

Status workload_check(const Workload *workload, const Model *model, DiagPlace place, Diag *diag) {
    Status status = STATUS_OK;
    if (workload->prefill > workload->context)
        status = diag_error(diag, place, "E0402", "make context at least prefill",
                            "prefill %lld is over context %lld", (long long)workload->prefill,
                            (long long)workload->context);
    if (workload->context > model->max_positions)
        status =
            diag_error(diag, place, "E0402", "make context smaller",
                       "context %lld is over the %lld positions of model %s",
                       (long long)workload->context, (long long)model->max_positions, model->name);
    return status;
}
