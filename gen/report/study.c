/* study: see study.h. The Lua file is ours (or of --share) and runs in the sandbox under a memory limit; what it
 * returns goes through JSON and the schema like any input. */
#include "report/study_schema.h"

#include <string.h>

enum { LUA_LIMIT = 256 << 20 };

const char *const *study_names(Arena *arena) {
    static const char folder[] = "claims/", end[] = ".yaml";
    const char *const *files = sandbox_list(arena, folder);
    LIST_OF(const char *) names = {0};
    for (; *files; files++)
        *(const char **)LIST_PUSH(arena, &names) = arena_strndup(
            arena, *files + strlen(folder), strlen(*files) - strlen(folder) - strlen(end));
    LIST_PUSH(arena, &names);
    return names.items;
}

StudyPoint *study_point(const Study *study, const char *id) {
    for (int64_t i = 0; i < study->points.count; i++)
        if (strcmp(study->points.items[i].id, id) == 0)
            return &study->points.items[i];
    return NULL;
}

/* --- what a study names must be there ----------------------------------------------------------------- */

static Status broken(Diag *diag, const char *format, const char *what) {
    diag_error(diag, diag_nowhere(), "E0441", NULL, format, what);
    return STATUS_SOFTWARE;
}

static Status check_claims(const Study *study, const TextList *ids, Diag *diag) {
    for (int64_t i = 0; i < ids->count; i++)
        if (*ids->items[i] && !claims_find(&study->claims, ids->items[i], NULL))
            return broken(diag, "the study names a claim '%s' that there is not", ids->items[i]);
    return STATUS_OK;
}

static Status check_points(const Study *study, const TextList *ids, Diag *diag) {
    for (int64_t i = 0; i < ids->count; i++)
        if (!study_point(study, ids->items[i]))
            return broken(diag, "the study names a point '%s' that there is not", ids->items[i]);
    return STATUS_OK;
}

static Status check_row(const Study *study, const StudyTable *table, const StudyRow *row,
                        Diag *diag) {
    int64_t columns = table->columns.count;
    bool ratio = row->as != STUDY_VALUE;
    if (row->points.count != columns || (ratio && row->versus.count != columns) ||
        (row->claims.count > 1 && row->claims.count != columns) ||
        (row->scales.count > 0 && row->scales.count != columns))
        return broken(diag, "a row of table %s has not as many items as the table has columns",
                      table->id);
    if (point_metric(row->metric) == POINT_METRIC_COUNT)
        return broken(diag, "the study names a figure '%s' that there is not", row->metric);
    TRY(check_points(study, &row->points, diag));
    TRY(check_points(study, &row->versus, diag));
    return check_claims(study, &row->claims, diag);
}

static Status check_study(const Study *study, Diag *diag) {
    for (int64_t t = 0; t < study->tables.count; t++)
        for (int64_t r = 0; r < study->tables.items[t].rows.count; r++)
            TRY(check_row(study, &study->tables.items[t], &study->tables.items[t].rows.items[r],
                          diag));
    for (int64_t i = 0; i < study->checks.count; i++)
        TRY(check_claims(study, &study->checks.items[i].uses, diag));
    for (int64_t i = 0; i < study->untold.count; i++)
        TRY(check_claims(study, &study->untold.items[i].claims, diag));
    return STATUS_OK;
}

/* --- reading ------------------------------------------------------------------------------------------- */

/* Push claims by id, as numbers in their units. */
static void push_claims(lua_State *lua, const Claims *claims) {
    lua_newtable(lua);
    for (int64_t g = 0; g < claims->groups.count; g++)
        for (int64_t v = 0; v < claims->groups.items[g].values.count; v++) {
            lua_pushnumber(lua, claims->groups.items[g].values.items[v].value);
            lua_setfield(lua, -2, claims->groups.items[g].values.items[v].id);
        }
}

/* The table that function `study` of the module returns, as JSON. */
static Status ask(Sandbox *sandbox, const char *file, const Claims *claims, Buf *text, Diag *diag) {
    lua_State *lua = sandbox->lua;
    TRY(sandbox_run(sandbox, file, diag));
    if (!lua_istable(lua, -1))
        return broken(diag, "%s returns no table", file);
    lua_pushliteral(lua, "study");
    lua_rawget(lua, -2);
    if (!lua_isfunction(lua, -1))
        return broken(diag, "%s has no function study", file);
    push_claims(lua, claims);
    TRY(sandbox_call(sandbox, 1, 1, diag));
    return sandbox_to_json(lua, -1, text, diag);
}

static Status read_study(Arena *arena, Sandbox *sandbox, const char *name, Study *study, Buf *text,
                         Diag *diag) {
    Claims claims;
    YamlNode *root;
    const char *file = arena_printf(arena, "lua/studies/%s.lua", name);
    TRY(claims_read(arena, sandbox, name, &claims, diag));
    TRY(ask(sandbox, file, &claims, text, diag));
    TRY(yaml_parse(arena, file, text->data, text->length, yaml_plan_limits, &root, diag));
    TRY(schema_read(&study_schema, root, study, arena, diag));
    study->claims = claims;
    return check_study(study, diag);
}

Status study_read(Arena *arena, const char *share, const char *name, Study *study, Diag *diag) {
    Sandbox sandbox;
    Buf text = {0};
    *study = (Study){0};
    TRY(sandbox_open(&sandbox, share, LUA_LIMIT, diag));
    Status status = read_study(arena, &sandbox, name, study, &text, diag);
    sandbox_close(&sandbox);
    buf_free(&text);
    return status;
}
