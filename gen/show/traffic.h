/* traffic: how many bytes go from rank to rank in one run of a step, by what is moved. Exchanges of exact
 * size count what uniform routing would send. Lies in the caller's arena. Private to gen/show. */
#pragma once

#include "schedule/schedule.h"

enum { TRAFFIC_MOVES = MOVE_KINDS }; /* by PlanMoveKind */

typedef struct Traffic {
    int64_t world;
    int64_t *bytes;      /* [from][to] */
    int64_t *moves;      /* [PlanMoveKind][from][to] */
    int64_t *operations; /* [rank][OP_KINDS] */
} Traffic;

Traffic traffic_of(Arena *arena, const Schedule *schedule, int64_t step);

/* Bytes of a move over all pairs. */
int64_t traffic_total(const Traffic *traffic, int64_t move);
