/* cost: kernels, in each form, and resources. Pure functions. The equations of moves are in
 * cost_moves.c. */
#include "schedule/cost.h"

#include <math.h>
#include <string.h>

const char *const cost_case_names[COST_CASES] = {"low", "expected", "high"};

static double efficiency(const CostStep *steps, double amount, CostFactorId share, CostCase at) {
    if (at == COST_LOW)
        return cost_factor(share, at);
    while (amount < steps->amount)
        ++steps;
    return steps->share * cost_factor(share, at);
}

static const TopologyNode *node_of(const Schedule *schedule, int64_t rank) {
    const Plan *plan = schedule->plan;
    return topology_node(&plan->inputs.topology, plan->ranks.items[rank].node);
}

static double peak_of(const Schedule *schedule, const TopologyGpu *gpu) {
    return schedule->plan->inputs.workload.dtype == ELEMENT_F32 ? gpu->flops_f32 : gpu->flops;
}

/* Roofline (Williams, Waterman, Patterson 2009) with efficiency by size:
 * launch + max(FLOP / (peak x e), bytes / (bandwidth x e)). In the lower bound all work is at full
 * efficiency, whatever its size. */
static double roofline(const Schedule *schedule, const TopologyGpu *gpu, const Op *op,
                       CostCase at) {
    const CostEfficiency *by_size = &cost_model()->efficiency;
    double compute = op->flops / (peak_of(schedule, gpu) *
                                  efficiency(by_size->flops.items, op->flops, COST_COMPUTE, at));
    double memory =
        op->bytes / (gpu->bandwidth * efficiency(by_size->bytes.items, op->bytes, COST_MEMORY, at));
    return cost_factor(COST_LAUNCH, at) + fmax(compute, memory);
}

/* Positions that each query of the operation attends to, at the bounds. */
static double positions(const Schedule *schedule, const Op *op) {
    const Workload *workload = &schedule->plan->inputs.workload;
    int64_t tokens = op->args[op_arg(OP_attention, "tokens")].value;
    return (double)(tokens == 1 ? workload->context : tokens);
}

/* A document's coefficients come without a spread, so all cases are alike. */
static double linear(const Schedule *schedule, const Op *op) {
    const CostModel *cost = cost_model();
    const Model *model = &schedule->plan->inputs.model;
    for (int64_t i = 0; i < cost->linear.count; ++i) {
        const CostLinearTerm *term = &cost->linear.items[i];
        if (strcmp(term->kind, op_info[op->kind].name) != 0)
            continue;
        double experts =
            op->kind == OP_expert_ffn ? (double)op->args[op_arg(OP_expert_ffn, "slots")].value : 0;
        return term->seconds + term->per_hidden * (double)model->hidden +
               term->per_expert_hidden * (double)model->expert_hidden + term->per_expert * experts +
               term->per_position * (op->kind == OP_attention ? positions(schedule, op) : 0);
    }
    return 0;
}

static double feature(const Schedule *schedule, const TopologyGpu *gpu, const Op *op,
                      const char *name) {
    if (strcmp(name, "flops") == 0)
        return log2(1 + op->flops);
    if (strcmp(name, "bytes") == 0)
        return log2(1 + op->bytes);
    if (strcmp(name, "peak") == 0)
        return log2(1 + peak_of(schedule, gpu));
    if (strcmp(name, "bandwidth") == 0)
        return log2(1 + gpu->bandwidth);
    if (strcmp(name, "ranks") == 0)
        return log2((double)schedule->world);
    return strcmp(name + strlen("kind:"), op_info[op->kind].name) == 0;
}

void cost_features(const Schedule *schedule, int64_t rank, const Op *op, const TextList *features,
                   double *values) {
    for (int64_t i = 0; i < features->count; ++i)
        values[i] = feature(schedule, &node_of(schedule, rank)->gpu, op, features->items[i]);
}

/* One layer after the other, with tanh between them; the last has one output. */
static double network(const CostNetwork *network, double *values, Arena *scratch) {
    int64_t inputs = network->features.count;
    for (int64_t i = 0; i < inputs; ++i)
        values[i] = (values[i] - network->mean.items[i]) / network->scale.items[i];
    for (int64_t l = 0; l < network->layers.count; ++l) {
        const CostLayer *layer = &network->layers.items[l];
        double *outputs = ARENA_ARRAY(scratch, layer->biases.count, double);
        for (int64_t o = 0; o < layer->biases.count; ++o) {
            double sum = layer->biases.items[o];
            for (int64_t i = 0; i < inputs; ++i)
                sum += layer->weights.items[o * inputs + i] * values[i];
            outputs[o] = l + 1 < network->layers.count ? tanh(sum) : sum;
        }
        values = outputs;
        inputs = layer->biases.count;
    }
    return values[0];
}

static double mlp(const Schedule *schedule, int64_t rank, const Op *op, CostCase at) {
    const CostNetwork *fitted = &cost_model()->network.items[0];
    Arena scratch = {0};
    double *values = ARENA_ARRAY(&scratch, fitted->features.count, double);
    cost_features(schedule, rank, op, &fitted->features, values);
    double seconds = exp2(network(fitted, values, &scratch));
    arena_free(&scratch);
    return seconds * (at == COST_LOW ? fitted->low : at == COST_HIGH ? fitted->high : 1);
}

double cost_kernel(const Schedule *schedule, int64_t rank, const Op *op, CostCase at) {
    double measured;
    switch ((CostForm)cost_model()->form) {
    case COST_LINEAR:
        return linear(schedule, op);
    case COST_MLP:
        return mlp(schedule, rank, op, at);
    case COST_ROOFLINE:
        break;
    }
    if (cost_measured_kernel(schedule, op, at, &measured))
        return measured;
    return roofline(schedule, &node_of(schedule, rank)->gpu, op, at);
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
        return node->link.bandwidth * cost_factor(COST_LINK_EFFICIENCY, at);
    return (double)node->nics * node->nic_bandwidth * cost_factor(COST_NIC_EFFICIENCY, at) /
           topology->network.oversubscription;
}
