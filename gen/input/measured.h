/* measured: what operations cost on a machine, as gen calibrate measured it and a topology carries it. Kinds are texts:
 * this module knows no operations. Lists lie in the arena of the topology. */
#pragma once

#include "base/schema.h"

/* A kernel takes `seconds`, and for each byte of its traffic what it costs at the FLOPs a byte that it has: between
 * two points by the logarithm, before the first as there, after the last in proportion to the FLOPs. */
typedef struct MeasuredPoint {
    double intensity; /* [FLOP/byte] */
    double per_byte;  /* [s] */
} MeasuredPoint;

typedef struct MeasuredKernel {
    const char *kind;
    int64_t ranks;      /* that ran at once on the machine */
    double seconds;     /* of each */
    double per_element; /* [s] for each value that passes a softmax or an activation */
    LIST_OF(MeasuredPoint) points;
    double low, high; /* times what is expected: the 90 % interval */
} MeasuredKernel;

/* From when all members are there until all are done. */
typedef struct MeasuredMove {
    const char *kind;
    int64_t ranks;
    double seconds, per_byte; /* per_byte: of what the busiest rank sends or gets */
    double low, high;
} MeasuredMove;

typedef struct Measured {
    const char *processor; /* model, as the system names it; "": nothing was measured */
    int64_t cores;         /* that programs could use */
    const char *dtype;     /* of elements */
    LIST_OF(MeasuredKernel) kernels;
    LIST_OF(MeasuredMove) moves;
} Measured;

extern const Schema measured_schema;

/* What an operation does, as lowering counts it. */
typedef struct MeasuredWork {
    double flops, bytes, elements; /* elements: values that pass a softmax or an activation */
} MeasuredWork;

double measured_seconds(const MeasuredKernel *kernel, const MeasuredWork *work);

/* The share of each point in what a byte costs at this intensity: two of them differ from 0. */
void measured_shares(const MeasuredKernel *kernel, double intensity, double *shares);

/* What was measured with the most ranks up to `ranks`, else with the fewest; NULL: nothing. */
const MeasuredKernel *measured_kernel(const Measured *measured, const char *kind, int64_t ranks);
const MeasuredMove *measured_move(const Measured *measured, const char *kind, int64_t ranks);

/* How many times longer all takes because ranks share cores. */
double measured_sharing(const Measured *measured, int64_t ranks);

static inline bool measured_is_there(const Measured *measured) {
    return measured->kernels.count > 0;
}

/* Points ascend (E0316). */
Status measured_check(const Measured *measured, DiagPlace place, Diag *diag);
