/* planner_options: the options that a strategy declares, read from the text that a user wrote.
 * Internal to the planner; runs in its child. */
#pragma once

#include "base/sandbox.h"

/* `text` is "key=value,key=value" or NULL. Reads the `options` of the strategy module at `module`
 * and pushes a table of all options: defaults, then what the user wrote. Pushes nothing on failure. A choice
 * with a `folder` may also be the name of a Lua file of that folder, under the share folder for one.
 * Errors: E0463 the declaration is off, E0465 unknown option, E0466 a value that does not fit. May
 * raise Lua errors (memory). */
Status planner_options(const Sandbox *sandbox, int module, const char *strategy, const char *text,
                       Diag *diag);
