/* cost_traffic: see the header. */
#include "schedule/cost_traffic.h"

#include <math.h>

CostTraffic cost_traffic(Arena *scratch, const Schedule *schedule) {
    return (CostTraffic){.schedule = schedule,
                         .bytes = ARENA_ARRAY(scratch, cost_resource_count(schedule), double)};
}

void cost_traffic_add(CostTraffic *traffic, int64_t resource, double bytes, bool across) {
    if (bytes <= 0)
        return;
    traffic->bytes[resource] += bytes;
    *(across ? &traffic->across : &traffic->local) = true;
}

void cost_traffic_pair(CostTraffic *traffic, int64_t from, int64_t to, double bytes) {
    const Schedule *schedule = traffic->schedule;
    int64_t a = cost_node_number(schedule, from), b = cost_node_number(schedule, to);
    if (from == to)
        return;
    cost_traffic_add(traffic,
                     a != b ? cost_nics(schedule, a, false) : cost_link(schedule, from, false),
                     bytes, a != b);
    cost_traffic_add(traffic, a != b ? cost_nics(schedule, b, true) : cost_link(schedule, to, true),
                     bytes, a != b);
}

double cost_traffic_seconds(const CostTraffic *traffic, double share, CostCase at) {
    double seconds = 0;
    int64_t count = cost_resource_count(traffic->schedule);
    for (int64_t r = 0; r < count; ++r)
        if (traffic->bytes[r] > 0)
            seconds = fmax(seconds,
                           traffic->bytes[r] / (share * cost_capacity(traffic->schedule, r, at)));
    return seconds;
}

CostDemand cost_traffic_demand(Arena *arena, const CostTraffic *traffic, double fixed, double share,
                               double least, CostCase at) {
    CostDemand demand = {.fixed = fixed,
                         .seconds = fmax(least, cost_traffic_seconds(traffic, share, at))};
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

static const CostHops *hops_of(const CostProtocol *protocol, CostAlgorithm algorithm) {
    return algorithm == COST_TREE ? &protocol->tree : &protocol->ring;
}

/* A hop takes what the library needs for one, and no less than the topology states. The lower
 * bound knows only what is stated. */
double cost_hop(const Schedule *schedule, const TopologyNode *node, const CostProtocol *protocol,
                CostAlgorithm algorithm, CostCase at) {
    const TopologyNetwork *network = &schedule->plan->inputs.topology.network;
    const CostHops *hops = hops_of(protocol, algorithm);
    double stated = node ? node->link.latency : network->latency;
    double library = !node ? hops->network : cost_has_nvlink(node) ? hops->nvlink : hops->pcie;
    return fmax(stated, at == COST_LOW ? 0 : library) * cost_factor(COST_LATENCY, at);
}

double cost_base(const CostProtocol *protocol, CostAlgorithm algorithm, CostCase at) {
    double library = at == COST_LOW ? 0 : hops_of(protocol, algorithm)->base;
    return fmax(library, cost_factor(COST_MOVE_BASE, at));
}
