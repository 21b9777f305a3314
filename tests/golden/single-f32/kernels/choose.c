/* choose: the greedy choice over all ranks that share the head. A sequence without a row gets token 0, which
 * nobody reads. */
#include "kernel.h"

struct best {
    float logit;
    int32_t entry; /* -1: none */
};

rt_status kernel_choose(rt_rank *rank, const void *args) {
    const struct choose_args *a = args;
    const struct best *best = rt_at(rank, a->best); /* [members][sequences] */
    int32_t *next = rt_at(rank, a->next);

    for (int64_t s = 0; s < a->sequences; ++s) {
        struct best chosen = {-INFINITY, -1};
        for (int64_t member = 0; member < a->members; ++member) {
            struct best other = best[member * a->sequences + s];
            bool wins =
                other.entry >= 0 && (chosen.entry < 0 || other.logit > chosen.logit ||
                                     (other.logit == chosen.logit && other.entry < chosen.entry));
            if (wins)
                chosen = other;
        }
        next[s] = chosen.entry < 0 ? 0 : chosen.entry;
    }
    return RT_OK;
}
