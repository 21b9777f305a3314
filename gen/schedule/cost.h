/* cost: what an operation needs, by equations with named sources: seconds for a kernel, a demand
 * for a move. Every estimate has three cases: a lower bound (nothing is ever inefficient), an
 * expected value, and a pessimistic one. It knows no order of operations and nothing of what else
 * is under way: simulate does. */
#pragma once

#include "schedule/schedule.h"

typedef enum CostCase { COST_LOW, COST_EXPECTED, COST_HIGH, COST_CASES } CostCase;
extern const char *const cost_case_names[COST_CASES];

/* A number that the equations take from outside the inputs, by case, and where it is from. */
typedef enum CostFactorId {
    COST_LAUNCH,          /* s before a kernel begins */
    COST_COMPUTE,         /* share of the efficiency by size that is reached */
    COST_MEMORY,          /* likewise */
    COST_MOVE_BASE,       /* s before a move begins, at the least */
    COST_LINK_EFFICIENCY, /* share of a link's bandwidth that moves reach */
    COST_NIC_EFFICIENCY,  /* share of a NIC's bandwidth */
    COST_LATENCY,         /* times the latencies of hops */
    COST_FACTORS,
} CostFactorId;

typedef struct CostFactor {
    const char *name, *unit;
    double value[COST_CASES];
    const char *source;
} CostFactor;
extern const CostFactor cost_factors[COST_FACTORS];

/* Efficiency of an amount of work, the expected case: at least `amount` reaches `efficiency`. */
typedef struct CostEfficiency {
    double amount, efficiency;
} CostEfficiency;
extern const CostEfficiency cost_flops_efficiency[];  /* FLOP, ends with amount 0 */
extern const CostEfficiency cost_memory_efficiency[]; /* bytes, ends with amount 0 */
extern const char cost_efficiency_source[];

/* Seconds of an operation of class kernel or request on a rank. */
double cost_kernel(const Schedule *schedule, int64_t rank, const Op *op, CostCase at);

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

static inline double cost_alone(const CostDemand *demand) {
    return demand->fixed + demand->seconds;
}
