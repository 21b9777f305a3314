/* capacity: an expert takes ceil(factor x length x top_k / experts) choices of a sequence, by position, then
 * by choice; the rest are dropped, but not from what all tokens pass. It counts per sequence, so that no placement
 * changes the answer. */
#include "kernel.h"

rt_status kernel_capacity(rt_rank *rank, const void *args) {
    const struct capacity_args *a = args;
    const int32_t *positions = rt_at(rank, a->positions);
    int32_t *choice = rt_at(rank, a->choice), *taken = rt_at(rank, a->workspace);

    for (int64_t s = 0; s < a->sequences; ++s, positions += a->tokens) {
        int64_t length = 0;
        for (int64_t t = 0; t < a->tokens; ++t)
            length += positions[t] >= 0;
        int64_t limit = (int64_t)ceil(CAPACITY_FACTOR * (double)length * TOP_K / EXPERTS);
        memset(taken, 0, EXPERTS * sizeof *taken);
        for (int64_t i = 0; i < (int64_t)a->tokens * CHOICES; ++i, ++choice)
            if (*choice >= 0 && *choice < EXPERTS && taken[*choice]++ >= limit)
                *choice = -1;
    }
    return RT_OK;
}
