/* mutate_ops: what operators over operations share: an edit of one operation, tried on one rank, on all of its role, and
 * on the like operation of every rank. */
#pragma once

#include "mutate.h"

/* Breaks operation `op` of a rank in the variant-th way; false: not possible there. Called to count with apply false. */
typedef bool (*OpEdit)(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply);

/* Try it on all operations in all variants; roles are folded anew behind it. */
void mutate_each_op(Mutant *m, int64_t variants, OpEdit edit);

static inline Op *mutate_op(const Mutant *m, int64_t rank, int64_t op) {
    return &m->schedule->ranks[rank].ops.items[op];
}
