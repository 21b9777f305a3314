/* pair: one transfer between the two ranks of a channel. The receiver reads the sender's slab in place, or what is
 * small in the sender's slot (see rt_slot), where the sender need not wait for that.
 *
 * Bytes counted from sender to receiver: what is sent, by the receiver. */
#include "core/backend.h"
#include "core/wait.h"

static rt_status send_bytes(const rt_members *m, const rt_pair_args *args) {
    bool posted = args->bytes <= RT_SLOT_BYTES;
    if (posted)
        memcpy(rt_members_slot(m, m->me)->data, rt_at(m->rank, args->buffer), (size_t)args->bytes);
    RT_TRY(rt_members_meet_pair(m, true, args));
    return posted ? RT_OK : rt_wait_barrier(m->rank, m->index);
}

static rt_status recv_bytes(const rt_members *m, const rt_pair_args *args) {
    int32_t peer = m->channel->ranks[!m->me];
    bool posted = args->bytes <= RT_SLOT_BYTES;
    RT_TRY(rt_members_meet_pair(m, false, args));
    const rt_slot *slot = rt_members_slot(m, !m->me);
    const char *from =
        posted ? (const char *)slot->data : rt_segment_slab(m->rank->segment, peer) + slot->buffer;
    memcpy(rt_at(m->rank, args->buffer), from, (size_t)args->bytes);
    m->rank->bytes[peer] += args->bytes;
    return posted ? RT_OK : rt_wait_barrier(m->rank, m->index);
}

rt_status rt_backend_pair(const rt_members *m, bool sends, const rt_pair_args *args) {
    return sends ? send_bytes(m, args) : recv_bytes(m, args);
}
