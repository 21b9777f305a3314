/* planner_decisions: what a strategy returned, as JSON, read as the decisions of a plan. The parent
 * reads a reply so, the child a plan that is asked about: one reader, one opinion. Internal to plan. */
#pragma once

#include "base/yaml.h"
#include "plan/plan.h"

/* Read into `plan`, whose inputs stay as they are. `*root` is for plan_validate. What is wrong is
 * recorded as it is found. Everything lies in the arena. */
Status planner_decisions(Arena *arena, const char *strategy, const char *json, size_t length,
                         Plan *plan, YamlNode **root, Diag *diag);
