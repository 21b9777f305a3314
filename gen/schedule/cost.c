/* cost: kernels, resources, and the constants of all equations. Constant tables and pure
 * functions. The equations of moves are in cost_moves.c. */
#include "schedule/cost.h"

#include <math.h>

const char *const cost_case_names[COST_CASES] = {"low", "expected", "high"};

const CostFactor cost_factors[COST_FACTORS] = {
    [COST_LAUNCH] = {"kernel_launch", "s", {0, 4e-6, 10e-6}, "assumed; none in a captured graph"},
    [COST_COMPUTE] = {"compute_efficiency", "of the efficiency by size", {1, 1, 0.5}, "assumed"},
    [COST_MEMORY] = {"memory_efficiency", "of the efficiency by size", {1, 1, 0.5}, "assumed"},
    [COST_MOVE_BASE] = {"move_base",
                        "s, at the least",
                        {0, 0, 20e-6},
                        "expected: by protocol; high: Vidur's NCCL launch"},
    [COST_LINK_EFFICIENCY] = {"link_efficiency",
                              "of the link's bandwidth",
                              {1, 0.8, 0.5},
                              "NCCL topo.h: 240 of 300 GB/s; high: Vidur's 8 x A100 all-reduce"},
    [COST_NIC_EFFICIENCY] = {"nic_efficiency",
                             "of the NIC's bandwidth",
                             {1, 0.96, 0.72},
                             "NCCL topo.h: 24 of 25 GB/s; high: Vidur's H100 rows between nodes"},
    [COST_LATENCY] = {"latency_factor", "times the latency of hops", {1, 1, 2}, "assumed"},
};

/* In the lower bound all work is at full efficiency, whatever its size. */
const CostEfficiency cost_flops_efficiency[] = {{128e9, .95}, {16e9, .9}, {1e9, .6}, {0, .1}};
const CostEfficiency cost_memory_efficiency[] = {{100e6, .9}, {10e6, .75}, {1e6, .6}, {0, .3}};
const char cost_efficiency_source[] =
    "Calculon, systems/*.json: matrix and memory efficiency by size";

static double efficiency(const CostEfficiency *table, double amount, CostFactorId share,
                         CostCase at) {
    if (at == COST_LOW)
        return 1;
    while (amount < table->amount)
        ++table;
    return table->efficiency * cost_factors[share].value[at];
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
    return cost_factors[COST_LAUNCH].value[at] + fmax(compute, memory);
}

/* --- resources
 * ---------------------------------------------------------------------------------------- */

int64_t cost_resource_count(const Schedule *schedule) {
    return 2 * (schedule->world + topology_node_count(&schedule->plan->inputs.topology));
}

int64_t cost_link(const Schedule *schedule, int64_t rank, bool in) {
    (void)schedule;
    return 2 * rank + in;
}

int64_t cost_nics(const Schedule *schedule, int64_t node, bool in) {
    return 2 * (schedule->world + node) + in;
}

CostResource cost_resource(const Schedule *schedule, int64_t resource) {
    int64_t at = resource / 2;
    CostResource of = {.nics = at >= schedule->world, .in = resource % 2 == 1, .rank = -1};
    if (!of.nics)
        of.rank = at;
    of.node = of.nics ? at - schedule->world : schedule->plan->ranks.items[at].node;
    return of;
}

double cost_capacity(const Schedule *schedule, int64_t resource, CostCase at) {
    const Topology *topology = &schedule->plan->inputs.topology;
    CostResource of = cost_resource(schedule, resource);
    const TopologyNode *node = topology_node(topology, of.node);
    if (!of.nics)
        return node->link.bandwidth * cost_factors[COST_LINK_EFFICIENCY].value[at];
    return (double)node->nics * node->nic_bandwidth * cost_factors[COST_NIC_EFFICIENCY].value[at] /
           topology->network.oversubscription;
}
