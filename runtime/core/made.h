/* made: how far the new tokens of a wave have come, and when none of its sequences goes on: then all ranks leave out the
 * same steps. Whoever reports tokens counts them here; a rank about to run a decode step knows of all tokens but those of
 * the step before, which may still be under way elsewhere. So a wave runs one step more than it needed at most. */
#pragma once

#include "core/segment.h"

typedef struct rt_rank rt_rank;

/* Of one token index of a wave. */
typedef struct rt_made {
    _Atomic int32_t reported; /* sequences whose token is there */
    _Atomic int32_t live;     /* of these, how many go on */
} rt_made;

/* Does this token end its sequence? */
bool rt_made_stops(const rt_job *job, int32_t token);

/* Sequences of a wave that are there. */
int64_t rt_made_present(const rt_job *job, int64_t wave);

/* Is index the last one that a wave runs? To be asked once the index before is complete. */
bool rt_made_last(const rt_segment *segment, int64_t wave, int64_t index);

/* A rank has stored the tokens of `reported` sequences at its index, of which `live` go on. */
void rt_made_report(rt_rank *rank, int32_t reported, int32_t live);

/* The same of any rank; false: more sequences than there are. */
bool rt_made_add(rt_segment *segment, int64_t wave, int64_t index, int32_t reported, int32_t live);

/* Before decode step `step` (from 0) of the wave: is there nothing left to do? */
rt_status rt_made_over(rt_rank *rank, int64_t step, bool *over);

/* After a wave: how many indices it had. */
void rt_made_wave(rt_rank *rank, int64_t indices);
