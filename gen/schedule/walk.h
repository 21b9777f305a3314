/* walk: going through a folded schedule in the order in which it is executed. A cursor yields
 * what one rank executes; a run lets all ranks advance, each in its program order, and meet at
 * moves. Nothing is buffered: a move happens when every member has come to it. The proofs and
 * the simulation share this, so that what is predicted is what was proved. Layers that do again what
 * the layer before did need not be gone through one by one: see walk_run_folded. It owns nothing
 * and knows neither times nor rules. */
#pragma once

#include "schedule/schedule.h"

/* One executed operation of a rank: its id and the layer that it works on (-1: none). */
typedef struct WalkItem {
    int64_t op, layer;
} WalkItem;

typedef struct WalkCursor {
    const RankSchedule *rank;
    const RankStep *step;
    int64_t segment, layer, index; /* of what comes next; layer is the segment's */
} WalkCursor;

WalkCursor walk_begin(const RankSchedule *rank, int64_t step);
bool walk_next(WalkCursor *cursor, WalkItem *item); /* false at the end of the step */
/* Is the cursor between two rounds of a body, or between segments? */
bool walk_at_edge(const WalkCursor *cursor);

static inline bool walk_is_move(const Op *op) {
    return op_info[op->kind].class == OPCLASS_COLLECTIVE ||
           op_info[op->kind].class == OPCLASS_EXCHANGE || op_info[op->kind].class == OPCLASS_PAIR;
}

/* Ranks that take part in an exchange as source or target, ascending. */
IntList walk_exchange_ranks(Arena *arena, const Exchange *exchange);

/* A move that all its members have come to. */
typedef struct WalkMeeting {
    int64_t channel, exchange; /* exchange: -1 for collectives */
    int64_t count;
    const int64_t *ranks;  /* [count] ascending */
    const WalkItem *items; /* [count] what each of them does here */
} WalkMeeting;

typedef struct WalkVisitor {
    void *context;
    void (*local)(void *context, int64_t rank, WalkItem item); /* may be NULL */
    void (*meet)(void *context, const WalkMeeting *meeting);   /* may be NULL */
    /* Of a folded run: is all that the visitor knows of the rank as it was when it was last asked, but for
     * layers, which are one further? May be NULL: it knows nothing. */
    bool (*recurs)(void *context, int64_t rank);
} WalkVisitor;

/* A rank that waits at a move for another one. */
typedef struct WalkWait {
    int64_t rank;
    WalkItem item;
    int64_t awaited;
    bool ended; /* the awaited rank has run to its end */
} WalkWait;

/* Why a run came to a stop: the shortest cycle of waits, or one wait for a rank that has ended. */
typedef struct WalkStuck {
    LIST_OF(WalkWait) waits;
} WalkStuck;

/* Run a step on all ranks; linear in the operations executed. Local operations of a rank are
 * visited in its program order; meetings in an order that is consistent with that of every rank.
 * True if all ranks came to their end; else `stuck` says why. Ids must be valid and ranks
 * members of their channels. */
bool walk_run(const Schedule *schedule, int64_t step, const WalkVisitor *visitor, Arena *scratch,
              WalkStuck *stuck);

/* The same, but where ranks have come exactly one round further, have met none but each other on the way and
 * recur, they are taken on by as many rounds as all of them have left in their bodies: those would go
 * like the last one. The visitor sees only what is gone through. docs/proof.md has the argument. */
bool walk_run_folded(const Schedule *schedule, int64_t step, const WalkVisitor *visitor,
                     Arena *scratch, WalkStuck *stuck);
