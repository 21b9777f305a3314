/* planner_price: see planner_price.h. A plan is read exactly as one that is returned. Nothing is
 * kept from one question to the next. */
#include "plan/planner_price.h"

#include "base/sandbox.h"
#include "plan/planner_decisions.h"

#include <lauxlib.h>

static const char *const case_names[PLANNER_CASES] = {"low", "expected", "high"};

/* From the Lua table at 1 to its price. */
static Status ask(lua_State *lua, PlannerQuestion *question, PlannerPrice *price, Diag *diag) {
    const PlannerJob *job = question->job;
    Plan *plan = ARENA_NEW(&question->arena, Plan);
    YamlNode *root;
    plan->inputs = *job->inputs;
    TRY(sandbox_to_json(lua, 1, &question->text, diag));
    TRY(planner_decisions(&question->arena, job->strategy, question->text.data,
                          question->text.length, plan, &root, diag));
    plan->name = planner_program_name(&question->arena, plan->inputs.model.name, job->strategy);
    plan->strategy = job->strategy;
    TRY(plan_validate(plan, root, diag));
    return job->price(job->context, &question->arena, plan, price, diag);
}

static void push_times(lua_State *lua, const PlannerPrice *price, int at) {
    lua_pushnumber(lua, price->prefill[at]);
    lua_setfield(lua, -2, "prefill");
    lua_pushnumber(lua, price->tpot[at]);
    lua_setfield(lua, -2, "tpot");
}

static int push_price(lua_State *lua, const PlannerPrice *price) {
    lua_createtable(lua, 0, 6);
    lua_pushboolean(lua, 1);
    lua_setfield(lua, -2, "ok");
    push_times(lua, price, PLANNER_EXPECTED);
    for (int at = 0; at < PLANNER_CASES; at += 2) {
        lua_createtable(lua, 0, 2);
        push_times(lua, price, at);
        lua_setfield(lua, -2, case_names[at]);
    }
    lua_pushnumber(lua, price->memory);
    lua_setfield(lua, -2, "memory");
    return 1;
}

/* A strategy may look for a plan that takes less where it is told that memory was the reason. */
static int push_refusal(lua_State *lua, const char *reason, double memory) {
    lua_createtable(lua, 0, 3);
    lua_pushboolean(lua, 0);
    lua_setfield(lua, -2, "ok");
    lua_pushstring(lua, reason);
    lua_setfield(lua, -2, "reason");
    if (memory > 1) {
        lua_pushnumber(lua, memory);
        lua_setfield(lua, -2, "memory");
    }
    return 1;
}

/* price(plan) or price(nil, reason), as plan functions return. */
static int price(lua_State *lua) {
    PlannerQuestion *question = lua_touserdata(lua, lua_upvalueindex(1));
    if (lua_isnoneornil(lua, 1)) {
        return push_refusal(lua, luaL_optstring(lua, 2, "there is no plan"), 0);
    }
    luaL_checktype(lua, 1, LUA_TTABLE);
    arena_free(&question->arena);
    buf_clear(&question->text);
    Diag diag = {.arena = &question->arena};
    PlannerPrice answer = {0};
    Status status = ask(lua, question, &answer, &diag);
    if (status == STATUS_OK) {
        return push_price(lua, &answer);
    }
    return push_refusal(lua, diag.count > 0 ? diag.messages[0].text : "no reason is known",
                        answer.memory);
}

void planner_price_push(lua_State *lua, PlannerQuestion *question) {
    if (!question->job->price) {
        lua_pushnil(lua);
        return;
    }
    lua_pushlightuserdata(lua, question);
    lua_pushcclosure(lua, price, 1);
}
