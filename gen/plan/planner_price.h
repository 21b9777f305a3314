/* planner_price: the one question that a strategy may ask, price(plan). It runs in the planner's
 * child. Internal to plan; what a plan costs is the callback's business. */
#pragma once

#include "base/buf.h"
#include "plan/planner_child.h"

#include <lua.h>

/* The scratch of a question. It is released when the next one begins, so that a Lua error in the
 * middle of one (a longjmp) leaves nothing behind for long. */
typedef struct PlannerQuestion {
    const PlannerJob *job;
    Arena arena;
    Buf text;
} PlannerQuestion;

/* Push the Lua function price, or nil where the job has nobody to ask. `question` must outlive the
 * state. */
void planner_price_push(lua_State *lua, PlannerQuestion *question);
