/* loopback_channel: collectives, stages of transfers and pairs among ranks that share a device. Who takes what, in which
 * order, and what counts, is as in host/collective.c, transfer.c and pair.c; where the host meets at a barrier, so do the
 * host threads here, and behind it the streams wait for what peers recorded before it. */
#include "core/wait.h"
#include "cuda/loopback.h"

/* This rank has come to a step on its stream. */
static rt_status arrive(const rt_members *m, int step) {
    return loop_record(m->rank, loop_of(m->rank, m->rank->id)->channel[m->index][step]);
}

/* All have met on the host since they came to the step: what follows on the stream waits until they are there. */
static rt_status follow(const rt_members *m, int step) {
    for (int i = 0; i < m->channel->members; ++i)
        if (i != m->me)
            RT_TRY(loop_follow(m->rank,
                               loop_of(m->rank, m->channel->ranks[i])->channel[m->index][step]));
    return step == LOOP_BEGIN ? rt_device_met(m->rank) : RT_OK;
}

/* Come to a step, and wait for all others to do so. */
static rt_status meet(const rt_members *m, int step) {
    RT_TRY(arrive(m, step));
    RT_TRY(rt_wait_barrier(m->rank, m->index));
    return follow(m, step);
}

static char *buffer_of(const rt_members *m, int member) {
    return rt_device_slab(m->rank, m->channel->ranks[member]) + rt_members_slot(m, member)->buffer;
}

static void count_bytes(const rt_members *m, int member, int64_t bytes) {
    if (member != m->me)
        m->rank->bytes[m->channel->ranks[member]] += bytes;
}

/* --- collectives ---------------------------------------------------------------------------------------- */

typedef rt_range (*range_fn)(const rt_members *m, const rt_collective *args, int member);

/* Sum a range over all members in rank order into this rank's buffer. */
static rt_status reduce(const rt_members *m, const rt_collective *args, rt_range range) {
    struct rt_sum_args sum = {.to = buffer_of(m, m->me) + range.begin,
                              .count = rt_range_bytes(range) / rt_type_bytes(args->type),
                              .type = (int)args->type};
    for (int i = 0; i < m->channel->members; ++i) {
        RT_TRY(rt_moves_add_term(m->rank, &sum, buffer_of(m, i) + range.begin));
        count_bytes(m, i, rt_range_bytes(range));
    }
    return rt_moves_sum(m->rank, &sum);
}

/* Copy ranges from their members. */
static rt_status gather(const rt_members *m, const rt_collective *args, range_fn range_of) {
    struct rt_copy_args copies = {.parts = 0};
    for (int i = 0; i < m->channel->members; ++i) {
        rt_range range = range_of(m, args, i);
        if (i == m->me)
            continue;
        RT_TRY(rt_moves_add_copy(m->rank, &copies, buffer_of(m, m->me) + range.begin,
                                 buffer_of(m, i) + range.begin, rt_range_bytes(range)));
        count_bytes(m, i, rt_range_bytes(range));
    }
    return rt_moves_copy(m->rank, &copies);
}

rt_status loop_collective(const rt_members *m, rt_call kind, const rt_collective *args) {
    RT_TRY(arrive(m, LOOP_BEGIN));
    RT_TRY(rt_members_meet(m, args->buffer, args->units * args->unit_bytes, args->type));
    RT_TRY(follow(m, LOOP_BEGIN));
    if (kind == RT_CALL_ALL_REDUCE) {
        RT_TRY(reduce(m, args, rt_members_shared(m, args, m->me)));
        RT_TRY(meet(m, LOOP_MIDDLE));
        RT_TRY(gather(m, args, rt_members_shared));
    } else if (kind == RT_CALL_REDUCE_SCATTER) {
        RT_TRY(reduce(m, args, rt_members_owned(m, args, m->me)));
    } else {
        RT_TRY(gather(m, args, rt_members_owned));
    }
    return meet(m, LOOP_END); /* buffers are held until their readers are done */
}

/* --- stages of transfers -------------------------------------------------------------------------------- */

/* First all that comes in, of which what this rank still sends waits in its workspace; then, `late`, that. */
static rt_status receive(const rt_members *m, const rt_transfer_args *args, bool late) {
    struct rt_copy_args copies = {.parts = 0};
    char *room = rt_at(m->rank, args->workspace);
    for (int i = 0; i < m->channel->transfers; ++i) {
        const rt_transfer_item *item = &m->channel->transfer[i];
        if (item->to != m->me)
            continue;
        rt_range range = rt_members_item(m, args, item);
        const char *from = buffer_of(m, item->from) + range.begin;
        bool waits = rt_members_waits(m, item);
        if (waits && !late)
            RT_TRY(rt_moves_add_copy(m->rank, &copies, room, from, rt_range_bytes(range)));
        else if (waits == late)
            RT_TRY(rt_moves_apply(m, args, item, waits ? room : from));
        room += waits ? rt_range_bytes(range) : 0;
        if (!late)
            count_bytes(m, item->from, rt_range_bytes(range));
    }
    return rt_moves_copy(m->rank, &copies);
}

rt_status loop_transfer(const rt_members *m, const rt_transfer_args *args) {
    RT_TRY(rt_members_room(m, args));
    RT_TRY(arrive(m, LOOP_BEGIN));
    RT_TRY(rt_members_meet(m, args->buffer, args->units * args->unit_bytes, args->type));
    RT_TRY(follow(m, LOOP_BEGIN));
    RT_TRY(receive(m, args, false));
    RT_TRY(meet(m, LOOP_END));
    return receive(m, args, true);
}

/* --- pairs ---------------------------------------------------------------------------------------------- */

rt_status loop_pair(const rt_members *m, bool sends, const rt_pair_args *args) {
    const int peer = m->channel->ranks[!m->me];
    const Loop *mine = loop_of(m->rank, m->rank->id), *theirs = loop_of(m->rank, peer);
    if (sends) {
        RT_TRY(arrive(m, LOOP_BEGIN));
        RT_TRY(rt_members_meet_pair(m, true, args));
        RT_TRY(rt_wait_barrier(m->rank, m->index));
        return loop_follow(m->rank, theirs->channel[m->index][LOOP_END]);
    }
    struct rt_copy_args copies = {.parts = 0};
    RT_TRY(rt_members_meet_pair(m, false, args));
    RT_TRY(loop_follow(m->rank, theirs->channel[m->index][LOOP_BEGIN]));
    RT_TRY(rt_device_met(m->rank));
    RT_TRY(rt_moves_add_copy(m->rank, &copies, rt_at(m->rank, args->buffer), buffer_of(m, !m->me),
                             args->bytes));
    RT_TRY(rt_moves_copy(m->rank, &copies));
    m->rank->bytes[peer] += args->bytes;
    RT_TRY(loop_record(m->rank, mine->channel[m->index][LOOP_END]));
    return rt_wait_barrier(m->rank, m->index);
}
