/* cost_moves: what moves need. Bytes on each resource follow from the algorithm and from who sends
 * what to whom; latencies and what protocols make of bandwidth are NCCL's own constants. Demands
 * lie in the caller's arena, scratch is freed before return. It knows neither times nor order. */
#include "schedule/cost.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum Algorithm { RING, TREE, ALGORITHMS } Algorithm;
typedef enum Protocol { LL, LL128, SIMPLE, PROTOCOLS } Protocol;
enum { HOP_NVLINK, HOP_PCI, HOP_NET, HOPS };

static const char *const how_names[ALGORITHMS][PROTOCOLS] = {
    [RING] = {"ring, LL", "ring, LL128", "ring, Simple"},
    [TREE] = {"tree, LL", "tree, LL128", "tree, Simple"},
};

/* NCCL 2.30, tuning.cc and cost_model.cc: seconds before the first hop, and of a hop. */
static const double base_seconds[ALGORITHMS][PROTOCOLS] = {
    [RING] = {6.6e-6, 14e-6, 8.4e-6},
    [TREE] = {6.8e-6, 14e-6, 8.4e-6},
};
static const double hop_seconds[HOPS][ALGORITHMS][PROTOCOLS] = {
    [HOP_NVLINK] = {{.6e-6, 1.9e-6, 3.4e-6}, {.6e-6, 1.25e-6, 4e-6}},
    [HOP_PCI] = {{1e-6, 2.5e-6, 5.7e-6}, {1e-6, 1.9e-6, 4e-6}},
    [HOP_NET] = {{2.7e-6, 4e-6, 14e-6}, {5e-6, 8.5e-6, 14e-6}},
};

/* Payload of what is written: LL has 4 bytes of flag with each 4, LL128 8 with each 120. A tree
 * reaches 92 % of a ring's bandwidth, and less at middle sizes: powers of two from 64 bytes on. */
static const double payload[PROTOCOLS] = {.5, 120. / 128, 1};
static const double tree_share = .92;
enum { TREE_SIZES = 23 };
static const double tree_by_size[PROTOCOLS][TREE_SIZES] = {
    {1, 1, 1, 1, .9, .8, .7, .7, .7, .7, .6, .5, .4, .4, .5, .6, .7, .8, .9, 1, 1, 1, 1},
    {1, 1, 1, 1, 1, .9, .8, .8, .8, .7, .6, .6, .6, .6, .6, .6, .8, .9, .9, .9, .9, 1, 1},
    {.9, .9, .9, .9, .9, .9, .9, .8, .7, .6, .6, .5, .5, .5, .5, .6, .7, .8, .7, .7, .8, .9, .9},
};

/* The most that LL reaches, bytes/s of a ring's edge on 1, 2, and 4 or more nodes. */
typedef struct LlMost {
    const char *gpu; /* prefix of types */
    double most[3];
} LlMost;
static const LlMost ll_most[] = {
    {"a100", {87.7e9, 22.5e9, 19e9}},       {"h100", {141e9, 45e9, 35e9}},
    {"h200", {141e9, 45e9, 35e9}},          {"h800", {141e9, 45e9, 35e9}},
    {NULL, {INFINITY, INFINITY, INFINITY}},
};

static const double ll_in_node = 1.8;   /* times LL's hops in a node, where there are several */
static const double ring_plateau = 1.4; /* times the latency of large rings across nodes */
static const double ring_plateau_from = 1024; /* bytes a member */
static const double pair_ll_most = 16384;     /* bytes that sends move by LL at most */

/* --- traffic
 * ------------------------------------------------------------------------------------------ */

/* Bytes by resource of one algorithm. */
typedef struct Traffic {
    const Schedule *schedule;
    double *bytes;      /* [resources] */
    bool local, across; /* some pair is on one node, on two */
} Traffic;

static const Topology *topology_of(const Schedule *schedule) {
    return &schedule->plan->inputs.topology;
}

static int64_t node_number(const Schedule *schedule, int64_t rank) {
    return schedule->plan->ranks.items[rank].node;
}

