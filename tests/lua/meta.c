/* Prints lua/meta/plan.lua: the types of what a strategy is given, what it returns, and what it may ask, for
 * editors that read LuaLS annotations. Made from the schemas; the target lua-meta rewrites the
 * file, a test compares. */
#include "plan/plan.h"

/* What a strategy's third argument is, which no schema declares (gen/plan/planner_price.c). */
static const char price_types[] =
    "---Seconds of a prefill of the whole batch and of a decode step.\n"
    "---@class PlanTimes\n"
    "---@field prefill number [s]\n"
    "---@field tpot number [s]\n"
    "\n"
    "---What a plan costs, or why it cannot be priced: its own times are the expected ones.\n"
    "---@class PlanPrice: PlanTimes\n"
    "---@field ok boolean\n"
    "---@field reason string? where ok is false; all other fields are absent then\n"
    "---@field low PlanTimes if nothing were ever inefficient\n"
    "---@field high PlanTimes a pessimistic case\n"
    "---@field memory number? share of the fullest GPU's memory that is used; where over 1, ok is "
    "false\n"
    "\n"
    "---The third argument of a strategy's plan function. It takes what plan functions return: a "
    "plan, or nil\n"
    "---and a reason. Plans that do not fit memory or whose ranks wait for each other are "
    "refused.\n"
    "---@alias PriceFunction fun(plan: table?, reason: string?): PlanPrice\n"
    "\n";

int main(void) {
    Buf out = {0};
    buf_puts(&out,
             "---@meta\n"
             "--- Types of plans and inputs, made by the target lua-meta from the schemas. Do not "
             "edit.\n"
             "--- Where a plan holds a Range, a strategy may also return {begin, end}.\n\n");
    schema_lua_types(&model_schema, &out);
    schema_lua_types(&topology_schema, &out);
    schema_lua_types(&workload_schema, &out);
    schema_lua_types(&plan_decisions_schema, &out);
    buf_puts(&out, price_types);
    out.length -= 1; /* the empty line after the last class */
    fwrite(out.data, 1, out.length, stdout);
    buf_free(&out);
    return 0;
}
