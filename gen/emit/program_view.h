/* program_view: the schedule as Lua tables, without arranging anything. Internal to emission. */
#pragma once

#include "emit/program.h"

#include <lua.h>

/* Of the texts of plan.json, schedule.json and certificate.json. */
typedef struct EmitDigests {
    const char *plan, *schedule, *certificate;
} EmitDigests;

/* Push one table: target, names, model, kinds, steps, roles, ranks, nodes, channels, exchanges, routes. Ids count from 0 as
 * in C, arrays from 1 as in Lua. Raises a Lua error only where memory ends. */
void program_view_push(lua_State *lua, const Schedule *schedule, const EmitOptions *options,
                       const EmitDigests *digests);
