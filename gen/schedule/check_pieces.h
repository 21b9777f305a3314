/* check_pieces: what provenance knows of the bytes of buffers, and who uses it: kernels in check_provenance.c, moves in
 * check_reductions.c. Private to these. Lies in the scratch of the proof. */
#pragma once

#include "schedule/check_sums.h"

/* What [begin, end) of a buffer holds. */
typedef struct Piece {
    int64_t begin, end;
    bool valid;     /* it has arrived since the rest of the buffer was last written */
    const Sum *sum; /* NULL: not a sum */
} Piece;

typedef LIST_OF(Piece) Pieces;

typedef struct Track {
    Pieces pieces; /* in order, without gaps; empty: the buffer is not followed */
    Pieces before; /* as they were when the rank was last asked whether it recurs */
    const Channel
        *moved; /* the last one that moved it, NULL: none, and how: names pieces to people */
    const Op *by;
} Track;

typedef struct SumReads SumReads; /* check_orders.c */

struct Provenance {
    Check *check;
    int64_t step;
    Sums sums;
    Track **tracks;    /* [world][buffers] */
    IntList *followed; /* [world] buffers */
    const Sum **alone; /* [world] the sum of just this rank's part */
    uint64_t **group;  /* [world] all members of the rank's group, NULL if it has none */
    SumReads *reads;
    uint64_t *united; /* scratch of one reduction: a set */
};

/* Index of the piece that byte `at_byte` lies in, or of the end. */
int64_t pieces_at(const Pieces *pieces, int64_t at_byte);
/* Replace what [value.begin, value.end) of a buffer holds. */
void pieces_assign(Provenance *at, Track *track, Piece value);
/* The value of [begin, end), if it is as valid and has parts of the same ranks all through. */
bool pieces_value(Provenance *at, const Track *track, int64_t begin, int64_t end, Piece *value);
/* Bytes of pieces [begin, end) of a move in a member's buffer. */
Range pieces_bytes(const Channel *channel, const Op *op, Range pieces);
/* " (piece 2 of 4)" where a move has cut the buffer, else nothing. */
const char *pieces_name(const Provenance *at, const Track *track, int64_t byte);

/* check_provenance.c: a rank reads bytes, by a kernel or to send them; refuses what is not there. */
void provenance_read(Provenance *at, int64_t rank, WalkItem item, int64_t buffer, int64_t begin,
                     int64_t end);
/* check_orders.c: members that read the same bytes of a sum have it put together alike. */
SumReads *orders_begin(Check *check, int64_t step);
void orders_read(Provenance *at, int64_t rank, WalkItem item, int64_t buffer, int64_t begin,
                 int64_t end);
