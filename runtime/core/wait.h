/* wait: how a rank waits for others, and when it gives up. A wait gives way a few times to whoever can run,
 * then sleeps in a futex. It fails when, for the limit, none of the ranks that it depends on made
 * progress, seen through the ranks that those wait for in turn; the message then names the rank that
 * holds all others up. */
#pragma once

#include "core/rank.h"

/* Wait until all members of a channel have come here as often as this rank; channel ==
 * program->channels: the whole world. */
rt_status rt_wait_barrier(rt_rank *rank, int channel);

/* Called often by a rank that works by itself for long, as in loading: counts progress, and is RT_ABORTED once
 * the run has failed elsewhere. Where nobody else watches the ranks, it looks after them at times. */
rt_status rt_wait_check(rt_rank *rank);

/* Wait until the count of a word that any rank adds to reaches `target`. */
rt_status rt_wait_world(rt_rank *rank, rt_word *word, uint32_t target);

/* Wait until the count of a word that `peer` adds to reaches `target`. */
rt_status rt_wait_peer(rt_rank *rank, rt_word *word, uint32_t target, int peer);
