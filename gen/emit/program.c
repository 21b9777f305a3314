/* program: the files of a program, in the order that lua/emit/program.lua lists them. Texts are rendered in
 * memory one at a time; the directory appears whole or not at all. */
#include "emit/program.h"

#include "base/fs.h"
#include "base/sandbox.h"
#include "emit/program_view.h"
#include "emit/template.h"
#include "schedule/certificate.h"

#include <string.h>

#define EMIT_MARKER                                                                                \
    "plan.json" /* a directory that has one is a program of ours, and may be replaced */
#define EMIT_FILES "lua/emit/program.lua"

static const char *const emit_keep[] = {"build", "weights.map", NULL};

static Status add_text(FsTree *tree, const char *name, const Buf *text, Diag *diag) {
    return fs_tree_add(tree, name, text->data ? text->data : "", text->length, diag);
}

/* Render item `index` of the list on top of the stack: {path, template, view}. */
static Status emit_file(Arena *arena, Sandbox *sandbox, FsTree *tree, int64_t index, Diag *diag) {
    lua_State *lua = sandbox->lua;
    Buf text = {0};
    lua_rawgeti(lua, -1, index);
    lua_getfield(lua, -1, "path");
    const char *path = arena_strdup(arena, lua_tostring(lua, -1));
    lua_getfield(lua, -2, "template");
    const char *template = arena_strdup(arena, lua_tostring(lua, -1));
    lua_pop(lua, 2);
    lua_getfield(lua, -1, "view");
    Status status = template_render(sandbox, arena, template, &text, diag);
    lua_pop(lua, 1);
    if (status == STATUS_OK)
        status = add_text(tree, path, &text, diag);
    buf_free(&text);
    return status;
}

/* The reason is on top of the stack. */
static Status refuse_target(lua_State *lua, const EmitOptions *options, Diag *diag) {
    const char *target = options->target.name ? options->target.name : "host";
    diag_error(diag, diag_nowhere(), "E0715",
               "write a kernel (docs/writing-a-kernel.md), or make the program for another target",
               "a program for %s cannot be made of this plan: %s", target,
               arena_strdup(diag->arena, lua_tostring(lua, -1)));
    return STATUS_UNAVAILABLE;
}

static Status emit_sources(Arena *arena, Sandbox *sandbox, FsTree *tree, const Schedule *schedule,
                           const EmitOptions *options, const EmitDigests *digests, Diag *diag) {
    lua_State *lua = sandbox->lua;
    TRY(sandbox_run(sandbox, EMIT_FILES, diag)); /* a function: view to list of files */
    program_view_push(lua, schedule, options, digests);
    TRY(sandbox_call(sandbox, 1, 2, diag)); /* or nil and a reason */
    if (lua_isnil(lua, -2))
        return refuse_target(lua, options, diag);
    lua_pop(lua, 1);
    int64_t count = (int64_t)lua_rawlen(lua, -1);
    for (int64_t i = 1; i <= count; ++i)
        TRY(emit_file(arena, sandbox, tree, i, diag));
    lua_pop(lua, 1);
    return STATUS_OK;
}

/* What goes out is what the small checker is sure of, read back from the texts as whoever gets them reads them. */
static Status certify_texts(Arena *arena, const Buf *schedule, const char *certificate,
                            const char *name, const EmitDigests *digests, Diag *diag) {
    ArenaMark mark = arena_mark(arena);
    Schedule read;
    Certificate with;
    if (!certificate) {
        diag_error(diag, diag_nowhere(), "E0593", "gen check PLAN -o FILE makes one",
                   "a schedule without a certificate is not emitted");
        return STATUS_NEGATIVE;
    }
    TRY(schedule_parse(arena, "schedule.json", schedule->data, schedule->length, &read, diag));
    TRY(certificate_parse(arena, name ? name : "certificate.json", certificate, strlen(certificate),
                          &with, diag));
    TRY(certify(&read, digests->schedule, digests->plan, &with, diag));
    arena_rewind(arena, mark);
    return STATUS_OK;
}

static Status emit_data(FsTree *tree, const Buf *schedule, const char *certificate,
                        const char *prediction, const Buf *plan, Diag *diag) {
    TRY(add_text(tree, "schedule.json", schedule, diag));
    TRY(fs_tree_add(tree, "certificate.json", certificate, strlen(certificate), diag));
    TRY(add_text(tree, "plan.json", plan, diag));
    return fs_tree_add(tree, "prediction.json", prediction, strlen(prediction), diag);
}

Status emit_program(Arena *arena, const Schedule *schedule, const char *certificate_json,
                    const char *prediction_json, const char *dir, EmitOptions options, Diag *diag) {
    Sandbox sandbox = {0};
    FsTree *tree = NULL;
    Buf plan = {0}, text = {0};
    Status status;
    plan_write(schedule->plan, &plan);
    schedule_write(schedule, &text);
    EmitDigests digests = {.plan = plan_digest(arena, plan.data, plan.length),
                           .schedule = plan_digest(arena, text.data, text.length)};
    TRY_TO(certify_texts(arena, &text, certificate_json, options.certificate, &digests, diag),
           done);
    digests.certificate = plan_digest(arena, certificate_json, strlen(certificate_json));
    TRY_TO(sandbox_open(&sandbox, options.share, 0, diag), done);
    TRY_TO(fs_tree_begin(&tree, arena, dir, EMIT_MARKER, diag), done);
    TRY_TO(emit_data(tree, &text, certificate_json, prediction_json, &plan, diag), done);
    TRY_TO(emit_sources(arena, &sandbox, tree, schedule, &options, &digests, diag), done);
    TRY_TO(fs_tree_commit(tree, emit_keep, diag), done);
done:
    if (tree && status != STATUS_OK)
        fs_tree_abort(tree);
    buf_free(&plan);
    buf_free(&text);
    sandbox_close(&sandbox);
    return status;
}
