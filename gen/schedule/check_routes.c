/* check_routes: from an expert that a token chose to bytes that hold it: route tables against holdings, and
 * weights that operations read against what is loaded into their buffers. */
#include "schedule/check_rules.h"

#include <string.h>

/* --- routes ------------------------------------------------------------------------------------------- */

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

/* --- weights that are loaded -------------------------------------------------------------------------- */

/* Bytes of [begin, end) of a buffer's copy for a layer that holdings fill. */
static int64_t filled_bytes(const RankSchedule *rank, int64_t buffer, int64_t layer, int64_t begin,
                            int64_t end) {
    int64_t bytes = 0;
    for (int64_t i = 0; i < rank->holdings.count; ++i) {
        const Holding *h = &rank->holdings.items[i];
        if (h->buffer != buffer ||
            (layer >= 0 && (layer < h->layers.begin || layer >= h->layers.end)))
            continue;
        int64_t width = h->columns.end - h->columns.begin;
        int64_t size = (h->rows.end - h->rows.begin) * width * element_bytes(h->type);
        int64_t from = h->delta > begin ? h->delta : begin;
        int64_t to = h->delta + size < end ? h->delta + size : end;
        bytes += to > from ? to - from : 0;
    }
    return bytes;
}

/* Zero where nothing is loaded: a bias that another member adds; columns that a narrower slot lacks. */
static bool may_be_unfilled(const Op *op, const char *argument) {
    return op->kind == OP_expert_ffn || (op->kind == OP_linear && strcmp(argument, "bias") == 0) ||
           strcmp(argument, "position_table") == 0;
}

static void check_weight(Check *check, int64_t rank, int64_t step, int64_t id, int arg,
                         Range layers) {
    const Op *op = check_op(check, rank, id);
    const OpArg *info = &op_info[op->kind].args[arg];
    if (info->type == ARG_INT || op->args[arg].value < 0)
        return;
    const RankSchedule *of = &check->schedule->ranks[rank];
    if (of->buffers.items[op->args[arg].value].class != BUFFER_WEIGHT)
        return;
    check_count(check, CHECK_LOADED, 1);
    if (info->type != ARG_READ)
        check_fail(check, CHECK_LOADED, NULL, "%s writes into weights",
                   check_where(check, rank, step, (WalkItem){id, -1}));
    int64_t begin = op->args[arg].delta;
    int64_t end = begin + check_argument_bytes(check, rank, step, op, arg);
    for (int64_t layer = layers.begin; layer < layers.end; ++layer) {
        int64_t filled =
            filled_bytes(of, op->args[arg].value, op->per_layer ? layer : -1, begin, end);
        if (filled == end - begin || may_be_unfilled(op, info->name))
            continue;
        check_fail(check, CHECK_LOADED, NULL,
                   "%s reads %lld bytes of %s, of which %lld are loaded from the model",
                   check_where(check, rank, step, (WalkItem){id, op->per_layer ? layer : -1}),
                   (long long)(end - begin), info->name, (long long)filled);
        return;
    }
}

static void check_segment(Check *check, int64_t rank, int64_t step, const Segment *segment,
                          bool *seen) {
    for (int64_t i = segment->first; i < segment->first + segment->count; ++i) {
        const Op *op = check_op(check, rank, i);
        Range layers = {segment->layers.begin - op->lag, segment->layers.end - op->lag};
        if (!op->per_layer)
            layers = (Range){0, 1};
        if (op->kind == OP_pack)
            check_pack(check, rank, step, i, layers, seen);
        for (int a = 0; a < OP_ARGS && op_info[op->kind].args[a].type != ARG_NONE; ++a)
            check_weight(check, rank, step, i, a, layers);
    }
}

void check_routes(Check *check) {
    bool *seen = ARENA_ARRAY(check->scratch,
                             check->schedule->routes.count * check->schedule->exchanges.count *
                                 check->model->layers,
                             bool);
    for (int64_t r = 0; r < check->schedule->world; ++r)
        for (int64_t s = 0; s < check->plan->steps.count; ++s)
            for (int64_t g = 0; g < check->schedule->ranks[r].steps[s].segments.count; ++g)
                check_segment(check, r, s, &check->schedule->ranks[r].steps[s].segments.items[g],
                              seen);
}
