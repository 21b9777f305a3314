/* members: a move over a channel as one of its members sees it: which bytes belong to whom, whether the arguments fit
 * this rank, and whether all members mean the same. It copies nothing and knows of no memory but offsets. */
#pragma once

#include "core/rank.h"

typedef struct rt_members {
    rt_rank *rank;
    const rt_channel *channel;
    int index, me; /* of the channel, of this rank among its members (-1: it is none) */
    int op, layer;
    uint32_t turn; /* moves that the channel has seen before */
} rt_members;

/* Bytes [begin, end) of the buffer of a move. */
typedef struct rt_range {
    int64_t begin, end;
} rt_range;

static inline int64_t rt_range_bytes(rt_range range) {
    return range.end - range.begin;
}

/* Find this rank among the members of a channel. RT_SOFTWARE: there is no such channel. */
rt_status rt_members_find(rt_members *m, rt_rank *rank, int op, int layer, int channel);

/* See that this rank is a member, that the channel is of the right kind, and that the move fits the slab; then it counts
 * as begun. */
rt_status rt_members_check(rt_members *m, const rt_collective *args);
rt_status rt_members_check_transfer(rt_members *m, const rt_transfer_args *args);
rt_status rt_members_check_pair(rt_members *m, const rt_pair_args *args);

/* --- which bytes -------------------------------------------------------------------------------------- */

/* The pieces of a member. */
rt_range rt_members_owned(const rt_members *m, const rt_collective *args, int member);
/* The part of the owned range that a member sums for all. */
rt_range rt_members_shared(const rt_members *m, const rt_collective *args, int member);

/* The bytes of a transfer. */
rt_range rt_members_item(const rt_members *m, const rt_transfer_args *args,
                         const rt_transfer_item *item);
/* Whether this rank still sends what a transfer to it would change, so that it has to wait in the workspace. */
bool rt_members_waits(const rt_members *m, const rt_transfer_item *item);
/* See that all that waits has room there. */
rt_status rt_members_room(const rt_members *m, const rt_transfer_args *args);

/* --- where members share the segment -------------------------------------------------------------------- */

static inline rt_slot *rt_members_slot(const rt_members *m, int member) {
    return rt_segment_slot(m->rank->segment, m->index, member, m->turn);
}

/* Publish what this rank brings, meet the others, and see that all mean the same move. */
rt_status rt_members_meet(const rt_members *m, int64_t buffer, int64_t bytes, rt_type type);
/* The same of the two ends of a pair. */
rt_status rt_members_meet_pair(const rt_members *m, bool sends, const rt_pair_args *args);
