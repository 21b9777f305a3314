/* check_cells: which bytes of its slab each operation of a rank's step reads and writes, as ranges of cells: the
 * slab is cut wherever an access begins or ends, so that an access is a whole number of cells and two
 * accesses overlap where they share one. For the replays of check_lifetimes.c. Lies in the scratch of the
 * proof; weights are left out, since nothing writes them (coverage.loaded, memory.overlap). */
#pragma once

#include "schedule/check_rules.h"

/* Cells [begin, end) that an argument reads, writes or both. */
typedef struct Touch {
    int64_t begin, end;
    bool reads, writes;
} Touch;

/* An argument of an operation: its value is read, made or changed; and the bytes for that. */
typedef struct Use {
    int64_t arg, buffer;
    ArgType type;
    int64_t first, count; /* touches */
} Use;

typedef struct Cells {
    LIST_OF(int64_t) edges; /* bytes; cell i is [edges[i], edges[i + 1]) */
    LIST_OF(Touch) touches;
    LIST_OF(Use) uses;
    int64_t *first_use, *use_count; /* [ops] */
} Cells;

/* Refuses operations whose own arguments share bytes though one is written. */
Cells cells_of(Check *check, const RankSchedule *rank, int64_t step);

static inline int64_t cells_count(const Cells *cells) {
    return cells->edges.count > 0 ? cells->edges.count - 1 : 0;
}
