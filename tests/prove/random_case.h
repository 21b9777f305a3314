/* random_case: a random legal model, cluster, workload and plan, drawn from one sequence of choices. What the shipped
 * strategies would make is a small share; most placements, orders and moves are drawn in the plan's own algebra. All of
 * it lies in the arena of the choices. It knows nothing of schedules. */
#pragma once

#include "choices.h"
#include "plan/plan.h"

typedef struct RandomCase {
    Arena *arena;
    Choices *choices;
    Diag *diag;
    bool small; /* is to be run: few and small tensors, mostly f32, a prefill and a decode step */
    int64_t sequences, max_new; /* of a run */
    bool processes;             /* of a run: its ranks are processes, else threads */
    const char *strategy;       /* of the shipped ones; NULL: the placement was drawn */
    Plan plan;
} RandomCase;

/* Not OK: a shipped strategy declined, and `diag` says why. */
Status random_case_draw(RandomCase *made);

/* --- the parts of it, one file each --- */

void random_model(RandomCase *made);
void random_workload(RandomCase *made); /* before the model: positions follow from it */
/* A cluster of at least so many GPUs. */
void random_topology(RandomCase *made, int64_t gpus);
void random_placement(RandomCase *made); /* stages, groups, experts, vocabulary */
void random_ranks(RandomCase *made);     /* the cluster, GPUs of ranks, those that idle */
void random_steps(RandomCase *made);
void random_orders(RandomCase *made, PlanStep *step);
void random_moves(RandomCase *made, PlanStep *step);
Status random_strategy(RandomCase *made);

/* --- what they share --- */

/* `parts` ranges that tile [range.begin, range.end) and are not empty, in a random order if `mixed`. */
Range *random_cut(RandomCase *made, Range range, int64_t parts, bool mixed);

static inline int64_t least_of(int64_t a, int64_t b) {
    return a < b ? a : b;
}
static inline int64_t most_of(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Ranks of a stage: those of attention, group by group, then those that only hold experts. */
IntList random_stage_ranks(RandomCase *made, const PlanStage *stage);
bool random_holds(const PlanStage *stage, int64_t rank);
bool random_attends(const PlanStage *stage, int64_t rank);
/* Holders of experts are the members of the only group, and nothing is dispatched. */
bool random_coincides(RandomCase *made, const PlanStage *stage);
