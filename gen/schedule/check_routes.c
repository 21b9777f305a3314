/* check_routes: from an expert that a token chose to the slots that hold it: route tables
 * against holdings. What each slot of each rank holds is found once, since every source leads there. */
#include "schedule/check_rules.h"

/* What the slots of a rank hold, if they are `width` columns wide each. */
typedef struct Slots {
    int64_t width, count; /* width -1: not found out yet */
    const Holding *
        *holding; /* [layers][count] the expert matrix that decides the columns, or NULL */
    bool *whole;  /* likewise: all else of that part of the expert is there too */
} Slots;

typedef struct Routes {
    Check *check;
    Slots *slots; /* [world] */
    int64_t **
        columns; /* [exchanges][targets] width of the target's slots, as its kernel sees them; NULL: not yet */
} Routes;

/* The ranges of an expert's tensor that go with columns [cut.begin, cut.end) of the expert. */
static void part_ranges(const Check *check, TensorKind tensor, Range cut, Range *rows,
                        Range *columns) {
    *rows = *columns = (Range){0, 0};
    model_tensor_shape(check->model, tensor, &rows->end, &columns->end);
    if (tensor == TENSOR_EXPERT_DOWN || tensor == TENSOR_SHARED_DOWN)
        *columns = cut;
    else if (tensor != TENSOR_EXPERT_DOWN_BIAS && tensor != TENSOR_SHARED_DOWN_BIAS)
        *rows = cut;
}

static bool same_range(Range a, Range b) {
    return a.begin == b.begin && a.end == b.end;
}

/* The holding of a part of an expert's tensor in a layer, or NULL. */
static const Holding *find_part(const Check *check, const RankSchedule *rank, TensorKind tensor,
                                int64_t expert, int64_t layer, Range cut) {
    Range rows, columns;
    part_ranges(check, tensor, cut, &rows, &columns);
    for (int64_t i = 0; i < rank->holdings.count; ++i) {
        const Holding *holding = &rank->holdings.items[i];
        if (holding->tensor == (int64_t)tensor && holding->expert == expert &&
            holding->layers.begin <= layer && layer < holding->layers.end &&
            same_range(holding->rows, rows) && same_range(holding->columns, columns))
            return holding;
    }
    return NULL;
}

/* Columns of an expert, or of what all tokens pass, whose number follows theirs. */
static int64_t expert_width(const Check *check, int64_t expert) {
    return expert < check->model->experts ? check->model->expert_hidden
                                          : check->model->shared_hidden;
}

/* Are all tensors of the expert there that go with a part of its up matrix, also in a replica? The bias of the
 * result is with the part that begins at column 0. The answer holds up to layer `*until`. */
static bool slot_is_whole(const Check *check, const RankSchedule *rank, int64_t layer,
                          const Holding *up, int64_t *until) {
    *until = up->layers.end;
    bool shared = up->tensor == TENSOR_SHARED_UP;
    for (int i = 0; i <= TENSOR_EXPERT_DOWN_BIAS - TENSOR_EXPERT_GATE; ++i) {
        TensorKind tensor = (shared ? TENSOR_SHARED_GATE : TENSOR_EXPERT_GATE) + i;
        bool result = tensor == TENSOR_EXPERT_DOWN_BIAS || tensor == TENSOR_SHARED_DOWN_BIAS;
        Range all = {0, expert_width(check, up->expert < 0 ? check->model->experts : up->expert)};
        if (!model_has(check->model, tensor) || (result && up->rows.begin != 0))
            continue;
        const Holding *part =
            find_part(check, rank, tensor, up->expert, layer, result ? all : up->rows);
        if (!part) {
            *until = layer + 1;
            return false;
        }
        *until = part->layers.end < *until ? part->layers.end : *until;
    }
    return true;
}

/* Fill in what the slots of a rank hold. The matrix [slots][columns][hidden] is cut along its rows; of two that claim one
 * slot the first counts, as for the kernel. */
