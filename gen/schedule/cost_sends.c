/* cost_sends: what pairs, stages of transfers and exchanges need. Demands lie in the caller's arena, scratch is freed
 * before return. */
#include "schedule/cost_traffic.h"

#include <math.h>

/* --- sends
 * -------------------------------------------------------------------------------------------- */

/* Sends and receives (latency and bandwidth: Hockney 1994), each by a protocol for its size. `turns`
 * of latency one after the other. */
static CostDemand sends_demand(Arena *arena, const CostTraffic *traffic,
                               const TopologyNode *slowest, double largest, double turns,
                               CostCase at) {
    const Schedule *schedule = traffic->schedule;
    const CostMoves *moves = &cost_model()->moves;
    CostDemand best = {.seconds = INFINITY};
    for (int64_t p = 0; p < moves->protocols.count; ++p) {
        const CostProtocol *protocol = &moves->protocols.items[p];
        if (largest > protocol->sends_most)
            continue;
        double near =
            traffic->local && slowest ? cost_hop(schedule, slowest, protocol, COST_RING, at) : 0;
        double far = traffic->across ? cost_hop(schedule, NULL, protocol, COST_RING, at) : 0;
        double fixed = cost_base(protocol, COST_RING, at) + turns * fmax(near, far);
        double share = at == COST_LOW ? 1 : protocol->payload;
        double seconds = cost_traffic_seconds(traffic, share, at);
        if (fixed + seconds >= cost_alone(&best))
            continue;
        best = cost_traffic_demand(arena, traffic, fixed, share, 0, at);
        best.how = arena_printf(arena, "sends, %s", protocol->name);
    }
    return best;
}

CostDemand cost_pair(Arena *arena, const Schedule *schedule, int64_t rank, const Op *op,
                     CostCase at) {
    Arena scratch = {0};
    const IntList *ends = &schedule->channels.items[op->channel].ranks;
    double bytes = (double)op->args[op_arg((OpKind)op->kind, "bytes")].value;
    int64_t other = ends->items[ends->items[0] == rank];
    int64_t from = op->kind == OP_send ? rank : other, to = op->kind == OP_send ? other : rank;
    CostTraffic traffic = cost_traffic(&scratch, schedule);
    cost_traffic_pair(&traffic, from, to, bytes);
    const TopologyNode *node = cost_node(schedule, rank);
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
        double bandwidth = cost_node(schedule, channel->ranks.items[i])->gpu.bandwidth;
        if (bytes[i] > 0)
            seconds = fmax(seconds, cost_factor(COST_LAUNCH, at) + 3 * bytes[i] / bandwidth);
    }
    arena_free(&scratch);
    return seconds;
}

