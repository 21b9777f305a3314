/* template: compiles a template to Lua, a line for a line, and runs it. See the header. */
#include "emit/template.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

typedef struct Compiler {
    const DiagSource *source;
    Buf *lua;
    Diag *diag;
    int64_t line;
} Compiler;

/* --- text to Lua ------------------------------------------------------------------------------------ */

/* `length` bytes as a Lua string literal that holds no line break. */
static void write_literal(Buf *lua, const char *text, size_t length) {
    buf_putc(lua, '"');
    for (size_t i = 0; i < length; ++i) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            buf_printf(lua, "\\%c", c);
        else if (c < 32 || c == 127)
            buf_printf(lua, "\\%03d", c);
        else
            buf_putc(lua, (char)c);
    }
    buf_putc(lua, '"');
}

/* The Lua of a control line, or NULL if this is a line of text. */
static const char *control(const char *line, size_t *length) {
    static const char *const marks[] = {"//%", "#%", "<!--%"};
    const char *end = line + *length, *at = line;
    while (at < end && *at == ' ')
        ++at;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; ++i) {
        size_t mark = strlen(marks[i]);
        if ((size_t)(end - at) < mark || strncmp(at, marks[i], mark) != 0)
            continue;
        at += mark;
        if (marks[i][0] == '<' && end - at >= 3 && strncmp(end - 3, "-->", 3) == 0)
            end -= 3;
        *length = (size_t)(end - at);
        return at;
    }
    return NULL;
}

/* The parenthesis that closes the one at `open`, or NULL. */
static const char *closing(const char *open, const char *end) {
    int depth = 0;
    for (const char *at = open; at < end; ++at) {
        depth += *at == '(' ? 1 : *at == ')' ? -1 : 0;
        if (depth == 0)
            return at;
    }
    return NULL;
}

/* A line of text: put("text", "expression", (expression), ..., "text\n"). */
static Status compile_text(Compiler *compiler, const char *line, const char *end, bool ends) {
    Buf *lua = compiler->lua;
    const char *at = line;
    buf_puts(lua, "put(");
    for (;;) {
        const char *mark = at;
        while (mark + 1 < end && !(mark[0] == '$' && mark[1] == '('))
            ++mark;
        if (mark + 1 >= end)
            break;
        const char *close = closing(mark + 1, end);
        if (!close) {
            DiagPlace place = {.source = compiler->source,
                               .line = compiler->line,
                               .column = mark - line + 1,
                               .width = 2};
            return diag_error(compiler->diag, place, "E0701",
                              "close the parenthesis on the same line",
                              "the expression of $( does not end");
        }
        write_literal(lua, at, (size_t)(mark - at));
        buf_puts(lua, ", ");
        write_literal(lua, mark + 2, (size_t)(close - mark - 2));
        buf_puts(lua, ", (");
        buf_append(lua, mark + 2, (size_t)(close - mark - 2));
        buf_puts(lua, "), ");
        at = close + 1;
    }
    write_literal(lua, at, (size_t)(end - at) + (ends ? 1 : 0)); /* with its line break */
    buf_putc(lua, ')');
    return STATUS_OK;
}

static Status compile(Compiler *compiler, const char *text, size_t length) {
    const char *end = text + length;
    buf_puts(compiler->lua, "return function(put, view) ");
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline ? newline : end;
        size_t size = (size_t)(stop - text);
        const char *code = control(text, &size);
        ++compiler->line;
        if (code)
            buf_append(compiler->lua, code, size);
        else
            TRY(compile_text(compiler, text, stop, newline != NULL));
        buf_putc(compiler->lua, '\n');
        text = newline ? newline + 1 : end;
    }
    buf_puts(compiler->lua, "end\n");
    return STATUS_OK;
}

/* --- running ------------------------------------------------------------------------------------------ */

/* put(text, expression, value, ..., text): strings and integers only, so that neither nil, a float nor a
 * table's address ever becomes part of a program. Upvalue 1: the Buf. */
static int put(lua_State *lua) {
    Buf *out = lua_touserdata(lua, lua_upvalueindex(1));
    int count = lua_gettop(lua);
    for (int i = 1; i <= count; ++i) {
        size_t length;
        if (i % 3 == 2)
            continue;
        if (i % 3 == 0 && lua_type(lua, i) != LUA_TSTRING && !lua_isinteger(lua, i))
            return luaL_error(
                lua, "$(%s) is %s, neither a string nor an integer", lua_tostring(lua, i - 1),
                lua_type(lua, i) == LUA_TNUMBER ? "a real number" : luaL_typename(lua, i));
        const char *text = lua_tolstring(lua, i, &length);
        buf_append(out, text, length);
    }
    return 0;
}

/* A syntax error was told with the Lua made of the template: same name and line, but not what was written. */
static void quote_template(Diag *diag, const DiagSource *source) {
    DiagMessage *message = diag->count ? &diag->messages[diag->count - 1] : NULL;
    if (message && message->place.source && strcmp(message->place.source->name, source->name) == 0)
        message->place.source = source;
}

Status template_render_text(Sandbox *sandbox, Arena *scratch, const char *name, const char *text,
                            size_t length, Buf *out, Diag *diag) {
    lua_State *lua = sandbox->lua;
    DiagSource *source = ARENA_NEW(diag->arena, DiagSource);
    *source =
        (DiagSource){arena_strdup(diag->arena, name), arena_strndup(diag->arena, text, length)};
    Buf code = {0};
    Compiler compiler = {source, &code, diag, 0};
    Status status = compile(&compiler, text, length);
    if (status == STATUS_OK)
        status = sandbox_run_text(sandbox, name, arena_strndup(scratch, code.data, code.length),
                                  code.length, diag);
    buf_free(&code);
    if (status != STATUS_OK) {
        quote_template(diag, source);
        lua_pop(lua, 1);
        return status;
    }
    sandbox->chunk = *source; /* errors quote the template, not the Lua made of it */
    lua_pushlightuserdata(lua, out);
    lua_pushcclosure(lua, put, 1);
    lua_rotate(lua, -3, 2); /* view, function, put -> function, put, view */
    return sandbox_call(sandbox, 2, 0, diag);
}

Status template_render(Sandbox *sandbox, Arena *scratch, const char *name, Buf *out, Diag *diag) {
    size_t length;
    const char *text = sandbox_file(sandbox, name, &length);
    if (!text) {
        lua_pop(sandbox->lua, 1);
        return diag_error(diag, diag_nowhere(), "E0701", NULL, "there is no template %s", name);
    }
    return template_render_text(sandbox, scratch, name, text, length, out, diag);
}