static const Slots *slots_of(Routes *routes, int64_t rank, int64_t width) {
    Check *check = routes->check;
    const RankSchedule *of = &check->schedule->ranks[rank];
    Slots *slots = &routes->slots[rank];
    static const Slots none = {0};
    int64_t bytes = width * check->model->hidden * check->element;
    if (bytes <= 0)
        return &none;
    if (slots->width == width)
        return slots;
    *slots = (Slots){.width = width};
    for (int64_t i = 0; i < of->holdings.count; ++i)
        if (of->holdings.items[i].tensor == TENSOR_EXPERT_UP &&
            of->holdings.items[i].delta / bytes >= slots->count)
            slots->count = of->holdings.items[i].delta / bytes + 1;
    int64_t cells = check->model->layers * slots->count;
    slots->holding = ARENA_ARRAY(check->scratch, cells, const Holding *);
    slots->whole = ARENA_ARRAY(check->scratch, cells, bool);
    for (int64_t i = 0; i < of->holdings.count; ++i) {
        const Holding *up = &of->holdings.items[i];
        if (up->tensor != TENSOR_EXPERT_UP || up->delta % bytes != 0)
            continue;
        int64_t until = up->layers.begin;
        bool whole = false;
        for (int64_t layer = up->layers.begin; layer < up->layers.end; ++layer) {
            int64_t cell = layer * slots->count + up->delta / bytes;
            if (layer == until)
                whole = slot_is_whole(check, of, layer, up, &until);
            if (slots->holding[cell])
                continue;
            slots->holding[cell] = up;
            slots->whole[cell] = whole;
        }
    }
    return slots;
}

static const Holding *slot_holding(const Check *check, const Slots *slots, int64_t layer,
                                   int64_t slot, bool *whole) {
    if (slot < 0 || slot >= slots->count || layer >= check->model->layers)
        return NULL;
    *whole = slots->whole[layer * slots->count + slot];
    return slots->holding[layer * slots->count + slot];
}

static bool reads(const RankSchedule *rank, const Op *op, TensorKind up) {
    for (int64_t i = 0; i < rank->holdings.count; ++i)
        if (rank->holdings.items[i].buffer == check_arg(op, "up"))
            return rank->holdings.items[i].tensor == (int64_t)up;
    return false;
}

/* The operation of a rank that computes with slots of `up`, of experts or of what all tokens pass, or NULL. */
static const Op *slots_op(const Check *check, int64_t rank, int64_t exchange, TensorKind up) {
    const RankSchedule *of = &check->schedule->ranks[rank];
    for (int64_t i = 0; i < of->ops.count; ++i)
        if (of->ops.items[i].kind == OP_expert_ffn &&
            check_arg(&of->ops.items[i], "exchange") == exchange &&
            reads(of, &of->ops.items[i], up))
            return &of->ops.items[i];
    return NULL;
}

/* Width of a rank's slots as its kernel sees it, -1 if it has none. */
static int64_t slot_columns(const Check *check, int64_t rank, int64_t exchange) {
    const Op *op = slots_op(check, rank, exchange, TENSOR_EXPERT_UP);
    return op ? check_arg(op, "columns") : -1;
}

/* The part of what all tokens pass that a rank's kernel finds in a slot, or NULL. */
static const Holding *shared_holding(const Check *check, int64_t rank, int64_t exchange,
                                     int64_t layer, int64_t slot, bool *whole) {
    const RankSchedule *of = &check->schedule->ranks[rank];
    const Op *op = slots_op(check, rank, exchange, TENSOR_SHARED_UP);
    int64_t until;
    for (int64_t i = 0; op && check_arg(op, "first") == slot && i < of->holdings.count; ++i) {
        const Holding *up = &of->holdings.items[i];
        if (up->buffer != check_arg(op, "up") || layer < up->layers.begin ||
            layer >= up->layers.end)
            continue;
        *whole = slot_is_whole(check, of, layer, up, &until) &&
                 up->rows.end - up->rows.begin == check_arg(op, "columns");
        return up;
    }
    return NULL;
}

static const int64_t *target_columns(Routes *routes, int64_t exchange) {
    const Exchange *of = &routes->check->schedule->exchanges.items[exchange];
    if (routes->columns[exchange])
        return routes->columns[exchange];
    int64_t *columns = ARENA_ARRAY(routes->check->scratch, of->targets.count, int64_t);
    for (int64_t t = 0; t < of->targets.count; ++t)
        columns[t] = slot_columns(routes->check, of->targets.items[t].rank, exchange);
    return routes->columns[exchange] = columns;
}

typedef struct Route {
    int64_t rank, op, step, exchange, table;
    const int64_t *columns; /* [targets] */
} Route;

