/* sweep: the points of the grid, one after the other, and the best of each. See sweep.h. */
#include "report/sweep.h"

#include "base/number.h"
#include "schedule/cost_model.h"

#include <math.h>
#include <string.h>

/* --- settings of a point ------------------------------------------------------------------------------ */

/* The only kind of node, cut to so many GPUs: whole nodes, or one smaller node. NULL: it cannot be. */
static const char *gpus_of(Arena *arena, const Topology *topology, const char *text, int64_t *count,
                           int64_t *gpus) {
    bool overflow = false;
    if (topology->nodes.count != 1 || !number_parse_int(text, gpus, &overflow))
        return "gpus can be varied where all nodes are of one kind";
    int64_t each = topology->nodes.items[0].gpus;
    *count = *gpus < each ? 1 : *gpus / each;
    if (*gpus < each)
        return NULL;
    if (*gpus % each)
        return arena_printf(arena, "%s GPUs are no whole number of nodes of %lld", text,
                            (long long)each);
    *gpus = each;
    return NULL;
}

static Status set(Arena *arena, const SweepKey *key, const char *path, const char *value,
                  OverrideList *list, Diag *diag) {
    return override_parse(arena, arena_printf(arena, "%s=%s", path, value), key->place, list, diag);
}

static Status apply_key(Arena *arena, const Topology *topology, const SweepKey *key,
                        const char *value, OverrideList *list, Diag *diag) {
    int64_t count, gpus;
    if (key->target == SWEEP_GPUS) {
        const char *why = gpus_of(arena, topology, value, &count, &gpus);
        if (why)
            return diag_error(diag, diag_nowhere(), "E0301", NULL, "%s", why);
        TRY(set(arena, key, "topology.nodes[0].count",
                arena_printf(arena, "%lld", (long long)count), list, diag));
        return set(arena, key, "topology.nodes[0].gpus",
                   arena_printf(arena, "%lld", (long long)gpus), list, diag);
    }
    const char *each = strstr(key->path, "[]");
    if (!each)
        return set(arena, key, key->path, value, list, diag);
    for (int64_t i = 0; i < topology->nodes.count; i++)
        TRY(set(arena, key,
                arena_printf(arena, "%.*s[%lld]%s", (int)(each - key->path), key->path,
                             (long long)i, each + 2),
                value, list, diag));
    return STATUS_OK;
}

static Status settings_of(Arena *arena, const Sweep *sweep, const Topology *topology,
                          const SweepCell *cell, OverrideList *list, Diag *diag) {
    const OverrideList *base = sweep->base.settings;
    for (int64_t i = 0; base && i < base->count; i++)
        *(Override *)LIST_PUSH(arena, list) = base->items[i];
    for (int64_t k = 0; k < sweep->keys.count; k++)
        if (sweep->keys.items[k].target != SWEEP_STRATEGY)
            TRY(apply_key(arena, topology, &sweep->keys.items[k], sweep_value(sweep, cell, k), list,
                          diag));
    return STATUS_OK;
}

/* The strategy with the options that are varied and that it has. */
static const char *strategy_of(Arena *arena, const Sweep *sweep, int64_t strategy,
                               const SweepCell *cell) {
    const char *text = sweep->strategies.items[strategy];
    const TextList *has = &sweep->options[strategy];
    for (int64_t k = 0; k < sweep->keys.count; k++) {
        const SweepKey *key = &sweep->keys.items[k];
        for (int64_t i = 0; key->target == SWEEP_STRATEGY && i < has->count; i++)
            if (strcmp(has->items[i], key->path) == 0) {
                const char *lua = strstr(text, ".lua");
                text = arena_printf(arena, "%s%c%s=%s", text,
                                    strchr(lua ? lua : text, ':') ? ',' : ':', key->path,
                                    sweep_value(sweep, cell, k));
            }
    }
    return text;
}

/* --- the best ------------------------------------------------------------------------------------------ */

static bool better(const Sweep *sweep, const Point *a, const Point *b, int at) {
    double x = a->figures[sweep->by][at], y = b->figures[sweep->by][at];
    return point_metrics[sweep->by].rate ? x > y : x < y;
}

/* The best of those other than `but` in one case; -1: none. */
static int64_t best_of(const Sweep *sweep, const SweepCell *cell, int64_t but, int at) {
    int64_t best = -1;
    for (int64_t s = 0; s < sweep->strategies.count; s++)
        if (s != but && cell->points[s].status == STATUS_OK &&
            !isnan(cell->points[s].figures[sweep->by][at]) &&
            (best < 0 || better(sweep, &cell->points[s], &cell->points[best], at)))
            best = s;
    return best;
}

