/* moves_launch: the runtime's own functions (moves.h) put on the stream of the operation under way. Lists of copies and
 * counts grow part by part and are launched when they are full, so that whoever fills them launches what is left. */
#pragma once

#include "cuda/device.h"
#include "cuda/moves.h"

extern const char *const rt_cuda_moves_names[RT_CUDA_MOVES];

/* Ranges of one list do not overlap; nothing is copied onto itself. */
rt_status rt_moves_add_copy(rt_rank *rank, struct rt_copy_args *copies, void *to, const void *from,
                            int64_t bytes);
rt_status rt_moves_copy(rt_rank *rank, struct rt_copy_args *copies);

rt_status rt_moves_add_term(rt_rank *rank, struct rt_sum_args *sum, const void *from);
/* `sum` has its count, type and target. */
rt_status rt_moves_sum(rt_rank *rank, const struct rt_sum_args *sum);

/* Tag and fault are set here. */
rt_status rt_moves_add_count(rt_rank *rank, struct rt_counts_args *counts,
                             struct rt_counts_part part);
rt_status rt_moves_counts(rt_rank *rank, struct rt_counts_args *counts);

rt_status rt_moves_random(rt_rank *rank, const struct rt_random_args *random);

/* What has arrived for a transfer of a stage, at `from`: in place of what this rank's buffer has there, or added to it. */
rt_status rt_moves_apply(const rt_members *members, const rt_transfer_args *args,
                         const rt_transfer_item *item, const char *from);