/* Follow the parts of an expert; what is wrong with them, or NULL. */
static const char *follow_parts(Routes *routes, const Route *route, int64_t layer, int64_t expert) {
    Check *check = routes->check;
    const RouteTable *table = &check->schedule->routes.items[route->table];
    const Exchange *exchange = &check->schedule->exchanges.items[route->exchange];
    int64_t row = table->row_of[layer], next = 0;
    bool ends = false;
    if (row < 0 || row >= table->rows)
        return "is in no row of the table";
    int64_t at = route_parts_at(table, check->schedule->experts, layer, expert);
    for (int64_t p = 0; p < table->parts; ++p) {
        int64_t target = table->target[at + p], slot = table->slot[at + p];
        bool whole = false;
        if (target == -1) {
            ends = true;
            continue;
        }
        if (ends)
            return "has a part after one that is not there";
        if (target < 0 || target >= exchange->targets.count || slot < 0 ||
            slot >= exchange->targets.items[target].slots)
            return "leads to a slot that the target has not";
        for (int64_t q = 0; q < p; ++q)
            if (table->target[at + q] == target)
                return "leads to two slots of one target, which a row goes to once";
        int64_t rank = exchange->targets.items[target].rank;
        const Holding *holding =
            expert < check->model->experts
                ? slot_holding(check, slots_of(routes, rank, route->columns[target]), layer, slot,
                               &whole)
                : shared_holding(check, rank, route->exchange, layer, slot, &whole);
        if (!holding || (expert < check->model->experts && holding->expert != expert))
            return "leads to a slot that holds another expert";
        if (!whole)
            return "leads to a slot that lacks some of the expert";
        if (!exchange->local && holding->rows.begin != next)
            return "leaves columns out, takes some twice or takes them out of order";
        next = holding->rows.end;
    }
    return exchange->local || next == expert_width(check, expert) ? NULL : "leaves columns out";
}

static void check_choice(Routes *routes, const Route *route, int64_t layer, int64_t expert) {
    Check *check = routes->check;
    const char *problem = follow_parts(routes, route, layer, expert);
    check_count(check, CHECK_ROUTES, 1);
    if (problem)
        check_fail(check, CHECK_ROUTES, NULL, "%s: route of expert %lld %s",
                   check_where(check, route->rank, route->step, (WalkItem){route->op, layer}),
                   (long long)expert, problem);
}

/* --- ranks that serve themselves --------------------------------------------------------------------- */

/* The pack of a rank for a micro-batch, NULL if there is none. */
static const Op *pack_of(const Check *check, int64_t rank, int64_t step, int64_t microbatch) {
    const RankSchedule *of = &check->schedule->ranks[rank];
    for (int64_t g = 0; g < of->steps[step].segments.count; ++g) {
        const Segment *segment = &of->steps[step].segments.items[g];
        for (int64_t i = segment->first; i < segment->first + segment->count; ++i)
            if (of->ops.items[i].kind == OP_pack && of->ops.items[i].microbatch == microbatch)
                return &of->ops.items[i];
    }
    return NULL;
}

/* A rank that serves itself, and how wide its slots are. */
typedef struct Server {
    int64_t rank, width, exchange;
    const RouteTable *table; /* NULL: it packs nothing */
    Range columns;           /* of the expert that is looked at */
} Server;

static Server *servers_of(Check *check, const PlanGroup *group, int64_t base, int64_t step,
                          int64_t microbatch) {
    Server *servers = ARENA_ARRAY(check->scratch, group->members.count, Server);
    for (int64_t m = 0; m < group->members.count; ++m) {
        servers[m].rank = base + group->members.items[m].rank;
        const Op *pack = pack_of(check, servers[m].rank, step, microbatch);
        if (!pack)
            continue;
        servers[m].table = &check->schedule->routes.items[check_arg(pack, "routes")];
        servers[m].exchange = check_arg(pack, "exchange");
        servers[m].width = slot_columns(check, servers[m].rank, servers[m].exchange);
    }
    return servers;
}

/* Columns of an expert that a rank's own route table leads to. */
static Range own_columns(Routes *routes, const Server *server, int64_t layer, int64_t expert) {
    const RouteTable *table = server->table;
    bool whole;
    if (!table || table->row_of[layer] < 0 || table->row_of[layer] >= table->rows)
        return (Range){0, 0};
    int64_t at = route_parts_at(table, routes->check->schedule->experts, layer, expert);
    if (table->target[at] < 0)
        return (Range){0, 0};
    const Holding *holding =
        expert < routes->check->model->experts
            ? slot_holding(routes->check, slots_of(routes, server->rank, server->width), layer,
                           table->slot[at], &whole)
            : shared_holding(routes->check, server->rank, server->exchange, layer, table->slot[at],
                             &whole);
    return holding ? holding->rows : (Range){0, 0};
}

