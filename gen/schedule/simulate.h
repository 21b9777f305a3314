/* simulate: runs a step of all ranks as discrete events in time order. Each rank has streams that
 * run in order; an operation begins when its stream is free and what it waits for is done; a move
 * begins when all members are ready and ends for all at once; links and NICs are shared by the
 * moves that are really under way (simulate_share.h). Results lie in the caller's arena. It
 * predicts a GPU cluster as the topology describes it, never the machine at hand. */
#pragma once

#include "schedule/cost.h"

enum { SIMULATE_MOVES = MOVE_KINDS }; /* by PlanMoveKind */

/* What a rank does in a step, in seconds. */
typedef struct SimulatedRank {
    double busy[OP_KINDS];          /* from begin to end; moves on any stream */
    double moving[SIMULATE_MOVES];  /* the same by what is moved */
    double exposed[SIMULATE_MOVES]; /* of it: with the compute stream at a stand */
    double compute;                 /* busy with kernels */
    double end;                     /* when its last operation ended */
    double flops, bytes;            /* work done and device-memory traffic */
} SimulatedRank;

/* What passed over a link or over the NICs of a node. */
typedef struct SimulatedResource {
    double bytes; /* of payload */
    double busy;  /* s: as if it had gone at full rate, one after the other */
    double peak;  /* most of the capacity in use at a time */
} SimulatedResource;

/* An operation of the critical path. */
typedef struct SimulatedLink {
    int32_t rank, op, layer; /* layer -1: none */
    double begin, end;
} SimulatedLink;

/* Seconds that no order and no sharing could go below, with the plan's operations as they are;
 * each with low costs. */
typedef struct SimulatedBound {
    double compute; /* FLOPs of the busiest rank at its peak */
    double memory;  /* device-memory traffic of the busiest rank at its full bandwidth */
    double network; /* bytes of the busiest link or node's NICs at full bandwidth */
    double chain;   /* the longest chain of dependencies with nothing shared */
    double seconds; /* the largest of these */
} SimulatedBound;

typedef struct SimulatedStep {
    double makespan;              /* s */
    SimulatedRank *ranks;         /* [world] */
    SimulatedResource *resources; /* [cost_resource_count] */
    /* Of the expected case alone: */
    LIST_OF(SimulatedLink) path; /* from the begin to the end of the step, without gaps */
    SimulatedBound bound;
} SimulatedStep;

typedef struct Simulation {
    SimulatedStep *steps[COST_CASES]; /* [steps] */
    /* The pessimistic case of the costs is the largest time and the smallest rate. */
    double prefill[COST_CASES];    /* s a prefill of the whole batch */
    double tpot[COST_CASES];       /* s a decode step */
    double tps[COST_CASES];        /* new tokens per second */
    double throughput[COST_CASES]; /* prompt and new tokens per second, over a whole wave */
} Simulation;

/* All ranks must come to their end (check.h). simulate_times leaves out exposed, paths and bounds,
 * for those who ask often. */
Simulation simulate(Arena *arena, const Schedule *schedule);
Simulation simulate_times(Arena *arena, const Schedule *schedule);

/* Figures of a step over all ranks. */
typedef struct SimulatedShares {
    double computing;   /* share of ranks x time that kernels run */
    double utilisation; /* FLOPs done over what the GPUs could have done at their peak */
    double memory;      /* device-memory traffic over what their memory could have moved */
} SimulatedShares;
SimulatedShares simulate_shares(const Schedule *schedule, const SimulatedStep *step);

/* Canonical JSON of prediction.json; see docs/prediction.md. */
void simulate_write(const Simulation *simulation, const Schedule *schedule, Buf *out);

/* --- time line: every executed operation, on demand ------------------------------------------- */

typedef struct TimelineItem {
    int32_t rank, op, layer, stream; /* op: id of the rank; layer -1: none */
    double ready, begin, end;        /* s: own inputs there; begun (all members there); done */
    int32_t meeting; /* number of the move among ranks, shared by its members; -1: local */
    int32_t blocker; /* item whose end let this one begin; -1: the start of the step */
    bool critical;   /* on the critical path */
} TimelineItem;

typedef struct Timeline {
    LIST_OF(TimelineItem) items; /* by begin, then rank, then stream, in stream order */
    double makespan;
} Timeline;

Timeline simulate_timeline(Arena *arena, const Schedule *schedule, int64_t step, CostCase at);