static Traffic traffic_begin(Arena *scratch, const Schedule *schedule) {
    return (Traffic){.schedule = schedule,
                     .bytes = ARENA_ARRAY(scratch, cost_resource_count(schedule), double)};
}

static void add_bytes(Traffic *traffic, int64_t resource, double bytes, bool across) {
    if (bytes <= 0)
        return;
    traffic->bytes[resource] += bytes;
    *(across ? &traffic->across : &traffic->local) = true;
}

static void add_pair(Traffic *traffic, int64_t from, int64_t to, double bytes) {
    const Schedule *schedule = traffic->schedule;
    int64_t a = node_number(schedule, from), b = node_number(schedule, to);
    if (from == to)
        return;
    add_bytes(traffic, a != b ? cost_nics(schedule, a, false) : cost_link(schedule, from, false),
              bytes, a != b);
    add_bytes(traffic, a != b ? cost_nics(schedule, b, true) : cost_link(schedule, to, true), bytes,
              a != b);
}

/* Seconds of moving it all with this share of every resource, alone. */
static double seconds_of(const Traffic *traffic, double share, CostCase at) {
    double seconds = 0;
    int64_t count = cost_resource_count(traffic->schedule);
    for (int64_t r = 0; r < count; ++r)
        if (traffic->bytes[r] > 0)
            seconds = fmax(seconds,
                           traffic->bytes[r] / (share * cost_capacity(traffic->schedule, r, at)));
    return seconds;
}

static CostDemand demand_of(Arena *arena, const Traffic *traffic, double fixed, double share,
                            double least, CostCase at) {
    CostDemand demand = {.fixed = fixed, .seconds = fmax(least, seconds_of(traffic, share, at))};
    int64_t count = cost_resource_count(traffic->schedule);
    for (int64_t r = 0; r < count; ++r) {
        double bytes = traffic->bytes[r];
        if (bytes <= 0)
            continue;
        double alone = bytes / (share * cost_capacity(traffic->schedule, r, at));
        *(CostShare *)LIST_PUSH(arena, &demand.shares) =
            (CostShare){r, bytes, fmin(1, alone / demand.seconds)};
    }
    return demand;
}

/* --- latencies
 * ---------------------------------------------------------------------------------------- */

static bool has_nvlink(const TopologyNode *node) {
    return strncmp(node->link.type, "nvlink", strlen("nvlink")) == 0;
}

/* A hop takes what the library needs for one, and no less than the topology states. The lower
 * bound knows only what is stated. */
static double hop(const Schedule *schedule, const TopologyNode *node, Algorithm algorithm,
                  Protocol protocol, CostCase at) {
    double stated = node ? node->link.latency : topology_of(schedule)->network.latency;
    int kind = !node ? HOP_NET : has_nvlink(node) ? HOP_NVLINK : HOP_PCI;
    double library = at == COST_LOW ? 0 : hop_seconds[kind][algorithm][protocol];
    return fmax(stated, library) * cost_factors[COST_LATENCY].value[at];
}

static double base(Algorithm algorithm, Protocol protocol, CostCase at) {
    double library = at == COST_LOW ? 0 : base_seconds[algorithm][protocol];
    return fmax(library, cost_factors[COST_MOVE_BASE].value[at]);
}

/* --- collectives
 * -------------------------------------------------------------------------------------- */

typedef struct Member {
    int64_t rank, node;
    double bytes; /* of its own pieces */
} Member;

typedef struct Collective {
    const Schedule *schedule;
    const Op *op;
    Member *members; /* [count] node by node, as rings visit them */
    int64_t count, nodes;
    const TopologyNode *slowest; /* kind with the slowest link latency */
    double bytes;                /* of the payload */
    bool nvlink;                 /* on every node */
} Collective;