/* Do the servers take every column of the expert once? */
static void check_served(Routes *routes, Server *servers, int64_t count, int64_t step,
                         int64_t layer, int64_t expert) {
    Check *check = routes->check;
    int64_t covered = 0, all = expert_width(check, expert);
    bool twice = false, tiled = true; /* each member follows on those before, as plans are made */
    for (int64_t m = 0; m < count; ++m) {
        Range columns = own_columns(routes, &servers[m], layer, expert);
        tiled = tiled && columns.begin == covered;
        servers[m].columns = columns;
        covered += columns.end - columns.begin;
        for (int64_t k = 0; k < m && !tiled; ++k)
            twice = twice || (servers[k].columns.begin < columns.end &&
                              columns.begin < servers[k].columns.end);
    }
    check_count(check, CHECK_ROUTES, 1);
    if (twice || covered != all)
        check_fail(check, CHECK_ROUTES, NULL,
                   "step %s, layer %lld: the members of the group of rank %lld take %lld of the "
                   "%lld columns of expert %lld%s",
                   check->plan->steps.items[step].name, (long long)layer,
                   (long long)servers[0].rank, (long long)covered, (long long)all,
                   (long long)expert, twice ? ", some twice" : "");
}

/* Members that each serve themselves must between them take every column of every expert once. */
static void check_group_routes(Routes *routes, int64_t rank, int64_t step, int64_t microbatch) {
    Check *check = routes->check;
    int64_t base;
    const PlanStage *stage;
    const PlanGroup *group = check_group(check, rank, &base, &stage);
    Server *servers = servers_of(check, group, base, step, microbatch);
    for (int64_t layer = stage->layers.begin; layer < stage->layers.end; ++layer)
        for (int64_t expert = 0;
             !model_is_dense(check->model, layer) && expert < check->schedule->experts; ++expert)
            check_served(routes, servers, group->members.count, step, layer, expert);
}

/* --- all ranks ----------------------------------------------------------------------------------------- */

/* Sources share tables: each (table, exchange, layer) is followed once; seen[] remembers. */
static void check_pack(Routes *routes, int64_t rank, int64_t step, int64_t id, Range layers,
                       bool *seen) {
    Check *check = routes->check;
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
    route.columns = target_columns(routes, route.exchange);
    seen +=
        (route.table * check->schedule->exchanges.count + route.exchange) * check->model->layers;
    for (int64_t layer = layers.begin; layer < layers.end; ++layer)
        for (int64_t expert = 0; !seen[layer] && expert < check->schedule->experts; ++expert)
            check_choice(routes, &route, layer, expert);
    for (int64_t layer = layers.begin; layer < layers.end; ++layer)
        seen[layer] = true;
}

static void check_segment(Routes *routes, int64_t rank, int64_t step, const Segment *segment,
                          bool *seen) {
    for (int64_t i = segment->first; i < segment->first + segment->count; ++i) {
        const Op *op = check_op(routes->check, rank, i);
        Range layers = {segment->layers.begin - op->lag, segment->layers.end - op->lag};
        if (op->kind == OP_pack)
            check_pack(routes, rank, step, i, layers, seen);
    }
}

/* A group whose first member serves itself is followed as a whole, once a micro-batch. */
static void check_self_service(Routes *routes) {
    Check *check = routes->check;
    for (int64_t e = 0; e < check->schedule->exchanges.count; ++e) {
        const Exchange *exchange = &check->schedule->exchanges.items[e];
        int64_t base, rank = exchange->local ? exchange->sources.items[0].rank : -1;
        const PlanGroup *group = rank < 0 ? NULL : check_group(check, rank, &base, NULL);
        if (group && base + group->members.items[0].rank == rank)
            check_group_routes(routes, rank, exchange->step, exchange->microbatch);
    }
}

void check_routes(Check *check) {
    int64_t world = check->schedule->world, exchanges = check->schedule->exchanges.count;
    ArenaMark mark = arena_mark(check->scratch);
    Routes routes = {.check = check,
                     .slots = ARENA_ARRAY(check->scratch, world, Slots),
                     .columns = ARENA_ARRAY(check->scratch, exchanges, int64_t *)};
    for (int64_t r = 0; r < world; ++r)
        routes.slots[r].width = -1;
    check_self_service(&routes);
    bool *seen = ARENA_ARRAY(check->scratch,
                             check->schedule->routes.count * check->schedule->exchanges.count *
                                 check->model->layers,
                             bool);
    for (int64_t r = 0; r < check->schedule->world; ++r)
        for (int64_t s = 0; s < check->plan->steps.count; ++s) {
            const RankStep *step = &check->schedule->ranks[r].steps[s];
            for (int64_t g = 0; g < step->segments.count; ++g)
                check_segment(&routes, r, s, &step->segments.items[g], seen);
        }
    arena_rewind(check->scratch, mark);
}
