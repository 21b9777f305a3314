/* cost_traffic: what the equations of moves share: bytes by resource, demands made of them, latencies of hops.
 * Internal to cost. Scratch is the caller's; demands lie in the arena given. */
#pragma once

#include "schedule/cost.h"

#include <string.h>

typedef enum CostAlgorithm { COST_RING, COST_TREE, COST_ALGORITHMS } CostAlgorithm;

/* Bytes by resource of one algorithm. */
typedef struct CostTraffic {
    const Schedule *schedule;
    double *bytes;      /* [resources] */
    bool local, across; /* some pair is on one node, on two */
} CostTraffic;

CostTraffic cost_traffic(Arena *scratch, const Schedule *schedule);
void cost_traffic_add(CostTraffic *traffic, int64_t resource, double bytes, bool across);
void cost_traffic_pair(CostTraffic *traffic, int64_t from, int64_t to, double bytes);

/* Seconds of moving it all with this share of every resource, alone. */
double cost_traffic_seconds(const CostTraffic *traffic, double share, CostCase at);

/* `least`: seconds that it takes even where resources have more. */
CostDemand cost_traffic_demand(Arena *arena, const CostTraffic *traffic, double fixed, double share,
                               double least, CostCase at);

/* Seconds before the first hop, and of a hop in a node (NULL: between nodes). */
double cost_base(const CostProtocol *protocol, CostAlgorithm algorithm, CostCase at);
double cost_hop(const Schedule *schedule, const TopologyNode *node, const CostProtocol *protocol,
                CostAlgorithm algorithm, CostCase at);

static inline bool cost_has_nvlink(const TopologyNode *node) {
    return strncmp(node->link.type, "nvlink", strlen("nvlink")) == 0;
}

static inline const TopologyNode *cost_node(const Schedule *schedule, int64_t rank) {
    const Plan *plan = schedule->plan;
    return topology_node(&plan->inputs.topology, plan->ranks.items[rank].node);
}

static inline int64_t cost_node_number(const Schedule *schedule, int64_t rank) {
    return schedule->plan->ranks.items[rank].node;
}

/* cost_sends.c */
CostDemand cost_pair(Arena *arena, const Schedule *schedule, int64_t rank, const Op *op,
                     CostCase at);
CostDemand cost_transfers(Arena *arena, const Schedule *schedule, const Op *op, CostCase at);
CostDemand cost_exchange(Arena *arena, const Schedule *schedule, const Op *op, CostCase at);
