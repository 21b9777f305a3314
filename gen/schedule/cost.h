/* cost: how long an operation takes, by equations with named sources: roofline for kernels,
 * latency and bandwidth for moves. Every estimate has three cases: a lower bound (nothing is
 * ever inefficient), an expected value, and a pessimistic one. It knows no order of operations:
 * simulate does. */
#pragma once

#include "schedule/schedule.h"

typedef enum CostCase { COST_LOW, COST_EXPECTED, COST_HIGH, COST_CASES } CostCase;
extern const char *const cost_case_names[COST_CASES];

/* A number that the equations take from outside the inputs, by case, and where it is from. */
typedef enum CostFactorId {
    COST_LAUNCH,          /* s before a kernel begins */
    COST_COMPUTE,         /* share of the efficiency by size that is reached */
    COST_MEMORY,          /* likewise */
    COST_MOVE_BASE,       /* s before a move begins */
    COST_LINK_EFFICIENCY, /* share of a link's bandwidth that moves reach */
    COST_NIC_EFFICIENCY,  /* share of a NIC's bandwidth */
    COST_LATENCY,         /* times the latencies of the topology */
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

/* Seconds from when all members are there to when all are done. */
double cost_collective(const Schedule *schedule, const Op *op, CostCase at);
double cost_exchange(const Schedule *schedule, const Op *op, CostCase at);
double cost_pair(const Schedule *schedule, const Op *op, CostCase at);
