/* requests: the request table of a rank: which tokens its sequences bring to a step, and which they got. */
#pragma once

#include "core/rank.h"

/* Token ids and positions of a micro-batch in this step, [sequences x tokens] each; NULL: not wanted. */
rt_status rt_requests_rows(rt_rank *rank, const rt_begin_args *args, int32_t *ids,
                           int32_t *positions);

/* The chosen tokens, [sequences]. */
rt_status rt_requests_next(rt_rank *rank, const rt_finish_args *args, const int32_t *next);
