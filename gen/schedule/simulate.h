/* simulate: runs the schedule as discrete events with the times of cost.h. Each rank has streams
 * that run in order; an operation begins when its stream is free and what it waits for is done;
 * a move begins when all members are ready and ends for all at once. Results lie in the caller's
 * arena. It predicts a GPU cluster as the topology describes it, never the machine at hand. */
#pragma once

#include "schedule/cost.h"

enum { SIMULATE_MOVES = MOVE_HANDOVER + 1 }; /* by PlanMoveKind */

/* What a rank does in a step, in seconds. */
typedef struct SimulatedRank {
    double busy[OP_KINDS];          /* from begin to end; moves on any stream */
    double moving[SIMULATE_MOVES];  /* the same by what is moved */
    double exposed[SIMULATE_MOVES]; /* how long the compute stream stood still for it */
    double compute;                 /* busy with kernels */
    double end;                     /* when its last operation ended */
} SimulatedRank;

typedef struct SimulatedStep {
    double makespan;      /* s */
    SimulatedRank *ranks; /* [world] */
} SimulatedStep;

typedef struct Simulation {
    SimulatedStep *steps[COST_CASES]; /* [steps] */
    /* The pessimistic case of the costs is the largest time and the smallest rate. */
    double prefill[COST_CASES];    /* s a prefill of the whole batch */
    double tpot[COST_CASES];       /* s a decode step */
    double tps[COST_CASES];        /* new tokens per second */
    double throughput[COST_CASES]; /* prompt and new tokens per second, over a whole wave */
} Simulation;

/* The schedule must have been proved. */
Simulation simulate(Arena *arena, const Schedule *schedule);

/* Canonical JSON of prediction.json. */
void simulate_write(const Simulation *simulation, const Schedule *schedule, Buf *out);
