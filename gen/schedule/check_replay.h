/* check_replay: what a replay of one rank's step knows of cells, buffers, streams and events, and when all of that
 * is as it was a round before, but for what the round has moved on: then the rounds that are left would go like the last one.
 * For check_lifetimes.c. Lies in the scratch of the proof. */
#pragma once

#include "schedule/check_cells.h"

enum { STREAMS = 4 };

typedef struct Clock {
    int64_t at[STREAMS]; /* operations of each stream that are known to be complete */
} Clock;

/* An access: the position of its operation on its stream, 0: none; and what it was. */
typedef struct Access {
    int64_t position;
    int32_t op, buffer;
} Access;

typedef struct Cell {
    int64_t holder,
        writer; /* the buffer whose value lies here and the operation that wrote it; -1: none */
    Access writes[STREAMS]; /* the last one on each stream */
    Access reads[STREAMS];  /* the last one on each stream */
} Cell;

/* What happened to a buffer in this step. Serials number the operations executed; 0: never. */
typedef struct Life {
    int64_t written, read;
    int64_t made;    /* by the last write that did not read: it made the value */
    WalkItem writer; /* of the last write */
    WalkItem maker;  /* of the one at `made` */
} Life;

/* All that changes. */
typedef struct ReplayState {
    Cell *cells;     /* [cells] */
    Life *lives;     /* [buffers] */
    Clock *executed; /* [ops] clock at the end of the last execution */
    Clock streams[STREAMS];
    int64_t serial;
} ReplayState;

typedef struct Replay {
    Check *check;
    const RankSchedule *rank;
    int64_t step;
    const Segment *segment; /* that it is in */
    Cells bytes;
    Cell *cells;
    Life *lives;
    Clock *executed;
    bool *ran; /* [ops] in this step */
    Clock streams[STREAMS];
    int64_t serial;
    /* Since the body was entered: positions and serials up to here are of before. */
    Clock entered;
    int64_t entered_serial;
    ReplayState before; /* a round ago */
    bool remembers;     /* there is one */
} Replay;

Replay replay_begin(Check *check, const RankSchedule *rank, int64_t step);
void replay_enter(Replay *replay, const Segment *segment);
/* At the end of a round: is the state that of a round ago, moved on by one round? Remembers it. */
bool replay_recurs(Replay *replay);
/* Move the state on by so many rounds like the last one. */
void replay_skip(Replay *replay, int64_t rounds);
