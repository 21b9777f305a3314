/* cost: the equations. Constant tables and pure functions; scratch is freed before return. */
#include "schedule/cost.h"

#include "schedule/walk.h"

#include <math.h>

const char *const cost_case_names[COST_CASES] = {"low", "expected", "high"};

const CostFactor cost_factors[COST_FACTORS] = {
    [COST_LAUNCH] = {"kernel_launch", "s", {0, 4e-6, 10e-6}, "assumed; none in a captured graph"},
    [COST_COMPUTE] = {"compute_efficiency", "of the efficiency by size", {1, 1, 0.5}, "assumed"},
    [COST_MEMORY] = {"memory_efficiency", "of the efficiency by size", {1, 1, 0.5}, "assumed"},
    [COST_MOVE_BASE] = {"move_base",
                        "s",
                        {0, 8.4e-6, 20e-6},
                        "NCCL 2.30 tuning.cc, ring, Simple; high: Vidur's NCCL launch"},
    [COST_LINK_EFFICIENCY] = {"link_efficiency",
                              "of the link's bandwidth",
                              {1, 0.8, 0.5},
                              "NCCL topo.h: 240 of 300 GB/s; high: Vidur's 8 x A100 all-reduce"},
    [COST_NIC_EFFICIENCY] = {"nic_efficiency",
                             "of the NIC's bandwidth",
                             {1, 0.96, 0.72},
                             "NCCL topo.h: 24 of 25 GB/s; high: Vidur's H100 rows between nodes"},
    [COST_LATENCY] = {"latency_factor", "times the topology's", {1, 1, 2}, "assumed"},
};

/* In the lower bound all work is at full efficiency, whatever its size. */
const CostEfficiency cost_flops_efficiency[] = {{128e9, .95}, {16e9, .9}, {1e9, .6}, {0, .1}};
const CostEfficiency cost_memory_efficiency[] = {{100e6, .9}, {10e6, .75}, {1e6, .6}, {0, .3}};
const char cost_efficiency_source[] =
    "Calculon, systems/*.json: matrix and memory efficiency by size";

static double factor(CostFactorId id, CostCase at) {
    return cost_factors[id].value[at];
}

static double efficiency(const CostEfficiency *table, double amount, CostFactorId share,
                         CostCase at) {
    if (at == COST_LOW)
        return 1;
    while (amount < table->amount)
        ++table;
    return table->efficiency * factor(share, at);
}

static const TopologyNode *node_of(const Schedule *schedule, int64_t rank) {
    const Plan *plan = schedule->plan;
    return topology_node(&plan->inputs.topology, plan->ranks.items[rank].node);
}

/* Roofline (Williams, Waterman, Patterson 2009) with efficiency by size:
 * launch + max(FLOP / (peak x e), bytes / (bandwidth x e)). */
double cost_kernel(const Schedule *schedule, int64_t rank, const Op *op, CostCase at) {
    const TopologyGpu *gpu = &node_of(schedule, rank)->gpu;
    bool single = schedule->plan->inputs.workload.dtype == ELEMENT_F32;
    double peak = single ? gpu->flops_f32 : gpu->flops;
    double compute =
        op->flops / (peak * efficiency(cost_flops_efficiency, op->flops, COST_COMPUTE, at));
    double memory = op->bytes / (gpu->bandwidth *
                                 efficiency(cost_memory_efficiency, op->bytes, COST_MEMORY, at));
    return factor(COST_LAUNCH, at) + fmax(compute, memory);
}

/* --- links and NICs
 * ----------------------------------------------------------------------------------- */

static double nic_bandwidth(const Schedule *schedule, int64_t rank, CostCase at) {
    const TopologyNode *node = node_of(schedule, rank);
    return (double)node->nics * node->nic_bandwidth * factor(COST_NIC_EFFICIENCY, at) /
           schedule->plan->inputs.topology.network.oversubscription;
}

static int64_t node_number(const Schedule *schedule, int64_t rank) {
    return schedule->plan->ranks.items[rank].node;
}

static bool has_rank(const IntList *ranks, int64_t rank) {
    for (int64_t i = 0; i < ranks->count; ++i)
        if (ranks->items[i] == rank)
            return true;
    return false;
}

static bool disjoint(const IntList *a, const IntList *b) {
    for (int64_t i = 0; i < b->count; ++i)
        if (has_rank(a, b->items[i]))
            return false;
    return true;
}

static int64_t nodes_of(const Schedule *schedule, const IntList *ranks) {
    int64_t nodes = 0;
    for (int64_t i = 0; i < ranks->count; ++i) {
        bool again = false;
        for (int64_t k = 0; k < i; ++k)
            again = again || node_number(schedule, ranks->items[k]) ==
                                 node_number(schedule, ranks->items[i]);
        nodes += !again;
    }
    return nodes;
}