/* A stage of transfers: one group of sends and receives, then the sums. */
CostDemand cost_transfers(Arena *arena, const Schedule *schedule, const Op *op, CostCase at) {
    const Channel *channel = &schedule->channels.items[op->channel];
    int64_t units = op->args[op_arg(OP_transfer, "units")].value;
    int64_t unit = op->args[op_arg(OP_transfer, "unit_bytes")].value;
    const TopologyNode *slowest = NULL;
    double largest = 0;
    Arena scratch = {0};
    CostTraffic traffic = cost_traffic(&scratch, schedule);
    for (int64_t i = 0; i < channel->transfers.count; ++i) {
        const ChannelTransfer *transfer = &channel->transfers.items[i];
        Range range = channel_bytes(channel, transfer->pieces, units, unit);
        int64_t from = channel->ranks.items[transfer->from];
        const TopologyNode *node = cost_node(schedule, from);
        largest = fmax(largest, (double)(range.end - range.begin));
        cost_traffic_pair(&traffic, from, channel->ranks.items[transfer->to],
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
                      int64_t target) {
    int64_t slots = exchange->targets.items[target].slots;
    int64_t chosen = exchange_chosen_slots(schedule, exchange, target);
    const PlanInputs *inputs = &schedule->plan->inputs;
    const Model *model = &inputs->model;
    double row = (double)(model->hidden * element_bytes(inputs->workload.dtype));
    double choices = (double)schedule->top_k;
    bool exact = exchange->mode == MODE_EXACT;
    if (dispatch)
        return (row + 4 * choices) * (exact ? hit(model, chosen) : 1);
    if (exact)
        return row * (double)model->top_k * (double)chosen / (double)model->experts;
    return row * fmin(choices, (double)slots);
}

/* More bytes a row where all rows of a source go to the target, for what all tokens pass: padded windows have them. */
static double sent_anyway(const Schedule *schedule, const Exchange *exchange, bool dispatch,
                          int64_t source, int64_t target) {
    const Model *model = &schedule->plan->inputs.model;
    double row = (double)schedule->row_bytes;
    if (exchange->mode != MODE_EXACT || !exchange_sends_all(schedule, exchange, source, target))
        return 0;
    if (!dispatch)
        return row;
    int64_t chosen = exchange_chosen_slots(schedule, exchange, target);
    return (row + 4 * (double)schedule->top_k) * (1 - hit(model, chosen));
}

/* The same for all pairs; a source has few such targets. */
static void add_sent_anyway(const Exchange *exchange, bool dispatch, CostTraffic *traffic) {
    const Schedule *schedule = traffic->schedule;
    if (schedule->experts == schedule->plan->inputs.model.experts)
        return;
    for (int64_t s = 0; s < exchange->sources.count; ++s)
        for (int64_t t = 0; t < exchange->targets.count; ++t) {
            int64_t owner = exchange->sources.items[s].rank,
                    holder = exchange->targets.items[t].rank;
            double bytes = (double)exchange_source_rows(exchange, s) *
                           sent_anyway(schedule, exchange, dispatch, s, t);
            if (bytes > 0)
                cost_traffic_pair(traffic, dispatch ? owner : holder, dispatch ? holder : owner,
                                  bytes);
        }
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
    int64_t nodes = topology_node_count(&schedule->plan->inputs.topology);
    Targets targets = {.weight = ARENA_ARRAY(scratch, exchange->targets.count, double),
                       .of_rank = ARENA_ARRAY(scratch, schedule->world, double),
                       .rank_rows = ARENA_ARRAY(scratch, schedule->world, double),
                       .of_node = ARENA_ARRAY(scratch, nodes, double),
                       .node_rows = ARENA_ARRAY(scratch, nodes, double),
                       .node_sources = ARENA_ARRAY(scratch, nodes, double),
                       .node_targets = ARENA_ARRAY(scratch, nodes, double)};
    for (int64_t t = 0; t < exchange->targets.count; ++t) {
        const ExchangeTarget *target = &exchange->targets.items[t];
        double weight = per_row(schedule, exchange, dispatch, t);
        targets.weight[t] = weight;
        targets.of_rank[target->rank] = weight;
        targets.of_node[cost_node_number(schedule, target->rank)] += weight;
        targets.node_targets[cost_node_number(schedule, target->rank)] += 1;
        targets.weights += weight;
        targets.count += 1;
    }
    for (int64_t s = 0; s < exchange->sources.count; ++s) {
        int64_t node = cost_node_number(schedule, exchange->sources.items[s].rank);
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
                             CostTraffic *traffic) {
    const Schedule *schedule = traffic->schedule;
    Targets all = targets_of(scratch, schedule, exchange, dispatch);
    Sides sides = sides_of(scratch, schedule, exchange);
    for (int64_t s = 0; s < exchange->sources.count; ++s) {
        int64_t rank = exchange->sources.items[s].rank, node = cost_node_number(schedule, rank);
        double rows = (double)exchange_source_rows(exchange, s);
        double near = rows * (all.of_node[node] - all.of_rank[rank]) +
                      each * (all.node_targets[node] - sides.target[rank]);
        double far =
            rows * (all.weights - all.of_node[node]) + each * (all.count - all.node_targets[node]);
        cost_traffic_add(traffic, cost_link(schedule, rank, !dispatch), near, false);
        cost_traffic_add(traffic, cost_nics(schedule, node, !dispatch), far, true);
    }
    double sources = (double)exchange->sources.count;
    for (int64_t t = 0; t < exchange->targets.count; ++t) {
        int64_t rank = exchange->targets.items[t].rank, node = cost_node_number(schedule, rank);
        double near = all.weight[t] * (all.node_rows[node] - all.rank_rows[rank]) +
                      each * (all.node_sources[node] - sides.source[rank]);
        double far = all.weight[t] * (all.rows - all.node_rows[node]) +
                     each * (sources - all.node_sources[node]);
        cost_traffic_add(traffic, cost_link(schedule, rank, dispatch), near, false);
        cost_traffic_add(traffic, cost_nics(schedule, node, dispatch), far, true);
    }
    add_sent_anyway(exchange, dispatch, traffic);
}

/* Transfers that one source makes to one target, one after the other but `in_flight` at a time. */
static double rounds(const Exchange *exchange, int64_t most) {
    if (exchange->chunk <= 0 || most <= exchange->chunk)
        return 1;
    double transfers = ceil((double)most / (double)exchange->chunk);
    return ceil(transfers / (double)exchange->in_flight);
}

/* Stages one after the other, each a group of sends and receives. */
static CostDemand hops_demand(Arena *arena, const Schedule *schedule, const Exchange *exchange,
                              bool back, const TopologyNode *slowest, CostCase at) {
    int64_t count = exchange->hops[back].count;
    Arena scratch = {0};
    CostTraffic all = cost_traffic(&scratch, schedule);
    double fixed = 0, seconds = 0;
    for (int64_t i = 0, stage; i < count;) {
        CostTraffic traffic = cost_traffic(&scratch, schedule);
        double largest = 0;
        for (stage = exchange->hops[back].items[i].stage;
             i < count && exchange->hops[back].items[i].stage == stage; ++i) {
            const ExchangeHop *hop = &exchange->hops[back].items[i];
            double rows = (double)exchange_source_rows(exchange, hop->source);
            double bytes = rows * per_row(schedule, exchange, !back, hop->target) +
                           rows * sent_anyway(schedule, exchange, !back, hop->source, hop->target) +
                           (back ? 0 : 4);
            cost_traffic_pair(&traffic, hop->from, hop->to, bytes);
            cost_traffic_pair(&all, hop->from, hop->to, bytes);
            largest = fmax(largest, bytes);
        }
        double turns = 1 + (exchange->mode == MODE_EXACT && !back);
        CostDemand demand = sends_demand(&scratch, &traffic, slowest, largest, turns, at);
        fixed += demand.fixed;
        seconds += demand.seconds;
    }
    CostDemand demand = cost_traffic_demand(arena, &all, fixed, 1, seconds, at);
    demand.how = "sends, in stages";
    arena_free(&scratch);
    return demand;
}

/* The busiest link or the busiest node's NICs, in or out, set the time (as the incast of many
 * sources to few targets does); one latency a round of transfers, one more where counts go first. */
CostDemand cost_exchange(Arena *arena, const Schedule *schedule, const Op *op, CostCase at) {
    const Exchange *exchange = &schedule->exchanges.items[op->exchange];
    bool dispatch = op->kind == OP_dispatch;
    Arena scratch = {0};
    CostTraffic traffic = cost_traffic(&scratch, schedule);
    exchange_traffic(&scratch, exchange, dispatch, dispatch ? 4 : 0, &traffic);
    const TopologyNode *slowest = NULL;
    double weight = 0;
    int64_t most = 0;
    for (int64_t s = 0; s < exchange->sources.count; ++s) {
        int64_t rank = exchange->sources.items[s].rank;
        const TopologyNode *node = cost_node(schedule, rank);
        int64_t rows = exchange_source_rows(exchange, s);
        most = rows > most ? rows : most;
        if (!slowest || node->link.latency > slowest->link.latency)
            slowest = node;
    }
    for (int64_t t = 0; t < exchange->targets.count; ++t)
        weight = fmax(weight, per_row(schedule, exchange, dispatch, t));
    if (exchange->mode == MODE_EXACT && schedule->experts > schedule->plan->inputs.model.experts)
        weight += (double)schedule->row_bytes; /* to where all rows of a source go */
    if (exchange->hops[!dispatch].count > 0) {
        arena_free(&scratch);
        return hops_demand(arena, schedule, exchange, !dispatch, slowest, at);
    }
    double turns = rounds(exchange, most) + (exchange->mode == MODE_EXACT && dispatch);
    CostDemand demand = sends_demand(arena, &traffic, slowest, weight * (double)most, turns, at);
    arena_free(&scratch);
    return demand;
}