static void judge(const Sweep *sweep, SweepCell *cell) {
    cell->best = best_of(sweep, cell, -1, PLANNER_EXPECTED);
    cell->second = best_of(sweep, cell, cell->best, PLANNER_EXPECTED);
    cell->sure = true;
    if (cell->best < 0 || cell->second < 0)
        return;
    double first = cell->points[cell->best].figures[sweep->by][PLANNER_EXPECTED];
    double second = cell->points[cell->second].figures[sweep->by][PLANNER_EXPECTED];
    cell->lead = point_metrics[sweep->by].rate ? first / second - 1 : second / first - 1;
    for (int at = 0; at < PLANNER_CASES; at++)
        cell->sure = cell->sure && best_of(sweep, cell, -1, at) == cell->best;
}

/* --- all of it ------------------------------------------------------------------------------------------ */

static SweepCell *next_cell(Arena *arena, Sweep *sweep, int64_t number) {
    SweepCell *cell = LIST_PUSH(arena, &sweep->cells);
    cell->at = ARENA_ARRAY(arena, sweep->keys.count, int64_t);
    cell->points = ARENA_ARRAY(arena, sweep->strategies.count, Point);
    for (int64_t k = sweep->keys.count - 1; k >= 0; k--) {
        cell->at[k] = number % sweep->keys.items[k].values.count;
        number /= sweep->keys.items[k].values.count;
    }
    return cell;
}

static Status run_cell(Arena *arena, const Sweep *sweep, const Topology *topology, SweepCell *cell,
                       int64_t strategy, Diag *diag) {
    Point *point = &cell->points[strategy];
    OverrideList settings = {0};
    Diag own = {.arena = arena};
    if (settings_of(arena, sweep, topology, cell, &settings, &own) != STATUS_OK) {
        *point = (Point){.status = STATUS_DATA, .word = "topology", .code = "E0301"};
        point->bound = point->decision = "";
        point->strategy = sweep->strategies.items[strategy];
        point->reason = own.messages[0].text;
        return STATUS_OK;
    }
    PointRequest request = sweep->base;
    request.settings = &settings;
    request.strategy = strategy_of(arena, sweep, strategy, cell);
    return point_evaluate(arena, &request, point, diag);
}

/* Files that are not there, and paths that lead past the end of a list, are no answers. */
static Status read_once(Arena *arena, Sweep *sweep, Topology *topology, Diag *diag) {
    const PointRequest *base = &sweep->base;
    Model model;
    Workload workload;
    SweepCell first = {.at = ARENA_ARRAY(arena, sweep->keys.count, int64_t)};
    OverrideList settings = {0};
    TRY(topology_read_with(arena, base->topology, base->settings, topology, diag));
    Diag unfit = {.arena = arena};
    if (settings_of(arena, sweep, topology, &first, &settings, &unfit) != STATUS_OK)
        settings.count = base->settings ? base->settings->count : 0;
    TRY(model_read_with(arena, base->model, base->share, base->settings, &model, diag));
    TRY(workload_read_with(arena, base->workload, base->settings, &workload, diag));
    sweep->name =
        arena_printf(arena, "%s on %s, costs %s", model.name, topology->name, cost_model()->name);
    Topology cut;
    Diag later = {.arena = arena};
    if (topology_read_with(arena, base->topology, &settings, &cut, &later) == STATUS_USAGE)
        return topology_read_with(arena, base->topology, &settings, &cut, diag);
    return STATUS_OK;
}

Status sweep_run(Arena *arena, Sweep *sweep, SweepProgress progress, void *context, Diag *diag) {
    Topology topology;
    TRY(read_once(arena, sweep, &topology, diag));
    int64_t cells = 1, strategies = sweep->strategies.count;
    for (int64_t k = 0; k < sweep->keys.count; k++)
        cells *= sweep->keys.items[k].values.count;
    for (int64_t i = 0; i < cells; i++) {
        SweepCell *cell = next_cell(arena, sweep, i);
        for (int64_t s = 0; s < strategies; s++) {
            progress(context, i * strategies + s, cells * strategies);
            TRY(run_cell(arena, sweep, &topology, cell, s, diag));
        }
        judge(sweep, cell);
    }
    return STATUS_OK;
}

bool sweep_answers(const Sweep *sweep) {
    for (int64_t i = 0; i < sweep->cells.count; i++)
        if (sweep->cells.items[i].best >= 0)
            return true;
    return false;
}