/* The channel that moves the same thing for this rank at the same time, through the same NICs:
 * of the same kind of move, across nodes, with none of our ranks (else it is another stage). */
static const Channel *rival(const Schedule *schedule, const Channel *channel, int64_t rank) {
    for (int64_t i = 0; i < schedule->channels.count; ++i) {
        const Channel *other = &schedule->channels.items[i];
        if (!other->is_exchange && other->move == channel->move && has_rank(&other->ranks, rank) &&
            disjoint(&channel->ranks, &other->ranks) && nodes_of(schedule, &other->ranks) > 1)
            return other;
    }
    return NULL;
}

/* How many rings share the NICs of a node with this channel, itself included: the rails of a
 * hierarchical move, the groups of a flat one. */
static int64_t sharers(const Schedule *schedule, const Channel *channel, int64_t node) {
    int64_t count = 1;
    for (int64_t rank = 0; rank < schedule->world; ++rank) {
        if (node_number(schedule, rank) != node || has_rank(&channel->ranks, rank))
            continue;
        const Channel *other = rival(schedule, channel, rank);
        bool first = other != NULL;
        for (int64_t i = 0; first && i < other->ranks.count && other->ranks.items[i] != rank; ++i)
            first = node_number(schedule, other->ranks.items[i]) != node;
        count += first;
    }
    return count;
}

/* Ring (Patarasuk and Yuan 2009; nccl-tests PERFORMANCE.md): a reduce-scatter or all-gather of S
 * bytes over n members moves (n - 1) / n x S over every edge in n - 1 steps, an all-reduce twice
 * that. The ring visits nodes one after the other, so that N of its steps' hops cross the
 * network (NCCL tuning.cc: of n - 1 steps N - 1 pay the network's latency), and its slowest edge
 * sets the pace. */
double cost_collective(const Schedule *schedule, const Op *op, CostCase at) {
    const Channel *channel = &schedule->channels.items[op->channel];
    double n = (double)channel->ranks.count, pieces = 0, pace = INFINITY, hop = 0;
    double nodes = (double)nodes_of(schedule, &channel->ranks);
    if (channel->ranks.count < 2)
        return 0;
    for (int64_t i = 0; i < channel->ranks.count; ++i) {
        int64_t rank = channel->ranks.items[i];
        const TopologyNode *node = node_of(schedule, rank);
        double own = (double)(channel->own.items[i].end - channel->own.items[i].begin);
        pieces = op->kind == OP_all_reduce ? own : pieces + own;
        hop = fmax(hop, node->link.latency);
        if (n > nodes)
            pace = fmin(pace, node->link.bandwidth * factor(COST_LINK_EFFICIENCY, at));
        if (nodes > 1)
            pace = fmin(pace, nic_bandwidth(schedule, rank, at) /
                                  (double)sharers(schedule, channel, node_number(schedule, rank)));
    }
    double units = (double)op->args[op_arg((OpKind)op->kind, "units")].value;
    double unit = (double)op->args[op_arg((OpKind)op->kind, "unit_bytes")].value;
    double bytes = units * unit * pieces / (double)channel->pieces;
    double passes = op->kind == OP_all_reduce ? 2 : 1;
    double latency =
        factor(COST_LATENCY, at) *
        ((n - nodes) * hop + (nodes - 1) * schedule->plan->inputs.topology.network.latency);
    return factor(COST_MOVE_BASE, at) + passes * (latency + (n - 1) / n * bytes / pace);
}

/* One transfer over a link, or from NIC to NIC (latency and bandwidth: Hockney 1994). A pipeline stage of
 * several ranks on a node sends over its NICs at once, which share them. */
double cost_pair(const Schedule *schedule, const Op *op, CostCase at) {
    const Channel *channel = &schedule->channels.items[op->channel];
    double bytes = (double)op->args[op_arg((OpKind)op->kind, "bytes")].value;
    double nodes = (double)nodes_of(schedule, &channel->ranks), pace = INFINITY, latency = 0;
    for (int64_t i = 0; i < channel->ranks.count; ++i) {
        int64_t rank = channel->ranks.items[i];
        const TopologyNode *node = node_of(schedule, rank);
        latency = fmax(latency, nodes > 1 ? schedule->plan->inputs.topology.network.latency
                                          : node->link.latency);
        pace = fmin(pace, nodes > 1
                              ? nic_bandwidth(schedule, rank, at) /
                                    (double)sharers(schedule, channel, node_number(schedule, rank))
                              : node->link.bandwidth * factor(COST_LINK_EFFICIENCY, at));
    }
    return factor(COST_MOVE_BASE, at) + factor(COST_LATENCY, at) * latency + bytes / pace;
}

/* --- exchanges
 * ---------------------------------------------------------------------------------------- */

