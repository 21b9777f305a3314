/* Prints lua/meta/plan.lua: the types of what a strategy is given and of what it returns, for
 * editors that read LuaLS annotations. Made from the schemas; the target lua-meta rewrites the
 * file, a test compares. */
#include "plan/plan.h"

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
    out.length -= 1; /* the empty line after the last class */
    fwrite(out.data, 1, out.length, stdout);
    buf_free(&out);
    return 0;
}
