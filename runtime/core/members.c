/* members: see members.h. Owns nothing. */
#include "core/members.h"
#include "core/wait.h"

rt_status rt_members_find(rt_members *m, rt_rank *rank, int op, int layer, int channel) {
    if (channel < 0 || channel >= rank->program->channels)
        return rt_fail(rank, RT_SOFTWARE, "the program has no channel %d", channel);
    *m = (rt_members){.rank = rank,
                      .channel = &rank->program->channel[channel],
                      .index = channel,
                      .me = -1,
                      .op = op,
                      .layer = layer};
    for (int i = 0; i < m->channel->members; ++i)
        if (m->channel->ranks[i] == rank->id)
            m->me = i;
    return RT_OK;
}

static bool fits(const rt_members *m, int64_t offset, int64_t bytes) {
    return offset >= 0 && bytes >= 0 && bytes <= m->rank->role->slab_bytes - offset;
}

static bool is_sum_type(rt_type type, int64_t unit_bytes) {
    return type <= RT_F16 && unit_bytes % rt_type_bytes(type) == 0;
}

rt_status rt_members_check(rt_members *m, const rt_collective *args) {
    rt_rank *rank = m->rank;
    if (m->me < 0 || !m->channel->own || m->channel->pieces < 1)
        return rt_fail(rank, RT_SOFTWARE, "channel %s is not for this rank or owns no pieces",
                       m->channel->name);
    if (!is_sum_type(args->type, args->unit_bytes) ||
        !fits(m, args->buffer, args->units * args->unit_bytes))
        return rt_fail(rank, RT_SOFTWARE, "%lld units of %lld bytes at offset %lld do not fit",
                       (long long)args->units, (long long)args->unit_bytes,
                       (long long)args->buffer);
    m->turn = rank->turns[m->index]++;
    return RT_OK;
}

rt_status rt_members_check_transfer(rt_members *m, const rt_transfer_args *args) {
    rt_rank *rank = m->rank;
    if (m->me < 0 || m->channel->transfers < 1 || m->channel->pieces < 1)
        return rt_fail(rank, RT_SOFTWARE, "channel %s is not for this rank or lists no transfers",
                       m->channel->name);
    if (!is_sum_type(args->type, args->unit_bytes) ||
        !fits(m, args->buffer, args->units * args->unit_bytes) || args->arrivals < 0 ||
        (args->arrivals > 0 && !fits(m, args->workspace, args->arrivals)))
        return rt_fail(rank, RT_SOFTWARE,
                       "%lld units of %lld bytes at offset %lld and %lld at %lld do not fit",
                       (long long)args->units, (long long)args->unit_bytes, (long long)args->buffer,
                       (long long)args->arrivals, (long long)args->workspace);
    m->turn = rank->turns[m->index]++;
    return RT_OK;
}

rt_status rt_members_check_pair(rt_members *m, const rt_pair_args *args) {
    if (m->me < 0 || m->channel->members != 2)
        return rt_fail(m->rank, RT_SOFTWARE, "channel %s is no pair of this rank's",
                       m->channel->name);
    if (!fits(m, args->buffer, args->bytes))
        return rt_fail(m->rank, RT_SOFTWARE, "%lld bytes at offset %lld do not fit",
                       (long long)args->bytes, (long long)args->buffer);
    m->turn = m->rank->turns[m->index]++;
    return RT_OK;
}

/* --- which bytes -------------------------------------------------------------------------------------- */

/* Pieces [first, last) of a channel's, in a buffer of so many units. */
static rt_range pieces(const rt_channel *channel, int64_t units, int64_t unit_bytes, int64_t first,
                       int64_t last) {
    return (rt_range){units * first / channel->pieces * unit_bytes,
                      units * last / channel->pieces * unit_bytes};
}

rt_range rt_members_owned(const rt_members *m, const rt_collective *args, int member) {
    const int32_t *own = &m->channel->own[2 * (int64_t)member];
    return pieces(m->channel, args->units, args->unit_bytes, own[0], own[1]);
}

rt_range rt_members_shared(const rt_members *m, const rt_collective *args, int member) {
    rt_range all = rt_members_owned(m, args, member);
    int64_t size = rt_type_bytes(args->type), members = m->channel->members;
    int64_t elements = rt_range_bytes(all) / size;
    return (rt_range){all.begin + elements * member / members * size,
                      all.begin + elements * (member + 1) / members * size};
}

rt_range rt_members_item(const rt_members *m, const rt_transfer_args *args,
                         const rt_transfer_item *item) {
    return pieces(m->channel, args->units, args->unit_bytes, item->begin, item->end);
}

bool rt_members_waits(const rt_members *m, const rt_transfer_item *item) {
    for (int i = 0; i < m->channel->transfers; ++i) {
        const rt_transfer_item *other = &m->channel->transfer[i];
        if (other->from == m->me && other->begin < item->end && item->begin < other->end)
            return true;
    }
    return false;
}

rt_status rt_members_room(const rt_members *m, const rt_transfer_args *args) {
    int64_t waiting = 0;
    for (int i = 0; i < m->channel->transfers; ++i) {
        const rt_transfer_item *item = &m->channel->transfer[i];
        if (item->to == m->me && rt_members_waits(m, item))
            waiting += rt_range_bytes(rt_members_item(m, args, item));
        if (waiting > args->arrivals)
            return rt_fail(m->rank, RT_SOFTWARE, "channel %s: %lld bytes arrive, %lld have room",
                           m->channel->name, (long long)waiting, (long long)args->arrivals);
    }
    return RT_OK;
}

/* --- where members share the segment -------------------------------------------------------------------- */

static void bring(const rt_members *m, int64_t buffer, int64_t bytes, int32_t type) {
    rt_slot *mine = rt_members_slot(m, m->me);
    mine->buffer = buffer;
    mine->bytes = bytes;
    mine->type = type;
    mine->layer = m->layer;
}

rt_status rt_members_meet(const rt_members *m, int64_t buffer, int64_t bytes, rt_type type) {
    bring(m, buffer, bytes, (int32_t)type);
    RT_TRY(rt_wait_barrier(m->rank, m->index));
    for (int i = 0; i < m->channel->members; ++i) {
        const rt_slot *slot = rt_members_slot(m, i);
        if (slot->bytes != bytes || slot->type != (int32_t)type || slot->layer != m->layer)
            return rt_fail(m->rank, RT_SOFTWARE,
                           "channel %s: rank %d brings %lld bytes of layer %d, this rank %lld of "
                           "layer %d",
                           m->channel->name, m->channel->ranks[i], (long long)slot->bytes,
                           slot->layer, (long long)bytes, m->layer);
    }
    return RT_OK;
}

rt_status rt_members_meet_pair(const rt_members *m, bool sends, const rt_pair_args *args) {
    bring(m, args->buffer, args->bytes, sends);
    RT_TRY(rt_wait_barrier(m->rank, m->index));
    const rt_slot *other = rt_members_slot(m, !m->me);
    if (other->type == (int32_t)sends)
        return rt_fail(m->rank, RT_SOFTWARE, "channel %s: both ends %s", m->channel->name,
                       sends ? "send" : "receive");
    if (!sends && (other->bytes != args->bytes || other->layer != m->layer))
        return rt_fail(m->rank, RT_SOFTWARE,
                       "channel %s: rank %d sends %lld bytes of layer %d, this rank expects %lld "
                       "of layer %d",
                       m->channel->name, m->channel->ranks[!m->me], (long long)other->bytes,
                       other->layer, (long long)args->bytes, m->layer);
    return RT_OK;
}
