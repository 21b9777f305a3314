/* sweep_key: what is varied and by whom it is planned, from text. See sweep.h. */
#include "report/sweep.h"

#include "base/number.h"
#include "input/topology.h"
#include "input/workload.h"

#include <string.h>

static Status usage(Diag *diag, DiagPlace place, const char *code, const char *help,
                    const char *format, const char *what) {
    diag_error(diag, place, code, help, format, what);
    return STATUS_USAGE;
}

/* --- strategies --------------------------------------------------------------------------------------- */

static bool begins_strategy(const char *part) {
    const char *equals = strchr(part, '='), *colon = strchr(part, ':');
    return !equals || (colon && colon < equals);
}

Status sweep_strategies(Arena *arena, const char *text, Sweep *sweep, Diag *diag) {
    char *rest = arena_strdup(arena, text);
    for (char *part = strsep(&rest, ","); part; part = strsep(&rest, ",")) {
        TextList *list = &sweep->strategies;
        if (list->count == 0 || begins_strategy(part)) {
            *(const char **)LIST_PUSH(arena, list) = part;
        } else {
            const char **last = &list->items[list->count - 1];
            *last = arena_printf(arena, "%s%c%s", *last, strchr(*last, ':') ? ',' : ':', part);
        }
    }
    sweep->options = ARENA_ARRAY(arena, sweep->strategies.count, TextList);
    for (int64_t i = 0; i < sweep->strategies.count; i++) {
        PlannerRequest request = {.strategy = sweep->strategies.items[i],
                                  .share = sweep->base.share};
        TRY(planner_option_names(arena, &request, &sweep->options[i], diag));
    }
    return STATUS_OK;
}

static bool is_option(const Sweep *sweep, const char *name) {
    for (int64_t s = 0; s < sweep->strategies.count; s++)
        for (int64_t i = 0; i < sweep->options[s].count; i++)
            if (strcmp(sweep->options[s].items[i], name) == 0)
                return true;
    return false;
}

/* --- keys ---------------------------------------------------------------------------------------------- */

static const char *const shorthands[] = {"gpus", "nics", NULL};

static Status unknown_key(Arena *arena, const Sweep *sweep, const char *key, DiagPlace place,
                          Diag *diag) {
    static const Schema *const schemas[] = {&workload_schema, &model_schema, &topology_schema};
    LIST_OF(const char *) names = {0};
    for (const char *const *name = shorthands; *name; name++)
        *(const char **)LIST_PUSH(arena, &names) = *name;
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++)
        for (const Field *field = schemas[i]->fields; field->name; field++)
            *(const char **)LIST_PUSH(arena, &names) = field->name;
    for (int64_t s = 0; s < sweep->strategies.count; s++)
        for (int64_t i = 0; i < sweep->options[s].count; i++)
            *(const char **)LIST_PUSH(arena, &names) = sweep->options[s].items[i];
    LIST_PUSH(arena, &names);
    const char *nearest = diag_nearest(key, names.items);
    return usage(diag, place, "E0924",
                 nearest ? arena_printf(arena, "did you mean %s?", nearest)
                         : "vary a key of model, topology or workload, an option of a strategy, "
                           "gpus or nics",
                 "there is no key '%s' to vary", key);
}

/* Whether the inputs have this key, and its path with the target before it. */
static Status input_key(Arena *arena, SweepKey *key, DiagPlace place, Diag *diag) {
    OverrideList list = {0};
    TRY(override_parse(arena, arena_printf(arena, "%s=%s", key->name, key->values.items[0]), place,
                       &list, diag));
    key->target = SWEEP_INPUT;
    key->path =
        arena_printf(arena, "%s.%s", override_targets[list.items[0].target], list.items[0].path);
    for (int64_t i = 1; i < key->values.count; i++)
        TRY(override_parse(arena, arena_printf(arena, "%s=%s", key->path, key->values.items[i]),
                           place, &list, diag));
    return STATUS_OK;
}

static Status whole_numbers(Arena *arena, const SweepKey *key, DiagPlace place, Diag *diag) {
    for (int64_t i = 0; i < key->values.count; i++) {
        int64_t value;
        bool overflow = false;
        if (!number_parse_int(key->values.items[i], &value, &overflow) || value < 1)
            return usage(diag, place, "E0917", "write whole numbers from 1",
                         "'%s' is no number in range", key->values.items[i]);
    }
    return STATUS_OK;
}

static Status resolve_key(Arena *arena, const Sweep *sweep, SweepKey *key, DiagPlace place,
                          Diag *diag) {
    static const char prefix[] = "strategy.";
    bool asked = strncmp(key->name, prefix, strlen(prefix)) == 0;
    const char *option = key->name + (asked ? strlen(prefix) : 0);
    key->target = SWEEP_STRATEGY;
    key->path = option;
    if (asked)
        return is_option(sweep, option) ? STATUS_OK
                                        : unknown_key(arena, sweep, option, place, diag);
    if (strcmp(key->name, "gpus") == 0 || strcmp(key->name, "nics") == 0) {
        key->target = *key->name == 'g' ? SWEEP_GPUS : SWEEP_INPUT;
        key->path = "topology.nodes[].nics"; /* of every kind */
        return whole_numbers(arena, key, place, diag);
    }
    Diag tried = {.arena = arena};
    bool path = strpbrk(key->name, ".[");
    SweepKey input = *key;
    Status status = input_key(arena, &input, place, &tried);
    bool known = !(tried.count > 0 && strcmp(tried.messages[0].code, "E0920") == 0);
    if (!path && is_option(sweep, key->name)) {
        if (!known)
            return STATUS_OK;
        return usage(diag, place, "E0924",
                     arena_printf(arena, "write %s or strategy.%s", input.path, key->name),
                     "inputs and strategies have a key '%s'", key->name);
    }
    if (!known && !path)
        return unknown_key(arena, sweep, key->name, place, diag);
    *key = input;
    return status == STATUS_OK ? STATUS_OK : input_key(arena, key, place, diag);
}

Status sweep_key(Arena *arena, const char *text, DiagPlace place, Sweep *sweep, Diag *diag) {
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1])
        return usage(diag, place, "E0923", "write KEY=VALUE,VALUE,...", "'%s' varies nothing",
                     text);
    SweepKey key = {.name = arena_strndup(arena, text, (size_t)(equals - text)), .place = place};
    char *rest = arena_strdup(arena, equals + 1);
    for (char *value = strsep(&rest, ","); value; value = strsep(&rest, ","))
        *(const char **)LIST_PUSH(arena, &key.values) = value;
    for (int64_t i = 0; i < sweep->keys.count; i++)
        if (strcmp(sweep->keys.items[i].name, key.name) == 0)
            return usage(diag, place, "E0915", "give all its values at once", "%s is varied twice",
                         key.name);
    TRY(resolve_key(arena, sweep, &key, place, diag));
    int64_t cells = key.values.count;
    for (int64_t i = 0; i < sweep->keys.count; i++)
        cells *= sweep->keys.items[i].values.count;
    if (cells > SWEEP_CELLS || sweep->keys.count == SWEEP_KEYS)
        return usage(diag, place, "E0923", "vary fewer keys or values",
                     arena_printf(arena, "%%s makes more than %d points, or %d keys", SWEEP_CELLS,
                                  SWEEP_KEYS),
                     key.name);
    *(SweepKey *)LIST_PUSH(arena, &sweep->keys) = key;
    return STATUS_OK;
}
