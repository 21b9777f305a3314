/* plant: puts a text at every text field of a plan, found through the schema, for the tests of hostile names.
 *
 * usage: plant PLAN TEXT          the plan with the text everywhere, digests made to fit, on stdout; the number of
 *                                 fields on stderr
 *        plant --settings SCHEMA  a path of --set for each text field of model, topology or workload that --set takes
 */
#include "plan/plan_digest.h"

#include <stdlib.h>
#include <string.h>

static int64_t planted;

/* Names that become paths and identifiers are plain, and digests are numbers: a hostile one is refused. */
static bool is_plain(const Schema *schema, const Field *field) {
    const char *name = field->name;
    size_t length = strlen(name);
    return (schema == &plan_schema && strcmp(name, "name") == 0) ||
           (strcmp(schema->name, "PlanStep") == 0 && strcmp(name, "name") == 0) ||
           (length > 7 && strcmp(name + length - 7, "_digest") == 0);
}

static void plant(Arena *arena, const Schema *schema, void *object, const char *text) {
    for (const Field *field = schema->fields; field->name; field++) {
        void *at = (char *)object + field->offset;
        if (field->type == FIELD_TEXT && !is_plain(schema, field)) {
            *(const char **)at = text;
            planted++;
        } else if (field->type == FIELD_OBJECT) {
            plant(arena, field->of, at, text);
        } else if (field->type == FIELD_LIST) {
            const LIST_OF(char) *list = at;
            for (int64_t i = 0; i < list->count; i++)
                plant(arena, field->of, list->items + (size_t)i * field->of->size, text);
        }
    }
}

static int plant_plan(const char *path, const char *text) {
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    Buf out = {0};
    Plan plan;
    if (plan_read(&arena, path, &plan, &diag) != STATUS_OK) {
        diag_render(&diag, stderr);
        return 1;
    }
    plant(&arena, &plan_schema, &plan, text);
    plan_digest_inputs(&arena, &plan.inputs);
    plan_write(&plan, &out);
    fwrite(out.data, 1, out.length, stdout);
    fprintf(stderr, "%lld\n", (long long)planted);
    buf_free(&out);
    arena_free(&arena);
    return 0;
}

static void list(const Schema *schema, const char *prefix) {
    for (const Field *field = schema->fields; field->name; field++) {
        char path[256];
        snprintf(path, sizeof path, "%s.%s", prefix, field->name);
        if (field->type == FIELD_TEXT)
            printf("%s\n", path);
        else if (field->type == FIELD_OBJECT)
            list(field->of, path);
        else if (field->type == FIELD_LIST && schema == &topology_schema) {
            strncat(path, "[0]", sizeof path - strlen(path) - 1);
            list(field->of, path);
        }
    }
}

int main(int count, char **arguments) {
    if (count != 3) {
        fprintf(stderr, "usage: plant PLAN TEXT | plant --settings model|topology|workload\n");
        return 2;
    }
    if (strcmp(arguments[1], "--settings") != 0)
        return plant_plan(arguments[1], arguments[2]);
    const char *name = arguments[2];
    list(strcmp(name, "model") == 0      ? &model_schema
         : strcmp(name, "topology") == 0 ? &topology_schema
                                         : &workload_schema,
         name);
    return 0;
}
