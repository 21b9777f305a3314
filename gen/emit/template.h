/* template: the logic-light template engine. A line that begins with //%, #% or <!--% is Lua; in all other
 * lines $(expression) inserts a string or an integer. One template line becomes one line of Lua, so
 * that every error cites the template. Memory: the compiled Lua lies in `scratch` and in the
 * sandbox. It knows nothing of what is emitted. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/sandbox.h"

/* Render the embedded file `name` ("templates/program/role.tmpl.c") with the table on top of the Lua stack,
 * which the template sees as `view`; the table is popped, also on failure. Text is appended to `out`.
 * Errors: E0701 an unfinished $( or no such template, E0450 what Lua says, at the template's line. */
Status template_render(Sandbox *sandbox, Arena *scratch, const char *name, Buf *out, Diag *diag);

/* The same for text at hand. */
Status template_render_text(Sandbox *sandbox, Arena *scratch, const char *name, const char *text,
                            size_t length, Buf *out, Diag *diag);
