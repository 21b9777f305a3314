/* sandbox_lib: the functions that replace Lua's own where those depend on addresses, hashing,
 * locale or an unstable sort, and the allow-list of the rest. Internal to sandbox. It knows nothing
 * of files. */
#pragma once

#include <lua.h>

/* Open the libraries, leave only what is allowed, put in the replacements. Raises Lua errors. */
void sandbox_lib_open(lua_State *lua);

/* Push the text of a value without addresses: tables, functions and the like give their type's name
 * unless they have __tostring. */
const char *sandbox_lib_text(lua_State *lua, int index);
