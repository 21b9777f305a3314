/* check_routes: from an expert that a token chose to the slots that hold it: route tables
 * against holdings. */
#include "schedule/check_rules.h"

/* The expert matrix that decides a slot's columns, cut along its rows: [slots][columns][hidden]. */
static const Holding *slot_holding(const Check *check, const RankSchedule *rank, int64_t layer,
                                   int64_t slot, int64_t columns) {
    int64_t slot_bytes = columns * check->model->hidden * check->element;
    for (int64_t i = 0; i < rank->holdings.count; ++i) {
        const Holding *holding = &rank->holdings.items[i];
        if (holding->tensor == TENSOR_EXPERT_UP && holding->layers.begin <= layer &&
            layer < holding->layers.end && holding->delta == slot * slot_bytes)
            return holding;
    }
    return NULL;
}

/* Width of a slot as the target's kernel sees it, -1 if it has none. */
static int64_t slot_columns(const Check *check, int64_t rank, int64_t exchange) {
    const RankSchedule *of = &check->schedule->ranks[rank];
    for (int64_t i = 0; i < of->ops.count; ++i)
        if (of->ops.items[i].kind == OP_expert_ffn &&
            check_arg(&of->ops.items[i], "exchange") == exchange)
            return check_arg(&of->ops.items[i], "columns");
    return -1;
}

typedef struct Route {
    int64_t rank, op, step, exchange, table;
    int64_t *columns; /* [targets] slot_columns */
} Route;

static void check_choice(Check *check, const Route *route, int64_t layer, int64_t expert) {
    const RouteTable *table = &check->schedule->routes.items[route->table];
    const Exchange *exchange = &check->schedule->exchanges.items[route->exchange];
    int64_t next = 0, at = (layer * check->model->experts + expert) * table->parts;
    const char *problem = NULL;
    check_count(check, CHECK_ROUTES, 1);
    for (int64_t p = 0; p < table->parts && !problem; ++p) {
        int64_t target = table->target[at + p], slot = table->slot[at + p];
        if (target < 0)
            continue;
        if (target >= exchange->targets.count || slot < 0 ||
            slot >= exchange->targets.items[target].slots) {
            problem = "leads to a slot that the target has not";
            break;
        }
        const Holding *holding =
            slot_holding(check, &check->schedule->ranks[exchange->targets.items[target].rank],
                         layer, slot, route->columns[target]);
        if (!holding || holding->expert != expert)
            problem = "leads to a slot that holds another expert";
        else if (holding->rows.begin != next)
            problem = "leaves columns out, takes some twice or takes them out of order";
        else
            next = holding->rows.end;
    }
    if (!problem && next != check->model->expert_hidden)
        problem = "leaves columns out";
    if (problem)
        check_fail(check, CHECK_ROUTES, NULL, "%s: route of expert %lld %s",
                   check_where(check, route->rank, route->step, (WalkItem){route->op, layer}),
                   (long long)expert, problem);
}

/* Sources share tables: each (table, exchange, layer) is followed once; seen[] remembers. */
static void check_pack(Check *check, int64_t rank, int64_t step, int64_t id, Range layers,
                       bool *seen) {
    const Op *op = check_op(check, rank, id);
    Route route = {.rank = rank,
                   .op = id,
                   .step = step,
                   .exchange = check_arg(op, "exchange"),
                   .table = check_arg(op, "routes")};
    const Exchange *exchange = &check->schedule->exchanges.items[route.exchange];
    if (check_source(exchange, rank) < 0 || exchange->step != step ||
        exchange->microbatch != op->microbatch) {
        check_fail(check, CHECK_EXCHANGE, NULL,
                   "%s packs for exchange %s, which is not this rank's in this micro-batch",
                   check_where(check, rank, step, (WalkItem){id, -1}), exchange->name);
        return;
    }
    ArenaMark mark = arena_mark(check->scratch);
    route.columns = ARENA_ARRAY(check->scratch, exchange->targets.count, int64_t);
    for (int64_t t = 0; t < exchange->targets.count; ++t)
        route.columns[t] = slot_columns(check, exchange->targets.items[t].rank, route.exchange);
    seen +=
        (route.table * check->schedule->exchanges.count + route.exchange) * check->model->layers;
    for (int64_t layer = layers.begin; layer < layers.end; ++layer)
        for (int64_t expert = 0; !seen[layer] && expert < check->model->experts; ++expert)
            check_choice(check, &route, layer, expert);
    for (int64_t layer = layers.begin; layer < layers.end; ++layer)
        seen[layer] = true;
    arena_rewind(check->scratch, mark);
}

static void check_segment(Check *check, int64_t rank, int64_t step, const Segment *segment,
                          bool *seen) {
    for (int64_t i = segment->first; i < segment->first + segment->count; ++i) {
        const Op *op = check_op(check, rank, i);
        Range layers = {segment->layers.begin - op->lag, segment->layers.end - op->lag};
        if (op->kind == OP_pack)
            check_pack(check, rank, step, i, layers, seen);
    }
}

void check_routes(Check *check) {
    bool *seen = ARENA_ARRAY(check->scratch,
                             check->schedule->routes.count * check->schedule->exchanges.count *
                                 check->model->layers,
                             bool);
    for (int64_t r = 0; r < check->schedule->world; ++r)
        for (int64_t s = 0; s < check->plan->steps.count; ++s) {
            const RankStep *step = &check->schedule->ranks[r].steps[s];
            for (int64_t g = 0; g < step->segments.count; ++g)
                check_segment(check, r, s, &step->segments.items[g], seen);
        }
}
