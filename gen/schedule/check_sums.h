/* check_sums: how a sum over ranks was put together, for provenance. Floating-point addition commutes but does not
 * associate: two ranks have the same bits only if they added the same parts in the same grouping. Equal sums are
 * one node, found by a hash table. All of it lies in the caller's arena. */
#pragma once

#include "schedule/check_rules.h"

typedef enum SumKind {
    SUM_PART, /* one rank's part; of: the rank */
    SUM_PAIR, /* two sums added; the order of the two makes no difference */
    SUM_REDUCTION, /* by a primitive, which has an order of its own; of: the channel, -1 where two are added */
    SUM_MIXED, /* bytes that were put together in different ways, one after another: lengths and sums */
} SumKind;

typedef struct Sum {
    int64_t id;
    SumKind kind;
    int64_t of;
    int64_t count;
    const int64_t *terms; /* [count] ids; of SUM_MIXED pairs of length and id */
    const uint64_t *from; /* set of the ranks whose parts are in it */
} Sum;

typedef struct Sums {
    Arena *arena;
    int64_t words; /* of a set */
    LIST_OF(const Sum *) all;
    int64_t *slots; /* [capacity] id, -1: free */
    int64_t capacity;
} Sums;

Sums sums_begin(Arena *arena, int64_t world);
const Sum *sums_part(Sums *sums, int64_t rank);
const Sum *sums_pair(Sums *sums, const Sum *a, const Sum *b);
const Sum *sums_reduction(Sums *sums, int64_t channel, const IntList *terms);
/* `terms`: pairs of length and id, of sums with equal sets. */
const Sum *sums_mixed(Sums *sums, const IntList *terms);

bool sums_same_set(const Sums *sums, const uint64_t *a, const uint64_t *b);
static inline bool sums_has(const uint64_t *set, int64_t rank) {
    return set[rank / 64] >> (rank % 64) & 1;
}
/* A rank whose part is in both, -1: none. */
int64_t sums_in_both(const Sums *sums, const uint64_t *a, const uint64_t *b);

/* "(0 + 1) + 2", cut short where it is long; in the arena. */
const char *sums_text(const Sums *sums, const Sum *sum);
