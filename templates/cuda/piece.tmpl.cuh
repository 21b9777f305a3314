/* piece: as many elements of a row of HIDDEN as are read at once: up to 16 bytes, and what divides the row, so that
 * pieces are aligned in buffers of rows. */
#pragma once

#include "kernel.cuh"

enum {
    PIECE_MOST = 16 / sizeof(elem_t),
    PIECE = HIDDEN % PIECE_MOST == 0 ? PIECE_MOST
            : HIDDEN % 4 == 0        ? 4
            : HIDDEN % 2 == 0        ? 2
                                     : 1,
    PIECES = HIDDEN / PIECE, /* a row */
};

struct __align__(PIECE * sizeof(elem_t)) piece {
    elem_t e[PIECE];
};
