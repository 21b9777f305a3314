/* cost_moves: what collectives need, and the way to all demands. Bytes on each resource follow from the algorithm and
 * from who sends what to whom; latencies and what protocols make of bandwidth are the model's. Demands lie in the
 * caller's arena, scratch is freed before return. It knows neither times nor order. */
#include "schedule/cost_traffic.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

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
        member->node = cost_node_number(schedule, member->rank);
        member->bytes = unit * (double)(units * own.end / channel->pieces -
                                        units * own.begin / channel->pieces);
        c.bytes = op->kind == OP_all_reduce ? member->bytes : c.bytes + member->bytes;
        const TopologyNode *node = cost_node(schedule, member->rank);
        c.nvlink = c.nvlink && cost_has_nvlink(node);
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
static void ring_traffic(const Collective *c, CostTraffic *traffic) {
    double n = (double)c->count;
    for (int64_t i = 0; i < c->count; ++i) {
        const Member *member = &c->members[i], *next = &c->members[(i + 1) % c->count];
        double bytes = c->bytes - (c->op->kind == OP_all_gather ? next : member)->bytes;
        if (c->op->kind == OP_all_reduce)
            bytes = 2 * (n - 1) / n * c->bytes;
        cost_traffic_pair(traffic, member->rank, next->rank, bytes);
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
static void tree_traffic(const Collective *c, Arena *scratch, CostTraffic *traffic) {
    int64_t *node = ARENA_ARRAY(scratch, c->nodes, int64_t), n = 0;
    for (int64_t i = 0; i < c->count; ++i) {
        const Member *member = &c->members[i];
        if (i == 0 || c->members[i - 1].node != member->node) {
            node[n++] = member->node;
            continue;
        }
        cost_traffic_pair(traffic, c->members[i - 1].rank, member->rank, c->bytes);
        cost_traffic_pair(traffic, member->rank, c->members[i - 1].rank, c->bytes);
    }
    for (int64_t place = 1; place < n; ++place)
        for (int second = 0; second < 2; ++second) {
            int64_t ends[2] = {place, tree_parent(place, n)};
            for (int e = 0; e < 2; ++e) {
                int64_t at = !second ? ends[e] : n % 2 ? (ends[e] + 1) % n : n - 1 - ends[e];
                cost_traffic_add(traffic, cost_nics(c->schedule, node[at], false), c->bytes / 2,
                                 true);
                cost_traffic_add(traffic, cost_nics(c->schedule, node[at], true), c->bytes / 2,
                                 true);
            }
        }
}

/* NCCL tuning.cc: of a ring's n - 1 steps N - 1 cross the network; a tree goes up and down the
 * chain of a node and log2 N levels. */
static double latency(const Collective *c, const CostProtocol *protocol, CostAlgorithm algorithm,
                      CostCase at) {
    double n = (double)c->count, nodes = (double)c->nodes;
    double near = cost_hop(c->schedule, c->slowest, protocol, algorithm, at);
    double far = c->nodes > 1 ? cost_hop(c->schedule, NULL, protocol, algorithm, at) : 0;
    bool reduce = c->op->kind == OP_all_reduce, several = c->nodes > 1 && at != COST_LOW;
    if (several)
        near *= protocol->near_factor;
    if (algorithm == COST_TREE)
        return 2 * ((ceil(n / nodes) - 1) * near + ceil(log2(nodes)) * far);
    double seconds = (reduce ? 2 : 1) * ((n - nodes) * near + (nodes - 1) * far);
    bool plateau = reduce && several && c->bytes / n >= protocol->plateau_from;
    return seconds * (plateau ? protocol->plateau_factor : 1);
}

static double share_of(const Collective *c, const CostProtocol *protocol, CostAlgorithm algorithm,
                       CostCase at) {
    const RealList *by_size = &protocol->tree_by_size;
    if (at == COST_LOW)
        return 1;
    if (algorithm == COST_RING)
        return protocol->payload;
    int64_t size = c->bytes >= 128 ? (int64_t)log2(c->bytes / 64) : 0;
    double correction = size < by_size->count ? by_size->items[size] : 1;
    return protocol->payload * cost_model()->moves.tree_share * correction;
}

/* Seconds of an edge's bytes at the most that the protocol reaches, whatever the links have. */
static double least(const Collective *c, const CostProtocol *protocol, CostCase at) {
    const char *gpu = cost_node(c->schedule, c->members[0].rank)->gpu.type;
    double n = (double)c->count, passes = c->op->kind == OP_all_reduce ? 2 : 1;
    for (int64_t i = 0; at != COST_LOW && i < protocol->most.count; ++i) {
        const CostMost *most = &protocol->most.items[i];
        if (strncmp(gpu, most->gpu, strlen(most->gpu)) != 0)
            continue;
        double reached = c->nodes == 1 ? most->one : c->nodes < 4 ? most->two : most->more;
        return passes * (n - 1) / n * c->bytes / reached;
    }
    return 0;
}

/* The quickest of the algorithms and protocols that the library would choose from at this size. */
static CostDemand collective_demand(Arena *arena, const Schedule *schedule, const Op *op,
                                    CostCase at) {
    Arena scratch = {0};
    const CostMoves *moves = &cost_model()->moves;
    Collective c = collective_of(&scratch, schedule, op);
    CostTraffic traffic[COST_ALGORITHMS] = {cost_traffic(&scratch, schedule),
                                            cost_traffic(&scratch, schedule)};
    CostDemand best = {.seconds = INFINITY, .how = "nothing to move"};
    bool trees = op->kind == OP_all_reduce;
    ring_traffic(&c, &traffic[COST_RING]);
    if (trees)
        tree_traffic(&c, &scratch, &traffic[COST_TREE]);
    for (int64_t p = 0; c.count > 1 && p < moves->protocols.count; ++p)
        for (int a = COST_RING; a <= (trees ? COST_TREE : COST_RING); ++a) {
            const CostProtocol *protocol = &moves->protocols.items[p];
            CostAlgorithm algorithm = (CostAlgorithm)a;
            double fixed =
                cost_base(protocol, algorithm, at) + latency(&c, protocol, algorithm, at);
            double share = share_of(&c, protocol, algorithm, at), low = least(&c, protocol, at);
            double alone = fixed + fmax(low, cost_traffic_seconds(&traffic[a], share, at));
            if ((protocol->nvlink_only && !c.nvlink) || alone >= cost_alone(&best))
                continue;
            best = cost_traffic_demand(arena, &traffic[a], fixed, share, low, at);
            best.how =
                arena_printf(arena, "%s, %s", a == COST_RING ? "ring" : "tree", protocol->name);
        }
    if (c.count < 2)
        best.seconds = 0;
    arena_free(&scratch);
    return best;
}

static CostDemand move_demand(Arena *arena, const Schedule *schedule, int64_t rank, const Op *op,
                              CostCase at) {
    switch (op_info[op->kind].class) {
    case OPCLASS_EXCHANGE:
        return cost_exchange(arena, schedule, op, at);
    case OPCLASS_PAIR:
        return cost_pair(arena, schedule, rank, op, at);
    default:
        assert(op_info[op->kind].class == OPCLASS_COLLECTIVE);
        if (op->kind == OP_transfer)
            return cost_transfers(arena, schedule, op, at);
        return collective_demand(arena, schedule, op, at);
    }
}

CostDemand cost_move(Arena *arena, const Schedule *schedule, int64_t rank, const Op *op,
                     CostCase at) {
    CostDemand demand = move_demand(arena, schedule, rank, op, at);
    cost_measured_move(schedule, op, at, &demand);
    return demand;
}
