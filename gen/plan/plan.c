/* plan: reading and writing of plans, digests. What is read lies in the caller's arena. It must not
 * know what a plan leads to. */
#include "plan/plan.h"

#include "plan/plan_digest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int64_t plan_copy_batch(const Plan *plan) {
    return (plan->inputs.workload.batch + plan->copies - 1) / plan->copies;
}

int64_t plan_shared_expert(const Plan *plan) {
    return plan->inputs.model.experts;
}

bool plan_shares_with_experts(const Plan *plan) {
    for (int64_t s = 0; s < plan->stages.count; s++) {
        for (int64_t i = 0; i < plan->stages.items[s].experts.count; i++) {
            if (plan->stages.items[s].experts.items[i].expert == plan_shared_expert(plan)) {
                return true;
            }
        }
    }
    return false;
}

int64_t plan_experts(const Plan *plan) {
    return plan->inputs.model.experts + plan_shares_with_experts(plan);
}

int64_t plan_choices(const Plan *plan) {
    return plan->inputs.model.top_k + plan_shares_with_experts(plan);
}

const char *plan_digest(Arena *arena, const char *text, size_t length) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    }
    return arena_printf(arena, "%016" PRIx64, hash);
}

const char *plan_digest_object(Arena *arena, const Schema *schema, const void *object) {
    Buf text = {0};
    Jsonw json;
    jsonw_begin(&json, &text);
    schema_write(schema, object, &json);
    jsonw_finish(&json);
    const char *digest = plan_digest(arena, text.data, text.length);
    buf_free(&text);
    return digest;
}

void plan_digest_inputs(Arena *arena, PlanInputs *inputs) {
    inputs->model_digest = plan_digest_object(arena, &model_schema, &inputs->model);
    inputs->topology_digest = plan_digest_object(arena, &topology_schema, &inputs->topology);
    inputs->workload_digest = plan_digest_object(arena, &workload_schema, &inputs->workload);
}

void plan_write(const Plan *plan, Buf *out) {
    Jsonw json;
    jsonw_begin(&json, out);
    schema_write(&plan_schema, plan, &json);
    jsonw_finish(&json);
}

/* The version comes first: fields of another version would only be noise. */
static Status check_version(const YamlNode *root, Diag *diag) {
    const YamlNode *version = root->kind == YAML_MAPPING ? yaml_get(root, "schema_version") : NULL;
    if (!version || version->kind != YAML_SCALAR) {
        return diag_error(diag, root->place, "E0501", "make one with gen plan",
                          "this is no plan: it has no schema_version");
    }
    if (strtoll(version->text, NULL, 10) != PLAN_SCHEMA_VERSION) {
        return diag_error(diag, version->place, "E0501", "plan again with this gen",
                          "the plan has schema version %s, this gen reads %d", version->text,
                          PLAN_SCHEMA_VERSION);
    }
    return STATUS_OK;
}

static Status check_digest(const YamlNode *inputs, const char *name, const char *written,
                           const char *computed, Diag *diag) {
    if (strcmp(written, computed) == 0) {
        return STATUS_OK;
    }
    const YamlNode *node = yaml_get(inputs, name);
    return diag_error(diag, node->place, "E0502",
                      "plan again, or write the digest of the input as it stands",
                      "%s is %s, but the input has %s", name, written, computed);
}

static Status check_digests(Arena *arena, const YamlNode *root, const PlanInputs *written,
                            Diag *diag) {
    const YamlNode *node = yaml_get(root, "inputs");
    PlanInputs computed = *written;
    plan_digest_inputs(arena, &computed);
    TRY(check_digest(node, "model_digest", written->model_digest, computed.model_digest, diag));
    TRY(check_digest(node, "topology_digest", written->topology_digest, computed.topology_digest,
                     diag));
    return check_digest(node, "workload_digest", written->workload_digest, computed.workload_digest,
                        diag);
}

/* A plan can be edited: what the readers of its inputs demand holds here too. */
static Status check_inputs(const YamlNode *root, const PlanInputs *inputs, Diag *diag) {
    const YamlNode *node = yaml_get(root, "inputs");
    TRY(model_check(&inputs->model, yaml_get(node, "model"), diag));
    TRY(topology_check(&inputs->topology, yaml_get(node, "topology"), diag));
    return workload_check(&inputs->workload, &inputs->model, yaml_get(node, "workload")->place,
                          diag);
}

Status plan_read(Arena *arena, const char *path, Plan *plan, Diag *diag) {
    YamlNode *root;
    TRY(yaml_read(arena, path, yaml_plan_limits, &root, diag));
    TRY(check_version(root, diag));
    TRY(schema_read(&plan_schema, root, plan, arena, diag));
    workload_complete(&plan->inputs.workload, &plan->inputs.model);
    TRY(check_digests(arena, root, &plan->inputs, diag));
    TRY(plan_validate(plan, root, diag));
    return check_inputs(root, &plan->inputs, diag);
}
