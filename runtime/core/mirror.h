/* mirror: how a rank's process tells others what changed in its own segment, where ranks share none. A segment that is
 * shared has no mirror, and its ranks pay a branch for that. */
#pragma once

#include "rt.h"

typedef struct rt_mirror rt_mirror;
struct rt_mirror {
    /* This process's rank has come to the barrier of the whole world. */
    void (*arrived)(rt_mirror *mirror);
    /* It has stored the tokens of `reported` sequences at an index of a wave, of which `live` go on. */
    void (*made)(rt_mirror *mirror, int64_t wave, int64_t index, int32_t reported, int32_t live);
    /* The segment now says that the run has failed. */
    void (*failed)(rt_mirror *mirror);
    /* Bring the logits that this rank has stored to who reports, and clear them here. */
    rt_status (*logits)(rt_mirror *mirror, rt_rank *rank);
};