/* Probability that a row's top-k of E experts, drawn without replacement, has one of `slots`. */
static double hit(const Model *model, int64_t slots) {
    double miss = 1;
    for (int64_t i = 0; i < model->top_k; ++i)
        miss *= fmax(0, (double)(model->experts - slots - i)) / (double)(model->experts - i);
    return 1 - miss;
}

/* Bytes from source to target in dispatch, back in combine. Padded: the bounds. Exact: under
 * uniform routing. */
static double pair_bytes(const Schedule *schedule, const Exchange *exchange, bool dispatch,
                         int64_t source, int64_t target) {
    const PlanInputs *inputs = &schedule->plan->inputs;
    double row = (double)(inputs->model.hidden * element_bytes(inputs->workload.dtype));
    double meta = 4 * (double)inputs->model.top_k;
    double rows = (double)exchange_source_rows(exchange, source);
    int64_t slots = exchange->targets.items[target].slots;
    bool exact = exchange->mode == MODE_EXACT;
    if (dispatch)
        return 4 + (row + meta) * rows * (exact ? hit(&inputs->model, slots) : 1);
    if (!exact)
        return row * (double)exchange_return_rows(exchange, source, target, inputs->model.top_k);
    return row * rows * (double)inputs->model.top_k * (double)slots / (double)inputs->model.experts;
}

typedef struct Traffic {
    double *out, *in;         /* [world] over links within nodes */
    double *nic_out, *nic_in; /* [nodes] */
    bool crosses;             /* some pair is on two nodes */
} Traffic;

static void add_pair(const Schedule *schedule, Traffic *traffic, int64_t from, int64_t to,
                     double bytes) {
    int64_t a = node_number(schedule, from), b = node_number(schedule, to);
    if (from == to)
        return;
    traffic->crosses = traffic->crosses || a != b;
    if (a == b) {
        traffic->out[from] += bytes;
        traffic->in[to] += bytes;
    } else {
        traffic->nic_out[a] += bytes;
        traffic->nic_in[b] += bytes;
    }
}

/* Transfers that one source makes to one target, one after the other but `in_flight` at a time. */
static double rounds(const Exchange *exchange) {
    int64_t most = 0;
    for (int64_t s = 0; s < exchange->sources.count; ++s) {
        int64_t rows = exchange_source_rows(exchange, s);
        most = rows > most ? rows : most;
    }
    if (exchange->chunk <= 0 || most <= exchange->chunk)
        return 1;
    double transfers = ceil((double)most / (double)exchange->chunk);
    return ceil(transfers / (double)exchange->in_flight);
}

/* All pairs at once: the busiest link or the busiest node's NICs, in or out, set the time (as
 * the incast of many sources to few targets does); one latency a round of transfers, one more
 * where counts go first. */
double cost_exchange(const Schedule *schedule, const Op *op, CostCase at) {
    const Exchange *exchange = &schedule->exchanges.items[op->exchange];
    const Topology *topology = &schedule->plan->inputs.topology;
    Arena scratch = {0};
    int64_t nodes = topology_node_count(topology);
    Traffic traffic = {.out = ARENA_ARRAY(&scratch, schedule->world, double),
                       .in = ARENA_ARRAY(&scratch, schedule->world, double),
                       .nic_out = ARENA_ARRAY(&scratch, nodes, double),
                       .nic_in = ARENA_ARRAY(&scratch, nodes, double)};
    for (int64_t s = 0; s < exchange->sources.count; ++s)
        for (int64_t t = 0; t < exchange->targets.count; ++t) {
            int64_t source = exchange->sources.items[s].rank;
            int64_t target = exchange->targets.items[t].rank;
            bool dispatch = op->kind == OP_dispatch;
            add_pair(schedule, &traffic, dispatch ? source : target, dispatch ? target : source,
                     pair_bytes(schedule, exchange, dispatch, s, t));
        }
    double seconds = 0, latency = traffic.crosses ? topology->network.latency : 0;
    for (int64_t rank = 0; rank < schedule->world; ++rank) {
        const TopologyLink *link = &node_of(schedule, rank)->link;
        double most = fmax(traffic.out[rank], traffic.in[rank]);
        double pace = link->bandwidth * factor(COST_LINK_EFFICIENCY, at);
        if (most > 0)
            latency = fmax(latency, link->latency);
        seconds = fmax(seconds, most / pace);
        most = fmax(traffic.nic_out[node_number(schedule, rank)],
                    traffic.nic_in[node_number(schedule, rank)]);
        if (most > 0)
            seconds = fmax(seconds, most / nic_bandwidth(schedule, rank, at));
    }
    arena_free(&scratch);
    double turns = rounds(exchange) + (exchange->mode == MODE_EXACT && op->kind == OP_dispatch);
    return factor(COST_MOVE_BASE, at) + turns * factor(COST_LATENCY, at) * latency + seconds;
}
