/* simulate_play: one step of all ranks, played in time order; internal to simulate. Every executed
 * operation of the step has a number: those of rank 0 in program order, then those of rank 1, ... */
#pragma once

#include "schedule/simulate.h"
#include "schedule/walk.h"

enum { PLAY_STREAMS = 4 };

/* The operations of a segment by stream, for one rank. */
typedef struct PlaySegment {
    int64_t base;                /* items of the rank before it */
    int64_t times, first, count; /* repetitions; operations, as in Segment */
    int32_t *ops[PLAY_STREAMS];
    int64_t counts[PLAY_STREAMS];
} PlaySegment;

typedef struct PlayCursor {
    int64_t segment, time, index; /* of what comes next on the stream */
    int64_t last;                 /* item before it, -1: none */
    bool meets;                   /* it waits there for the others of a move */
} PlayCursor;

typedef struct PlayRank {
    const RankSchedule *rank;
    int64_t first; /* item */
    PlaySegment *segments;
    int64_t segment_count;
    int16_t *segment_of; /* [ops] -1: not in this step */
    double *seconds;     /* [ops] of kernels; -1: not asked yet */
    PlayCursor streams[PLAY_STREAMS];
} PlayRank;

typedef struct Play {
    const Schedule *schedule;
    int64_t step;
    CostCase at;
    PlayRank *ranks; /* [world] */
    bool serial;     /* ranks of a measured machine do one operation after the other, on stream 0 */
    int64_t items;
    double *begins;    /* [items] s */
    double *ends;      /* [items] s; -1: not known yet */
    double *readies;   /* [items] or NULL */
    int32_t *blockers; /* [items] or NULL; -1: the start of the step */
    int32_t *meetings; /* [items] or NULL; -1: local */
    SimulatedStep *result;
} Play;

typedef struct PlayOptions {
    bool unshared; /* every move goes on as if alone */
    bool record;   /* fill readies, blockers and meetings */
} PlayOptions;

/* Play it; what the play has of its own lies in `arena`, and result's lists as well. */
void play_step(Arena *arena, const Schedule *schedule, int64_t step, CostCase at,
               PlayOptions options, SimulatedStep *result, Play *play);

/* Rank, operation and layer of an item. */
typedef struct PlayItem {
    int64_t rank, op, layer;
} PlayItem;
PlayItem play_item(const Play *play, int64_t item);
