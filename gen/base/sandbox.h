/* sandbox: a Lua state that can hurt nobody: no files, clocks, processes or bytecode, no
 * address-bearing tostring, ordered pairs, stable sort, no randomness, memory by a counting
 * allocator. Used in the forked child of a planner, and in-process for our own data files and
 * templates. Globals are strict: reading or assigning one that is not there is an error
 * (sandbox_set_global adds some).
 *
 * A Sandbox must stay where it was opened: its allocator holds its address. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/status.h"

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct Sandbox {
    lua_State *lua;
    const char *share;  /* directory that overrides embedded files, or NULL */
    size_t used, limit; /* bytes */
    size_t refused;     /* bytes that the system did not give when last asked; 0: it always did */
    bool opening;       /* its first block is still to be allocated */
    void *unseeded;     /* that block, until the next */
    Arena *files;       /* texts read from share; owned */
    DiagSource chunk;   /* text given to sandbox_run_text, for messages; not owned */
} Sandbox;

/* Open a state with the allow-listed libraries and `require` limited to embedded lua/ files (by the
 * name "lib.split", "orders.alternating", ...). `limit` bytes of memory, 0: none. */
Status sandbox_open(Sandbox *sandbox, const char *share, size_t limit, Diag *diag);
void sandbox_close(Sandbox *sandbox);

/* Text of an embedded file ("lua/families/mixtral.lua", "templates/host/norm.tmpl.c"), or of the
 * file of that name under share when it is there. NULL if there is none. Lives as long as the
 * sandbox. */
const char *sandbox_file(const Sandbox *sandbox, const char *name, size_t *length);
/* Names of embedded files that begin with prefix, sorted, NULL-terminated. */
const char *const *sandbox_list(Arena *arena, const char *prefix);

/* Run a file and leave the single value that it returns on the stack. A Lua error becomes E0450
 * with file, line and traceback; too much memory E0462. Nothing is left on the stack then. */
Status sandbox_run(Sandbox *sandbox, const char *name, Diag *diag);
/* The same for text at hand, which must outlive the sandbox; `name` is the chunk's in messages. */
Status sandbox_run_text(Sandbox *sandbox, const char *name, const char *text, size_t length,
                        Diag *diag);
/* lua_pcall of the function and its arguments on the stack, with errors told as by sandbox_run. */
Status sandbox_call(Sandbox *sandbox, int arguments, int results, Diag *diag);

/* Pop a value and make it a global. lua_setglobal would be refused, as it is for Lua code. */
void sandbox_set_global(Sandbox *sandbox, const char *name);

/* Write the Lua value at `index` as JSON: arrays and objects told apart by keys (a table without
 * keys is an empty array; one of just begin and finish is a range, [begin, finish]), keys sorted,
 * integers and finite reals only; anything else is E0451 with its path in the value. Raises no Lua
 * error unless memory is limited. */
Status sandbox_to_json(lua_State *lua, int index, Buf *out, Diag *diag);
