/* cost: what an operation needs, by equations with named sources: seconds for a kernel, a demand
 * for a move. Every estimate has three cases: a lower bound (nothing is ever inefficient), an
 * expected value, and a pessimistic one; constants are those of cost_model.h. It knows no order of operations and nothing of what else
 * is under way: simulate does. */
#pragma once

#include "schedule/cost_model.h"
#include "schedule/schedule.h"

typedef enum CostCase { COST_LOW, COST_EXPECTED, COST_HIGH, COST_CASES } CostCase;
extern const char *const cost_case_names[COST_CASES];

static inline double cost_factor(CostFactorId id, CostCase at) {
    return cost_model()->factors[id][at];
}

/* Seconds of an operation of class kernel or request on a rank, in the form of the model in use. */
double cost_kernel(const Schedule *schedule, int64_t rank, const Op *op, CostCase at);

/* What a network of form mlp is given of a kernel: a value for each of its features (cost_model.h). */
void cost_features(const Schedule *schedule, int64_t rank, const Op *op, const TextList *features,
                   double *values);

/* --- measured ---------------------------------------------------------------------------------- */

/* The topology carries what operations cost on one machine, for elements of the workload's type, and they stand in
 * for a roofline. */
bool cost_measured(const Schedule *schedule);

/* The topology is that one machine: its ranks do one operation after the other, in program order, also where a GPU
 * would overlap streams. */
bool cost_serial(const Schedule *schedule);

/* What predictions rest on, in a few words: equations, or what was measured where, and what not. */
void cost_basis(const Schedule *schedule, Buf *out);

MeasuredWork cost_work(const Schedule *schedule, const Op *op);

/* What was measured in place of the equations; false: nothing was, for this kind. */
bool cost_measured_kernel(const Schedule *schedule, const Op *op, CostCase at, double *seconds);

/* --- resources: what moves share -------------------------------------------------------------- */

/* Each rank's link out and in, then each node's NICs together, out and in. */
int64_t cost_resource_count(const Schedule *schedule);
int64_t cost_link(const Schedule *schedule, int64_t rank, bool in);
int64_t cost_nics(const Schedule *schedule, int64_t node, bool in);

typedef struct CostResource {
    bool nics, in;
    int64_t rank, node; /* rank: -1 for NICs */
} CostResource;
CostResource cost_resource(const Schedule *schedule, int64_t resource);

/* Bytes per second that moves reach on it at most; in the low case all that the topology states. */
double cost_capacity(const Schedule *schedule, int64_t resource, CostCase at);

/* --- moves ------------------------------------------------------------------------------------ */

typedef struct CostShare {
    int64_t resource;
    double bytes; /* of the payload */
    double use;   /* share of the capacity taken while the move goes on alone, at most 1 */
} CostShare;

/* A move waits `fixed` seconds after all members are there, then makes progress from 0 to 1 on all
 * its resources in lockstep, in `seconds` if nothing else uses them. */
typedef struct CostDemand {
    double fixed, seconds;
    LIST_OF(CostShare) shares; /* ascending by resource */
    const char *how;           /* algorithm and protocol, for people: "ring, LL128" */
} CostDemand;

/* What a move needs, asked for a member and its operation. */
CostDemand cost_move(Arena *arena, const Schedule *schedule, int64_t rank, const Op *op,
                     CostCase at);

/* Payload on the busiest of its resources. */
double cost_busiest(const CostDemand *demand);

/* Put measured times in the place of the demand's; false: there are none for this kind. */
bool cost_measured_move(const Schedule *schedule, const Op *op, CostCase at, CostDemand *demand);

static inline double cost_alone(const CostDemand *demand) {
    return demand->fixed + demand->seconds;
}