static int by_node(const void *a, const void *b) {
    const Member *x = a, *y = b;
    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

static Collective collective_of(Arena *scratch, const Schedule *schedule, const Op *op) {
    const Channel *channel = &schedule->channels.items[op->channel];
    int64_t units = op->args[op_arg((OpKind)op->kind, "units")].value;
    double unit = (double)op->args[op_arg((OpKind)op->kind, "unit_bytes")].value;
    Collective c = {schedule, op, .count = channel->ranks.count, .nvlink = true};
    c.members = ARENA_ARRAY(scratch, c.count, Member);
    for (int64_t i = 0; i < c.count; ++i) {
        Member *member = &c.members[i];
        Range own = channel->own.items[i];
        member->rank = channel->ranks.items[i];
        member->node = node_number(schedule, member->rank);
        member->bytes = unit * (double)(units * own.end / channel->pieces -
                                        units * own.begin / channel->pieces);
        c.bytes = op->kind == OP_all_reduce ? member->bytes : c.bytes + member->bytes;
        const TopologyNode *node = topology_node(topology_of(schedule), member->node);
        c.nvlink = c.nvlink && has_nvlink(node);
        if (!c.slowest || node->link.latency > c.slowest->link.latency)
            c.slowest = node;
    }
    qsort(c.members, (size_t)c.count, sizeof *c.members, by_node);
    for (int64_t i = 0; i < c.count; ++i)
        c.nodes += i == 0 || c.members[i].node != c.members[i - 1].node;
    return c;
}

/* Ring (Patarasuk and Yuan 2009; nccl-tests PERFORMANCE.md). In a reduce-scatter the edge out of a
 * member carries all but its own pieces, in an all-gather all but those of the next; an all-reduce
 * is both over equal shares. */
static void ring_traffic(const Collective *c, Traffic *traffic) {
    double n = (double)c->count;
    for (int64_t i = 0; i < c->count; ++i) {
        const Member *member = &c->members[i], *next = &c->members[(i + 1) % c->count];
        double bytes = c->bytes - (c->op->kind == OP_all_gather ? next : member)->bytes;
        if (c->op->kind == OP_all_reduce)
            bytes = 2 * (n - 1) / n * c->bytes;
        add_pair(traffic, member->rank, next->rank, bytes);
    }
}

/* Parent of a place in a binary tree whose inner places are the even ones; -1 for the root, 0. */
static int64_t tree_parent(int64_t place, int64_t nodes) {
    int64_t bit = place & -place, up = (place ^ bit) | (bit << 1);
    if (place == 0)
        return -1;
    return up < nodes ? up : place ^ bit;
}

/* Two binary trees over the nodes, each with half of the bytes, a node an inner one in one of them
 * and a leaf in the other (Sanders, Speck, Traeff 2009; NCCL trees.cc: the second is the first one
 * mirrored, or shifted by one where nodes are odd in number), chains within nodes: everything goes
 * up every edge once and down once. */
static void tree_traffic(const Collective *c, Arena *scratch, Traffic *traffic) {
    int64_t *node = ARENA_ARRAY(scratch, c->nodes, int64_t), n = 0;
    for (int64_t i = 0; i < c->count; ++i) {
        const Member *member = &c->members[i];
        if (i == 0 || c->members[i - 1].node != member->node) {
            node[n++] = member->node;
            continue;
        }
        add_pair(traffic, c->members[i - 1].rank, member->rank, c->bytes);
        add_pair(traffic, member->rank, c->members[i - 1].rank, c->bytes);
    }
    for (int64_t place = 1; place < n; ++place)
        for (int second = 0; second < 2; ++second) {
            int64_t ends[2] = {place, tree_parent(place, n)};
            for (int e = 0; e < 2; ++e) {
                int64_t at = !second ? ends[e] : n % 2 ? (ends[e] + 1) % n : n - 1 - ends[e];
                add_bytes(traffic, cost_nics(c->schedule, node[at], false), c->bytes / 2, true);
                add_bytes(traffic, cost_nics(c->schedule, node[at], true), c->bytes / 2, true);
            }
        }
}

/* NCCL tuning.cc: of a ring's n - 1 steps N - 1 cross the network; a tree goes up and down the
 * chain of a node and log2 N levels. */
static double latency(const Collective *c, Algorithm algorithm, Protocol protocol, CostCase at) {
    double n = (double)c->count, nodes = (double)c->nodes;
    double near = hop(c->schedule, c->slowest, algorithm, protocol, at);
    double far = c->nodes > 1 ? hop(c->schedule, NULL, algorithm, protocol, at) : 0;
    if (at != COST_LOW && protocol == LL && c->nodes > 1)
        near *= ll_in_node;
    if (algorithm == TREE)
        return 2 * ((ceil(n / nodes) - 1) * near + ceil(log2(nodes)) * far);
    bool reduce = c->op->kind == OP_all_reduce;
    double seconds = (reduce ? 2 : 1) * ((n - nodes) * near + (nodes - 1) * far);
    bool plateau = reduce && c->nodes > 1 && protocol == SIMPLE && at != COST_LOW &&
                   c->bytes / n >= ring_plateau_from;
    return seconds * (plateau ? ring_plateau : 1);
}

static double protocol_share(const Collective *c, Algorithm algorithm, Protocol protocol,
                             CostCase at) {
    if (at == COST_LOW)
        return 1;
    if (algorithm == RING)
        return payload[protocol];
    int size = c->bytes >= 128 ? (int)log2(c->bytes / 64) : 0;
    double correction = size < TREE_SIZES ? tree_by_size[protocol][size] : 1;
    return payload[protocol] * tree_share * correction;
}

/* Seconds below which LL does not move it. */
static double ll_least(const Collective *c, CostCase at) {
    const TopologyNode *node = topology_node(topology_of(c->schedule), c->members[0].node);
    const LlMost *most = ll_most;
    if (at == COST_LOW)
        return 0;
    while (most->gpu && strncmp(node->gpu.type, most->gpu, strlen(most->gpu)) != 0)
        ++most;
    double n = (double)c->count, passes = c->op->kind == OP_all_reduce ? 2 : 1;
    return passes * (n - 1) / n * c->bytes / most->most[c->nodes >= 4 ? 2 : c->nodes - 1 > 0];
}

typedef struct Choice {
    double fixed, share, least, seconds;
    Algorithm algorithm;
    Protocol protocol;
} Choice;

static Choice choice_of(const Collective *c, const Traffic *traffic, Algorithm algorithm,
                        Protocol protocol, CostCase at) {
    Choice choice = {.algorithm = algorithm, .protocol = protocol};
    choice.fixed = base(algorithm, protocol, at) + latency(c, algorithm, protocol, at);
    choice.share = protocol_share(c, algorithm, protocol, at);
    choice.least = protocol == LL ? ll_least(c, at) : 0;
    choice.seconds = choice.fixed + fmax(choice.least, seconds_of(traffic, choice.share, at));
    return choice;
}

/* The quickest of the algorithms and protocols that NCCL would choose from at this size. */
static CostDemand collective_demand(Arena *arena, const Schedule *schedule, const Op *op,
                                    CostCase at) {
    Arena scratch = {0};
    Collective c = collective_of(&scratch, schedule, op);
    Traffic traffic[ALGORITHMS] = {traffic_begin(&scratch, schedule),
                                   traffic_begin(&scratch, schedule)};
    Choice best = {.seconds = INFINITY};
    CostDemand demand = {.how = "nothing to move"};
    ring_traffic(&c, &traffic[RING]);
    if (op->kind == OP_all_reduce)
        tree_traffic(&c, &scratch, &traffic[TREE]);
    for (int a = RING; a <= (op->kind == OP_all_reduce ? TREE : RING); ++a)
        for (int p = 0; p < PROTOCOLS; ++p) {
            if (p == LL128 && !c.nvlink)
                continue;
            Choice choice = choice_of(&c, &traffic[a], (Algorithm)a, (Protocol)p, at);
            if (choice.seconds < best.seconds)
                best = choice;
        }
    if (c.count > 1) {
        demand = demand_of(arena, &traffic[best.algorithm], best.fixed, best.share, best.least, at);
        demand.how = how_names[best.algorithm][best.protocol];
    }
    arena_free(&scratch);
    return demand;
}

/* --- pairs and exchanges
 * ------------------------------------------------------------------------------ */

/* Sends and receives (latency and bandwidth: Hockney 1994): by LL if each is small. `turns` of
 * latency one after the other. */
static CostDemand sends_demand(Arena *arena, const Traffic *traffic, const TopologyNode *slowest,
                               double largest, double turns, CostCase at) {
    const Schedule *schedule = traffic->schedule;
    CostDemand best = {.seconds = INFINITY};
    for (int p = LL; p <= SIMPLE; p += SIMPLE - LL) {
        if (p == LL && largest > pair_ll_most && at != COST_LOW)
            continue;
        double near = traffic->local && slowest ? hop(schedule, slowest, RING, (Protocol)p, at) : 0;
        double far = traffic->across ? hop(schedule, NULL, RING, (Protocol)p, at) : 0;
        double fixed = base(RING, (Protocol)p, at) + turns * fmax(near, far);
        double share = at == COST_LOW ? 1 : payload[p];
        double seconds = seconds_of(traffic, share, at);
        if (fixed + seconds >= cost_alone(&best))
            continue;
        best = demand_of(arena, traffic, fixed, share, 0, at);
        best.how = p == LL ? "sends, LL" : "sends, Simple";
    }
    return best;
}

static CostDemand pair_demand(Arena *arena, const Schedule *schedule, int64_t rank, const Op *op,
                              CostCase at) {
    Arena scratch = {0};
    const IntList *ends = &schedule->channels.items[op->channel].ranks;
    double bytes = (double)op->args[op_arg((OpKind)op->kind, "bytes")].value;
    int64_t other = ends->items[ends->items[0] == rank];
    int64_t from = op->kind == OP_send ? rank : other, to = op->kind == OP_send ? other : rank;
    Traffic traffic = traffic_begin(&scratch, schedule);
    add_pair(&traffic, from, to, bytes);
    const TopologyNode *node = topology_node(topology_of(schedule), node_number(schedule, rank));
    CostDemand demand = sends_demand(arena, &traffic, node, bytes, 1, at);
    arena_free(&scratch);
    return demand;
}

/* Adding what a member receives: one more kernel, which reads both sides and writes one. */
static double adding(const Schedule *schedule, const Channel *channel, int64_t units, int64_t unit,
                     CostCase at) {
    double *bytes, seconds = 0;
    Arena scratch = {0};
    bytes = ARENA_ARRAY(&scratch, channel->ranks.count, double);
    for (int64_t i = 0; i < channel->transfers.count; ++i) {
        const ChannelTransfer *transfer = &channel->transfers.items[i];
        Range range = channel_bytes(channel, transfer->pieces, units, unit);
        bytes[transfer->to] += transfer->sum ? (double)(range.end - range.begin) : 0;
    }
    for (int64_t i = 0; i < channel->ranks.count; ++i) {
        int64_t node = node_number(schedule, channel->ranks.items[i]);
        double bandwidth = topology_node(topology_of(schedule), node)->gpu.bandwidth;
        if (bytes[i] > 0)
            seconds = fmax(seconds, cost_factors[COST_LAUNCH].value[at] + 3 * bytes[i] / bandwidth);
    }
    arena_free(&scratch);
    return seconds;
}

/* A stage of transfers: one group of sends and receives, then the sums. */
static CostDemand transfers_demand(Arena *arena, const Schedule *schedule, const Op *op,
                                   CostCase at) {
    const Channel *channel = &schedule->channels.items[op->channel];
    int64_t units = op->args[op_arg(OP_transfer, "units")].value;
    int64_t unit = op->args[op_arg(OP_transfer, "unit_bytes")].value;
    const TopologyNode *slowest = NULL;
    double largest = 0;
    Arena scratch = {0};
    Traffic traffic = traffic_begin(&scratch, schedule);
    for (int64_t i = 0; i < channel->transfers.count; ++i) {
        const ChannelTransfer *transfer = &channel->transfers.items[i];
        Range range = channel_bytes(channel, transfer->pieces, units, unit);
        int64_t from = channel->ranks.items[transfer->from];
        const TopologyNode *node =
            topology_node(topology_of(schedule), node_number(schedule, from));
        largest = fmax(largest, (double)(range.end - range.begin));
        add_pair(&traffic, from, channel->ranks.items[transfer->to],
                 (double)(range.end - range.begin));
        if (!slowest || node->link.latency > slowest->link.latency)
            slowest = node;
    }
    CostDemand demand = sends_demand(arena, &traffic, slowest, largest, 1, at);
    demand.fixed += adding(schedule, channel, units, unit, at);
    arena_free(&scratch);
    return demand;
}

/* Probability that a row's top-k of E experts, drawn without replacement, has one of `slots`. */
static double hit(const Model *model, int64_t slots) {
    double miss = 1;
    for (int64_t i = 0; i < model->top_k; ++i)
        miss *= fmax(0, (double)(model->experts - slots - i)) / (double)(model->experts - i);
    return 1 - miss;
}

/* Bytes between source and target are rows of the source x `per_row` of the target + `fixed`.
 * Padded: the bounds. Exact: under uniform routing. */
static double per_row(const Schedule *schedule, const Exchange *exchange, bool dispatch,
                      int64_t slots) {
    const PlanInputs *inputs = &schedule->plan->inputs;
    const Model *model = &inputs->model;
    double row = (double)(model->hidden * element_bytes(inputs->workload.dtype));
    double choices = (double)model->top_k;
    bool exact = exchange->mode == MODE_EXACT;
    if (dispatch)
        return (row + 4 * choices) * (exact ? hit(model, slots) : 1);
    if (exact)
        return row * choices * (double)slots / (double)model->experts;
    return row * fmin(choices, (double)slots);
}

/* Sums over the targets, in all and by node: what one source gives to each is a product. */
typedef struct Targets {
    double *weight;    /* [targets] bytes a row */
    double *of_rank;   /* [world] the same by rank */
    double *rank_rows; /* [world] rows of the source there */
    double *of_node;   /* [nodes] */
    double *node_rows; /* [nodes] rows of the sources there */
    double *node_sources, *node_targets;
    double weights, rows, count;
} Targets;

static Targets targets_of(Arena *scratch, const Schedule *schedule, const Exchange *exchange,
                          bool dispatch) {
    int64_t nodes = topology_node_count(topology_of(schedule));
    Targets targets = {.weight = ARENA_ARRAY(scratch, exchange->targets.count, double),
                       .of_rank = ARENA_ARRAY(scratch, schedule->world, double),
                       .rank_rows = ARENA_ARRAY(scratch, schedule->world, double),
                       .of_node = ARENA_ARRAY(scratch, nodes, double),
                       .node_rows = ARENA_ARRAY(scratch, nodes, double),
                       .node_sources = ARENA_ARRAY(scratch, nodes, double),
                       .node_targets = ARENA_ARRAY(scratch, nodes, double)};
    for (int64_t t = 0; t < exchange->targets.count; ++t) {
        const ExchangeTarget *target = &exchange->targets.items[t];
        double weight = per_row(schedule, exchange, dispatch, target->slots);
        targets.weight[t] = weight;
        targets.of_rank[target->rank] = weight;
        targets.of_node[node_number(schedule, target->rank)] += weight;
        targets.node_targets[node_number(schedule, target->rank)] += 1;
        targets.weights += weight;
        targets.count += 1;
    }
    for (int64_t s = 0; s < exchange->sources.count; ++s) {
        int64_t node = node_number(schedule, exchange->sources.items[s].rank);
        double rows = (double)exchange_source_rows(exchange, s);
        targets.rank_rows[exchange->sources.items[s].rank] = rows;
        targets.node_rows[node] += rows;
        targets.node_sources[node] += 1;
        targets.rows += rows;
    }
    return targets;
}

/* Is this rank a source, a target? */
typedef struct Sides {
    bool *source, *target; /* [world] */
} Sides;

static Sides sides_of(Arena *scratch, const Schedule *schedule, const Exchange *exchange) {
    Sides sides = {ARENA_ARRAY(scratch, schedule->world, bool),
                   ARENA_ARRAY(scratch, schedule->world, bool)};
    for (int64_t s = 0; s < exchange->sources.count; ++s)
        sides.source[exchange->sources.items[s].rank] = true;
    for (int64_t t = 0; t < exchange->targets.count; ++t)
        sides.target[exchange->targets.items[t].rank] = true;
    return sides;
}

/* All pairs at once, in time linear in sources and targets. `each`: bytes that every pair moves
 * whatever its rows. */
static void exchange_traffic(Arena *scratch, const Exchange *exchange, bool dispatch, double each,
                             Traffic *traffic) {
    const Schedule *schedule = traffic->schedule;
    Targets all = targets_of(scratch, schedule, exchange, dispatch);
    Sides sides = sides_of(scratch, schedule, exchange);
    for (int64_t s = 0; s < exchange->sources.count; ++s) {
        int64_t rank = exchange->sources.items[s].rank, node = node_number(schedule, rank);
        double rows = (double)exchange_source_rows(exchange, s);
        double near = rows * (all.of_node[node] - all.of_rank[rank]) +
                      each * (all.node_targets[node] - sides.target[rank]);
        double far =
            rows * (all.weights - all.of_node[node]) + each * (all.count - all.node_targets[node]);
        add_bytes(traffic, cost_link(schedule, rank, !dispatch), near, false);
        add_bytes(traffic, cost_nics(schedule, node, !dispatch), far, true);
    }
    double sources = (double)exchange->sources.count;
    for (int64_t t = 0; t < exchange->targets.count; ++t) {
        int64_t rank = exchange->targets.items[t].rank, node = node_number(schedule, rank);
        double near = all.weight[t] * (all.node_rows[node] - all.rank_rows[rank]) +
                      each * (all.node_sources[node] - sides.source[rank]);
        double far = all.weight[t] * (all.rows - all.node_rows[node]) +
                     each * (sources - all.node_sources[node]);
        add_bytes(traffic, cost_link(schedule, rank, dispatch), near, false);
        add_bytes(traffic, cost_nics(schedule, node, dispatch), far, true);
    }
}

/* Transfers that one source makes to one target, one after the other but `in_flight` at a time. */
static double rounds(const Exchange *exchange, int64_t most) {
    if (exchange->chunk <= 0 || most <= exchange->chunk)
        return 1;
    double transfers = ceil((double)most / (double)exchange->chunk);
    return ceil(transfers / (double)exchange->in_flight);
}

/* The busiest link or the busiest node's NICs, in or out, set the time (as the incast of many
 * sources to few targets does); one latency a round of transfers, one more where counts go first. */
static CostDemand exchange_demand(Arena *arena, const Schedule *schedule, const Op *op,
                                  CostCase at) {
    const Exchange *exchange = &schedule->exchanges.items[op->exchange];
    bool dispatch = op->kind == OP_dispatch;
    Arena scratch = {0};
    Traffic traffic = traffic_begin(&scratch, schedule);
    exchange_traffic(&scratch, exchange, dispatch, dispatch ? 4 : 0, &traffic);
    const TopologyNode *slowest = NULL;
    double weight = 0;
    int64_t most = 0;
    for (int64_t s = 0; s < exchange->sources.count; ++s) {
        int64_t rank = exchange->sources.items[s].rank;
        const TopologyNode *node =
            topology_node(topology_of(schedule), node_number(schedule, rank));
        int64_t rows = exchange_source_rows(exchange, s);
        most = rows > most ? rows : most;
        if (!slowest || node->link.latency > slowest->link.latency)
            slowest = node;
    }
    for (int64_t t = 0; t < exchange->targets.count; ++t)
        weight =
            fmax(weight, per_row(schedule, exchange, dispatch, exchange->targets.items[t].slots));
    double turns = rounds(exchange, most) + (exchange->mode == MODE_EXACT && dispatch);
    CostDemand demand = sends_demand(arena, &traffic, slowest, weight * (double)most, turns, at);
    arena_free(&scratch);
    return demand;
}

CostDemand cost_move(Arena *arena, const Schedule *schedule, int64_t rank, const Op *op,
                     CostCase at) {
    switch (op_info[op->kind].class) {
    case OPCLASS_EXCHANGE:
        return exchange_demand(arena, schedule, op, at);
    case OPCLASS_PAIR:
        return pair_demand(arena, schedule, rank, op, at);
    default:
        assert(op_info[op->kind].class == OPCLASS_COLLECTIVE);
        if (op->kind == OP_transfer)
            return transfers_demand(arena, schedule, op, at);
        return collective_demand(arena, schedule, op, at);
    }
}
