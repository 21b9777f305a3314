/* planner_decisions: see planner_decisions.h. It must not know whether a process or a function
 * returned them. */
#include "plan/planner_decisions.h"

Status planner_decisions(Arena *arena, const char *strategy, const char *json, size_t length,
                         Plan *plan, YamlNode **root, Diag *diag) {
    const char *name = arena_printf(arena, "plan returned by %s", strategy);
    PlanInputs inputs = plan->inputs;
    TRY(yaml_parse(arena, name, json, length, yaml_plan_limits, root, diag));
    Status status = schema_read(&plan_decisions_schema, *root, plan, arena, diag);
    plan->inputs = inputs;
    plan->schema_version = PLAN_SCHEMA_VERSION;
    return status;
}
