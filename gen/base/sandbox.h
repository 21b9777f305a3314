/* sandbox: a Lua state that can hurt nobody: no files, clocks, processes or bytecode, no address-bearing
 * tostring, ordered pairs, stable sort, seeded random only, memory by a counting allocator. Used in the
 * forked child of a planner, and in-process for our own data files and templates. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/status.h"

#include <lua.h>
#include <stddef.h>

typedef struct Sandbox {
    lua_State *lua;
    const char *share;  /* directory that overrides embedded files, or NULL */
    size_t used, limit; /* bytes */
} Sandbox;

/* Open a state with the allow-listed libraries and `require` limited to embedded lua/ files (by the name
 * "lib.split", "orders.alternating", ...). `limit` bytes of memory, 0: none. */
Status sandbox_open(Sandbox *sandbox, const char *share, size_t limit, Diag *diag);
void sandbox_close(Sandbox *sandbox);

/* Text of an embedded file ("lua/families/mixtral.lua", "templates/host/norm.tmpl.c"), or of the file of
 * that name under share when it is there. NULL if there is none. */
const char *sandbox_file(const Sandbox *sandbox, const char *name, size_t *length);
/* Names of embedded files that begin with prefix, sorted, NULL-terminated. */
const char *const *sandbox_list(Arena *arena, const char *prefix);

/* Run a file and leave the single value that it returns on the stack. A Lua error becomes E0450 with file,
 * line and traceback. */
Status sandbox_run(Sandbox *sandbox, const char *name, Diag *diag);

/* Write the Lua value at `index` as JSON: arrays and objects told apart by keys, keys sorted, integers
 * and finite reals only; anything else is E0451 with its path in the value. */
Status sandbox_to_json(lua_State *lua, int index, Buf *out, Diag *diag);
