/* choice: how the next token is chosen where chance has a part: what the command line says, and noise that depends on the
 * seed, the sequence, the position and the entry alone, so that a token is the same however its entries are dealt over
 * ranks. The entry with the largest logit / temperature plus noise of Gumbel's distribution is a draw from the softmax
 * (Gumbel 1954; Maddison, Tarlow, Minka 2014), and the largest is found as in a greedy choice. */
#include "core/rank.h"

#include <math.h>

const rt_choice *rt_choice_of(const rt_rank *rank) {
    return &rank->job->choice;
}

uint64_t rt_choice_key(const rt_rank *rank, int32_t sequence) {
    const rt_job *job = rank->job;
    int64_t index = rank->wave % job->round * rank->program->batch + sequence;
    if (sequence >= rank->program->batch || index >= job->sequences)
        return 0; /* nobody reads what is chosen for it */
    uint64_t position = (uint64_t)(job->lengths[index] + rank->made);
    return rt_random_bits(rt_random_bits(job->choice_key, (uint64_t)index), position);
}

double rt_choice_noise(uint64_t key, int32_t entry) {
    /* in (0, 1): 53 bits and a half */
    double uniform = ((double)(rt_random_bits(key, (uint64_t)entry) >> 11) + 0.5) * 0x1p-53;
    return -log(-log(uniform));
}
