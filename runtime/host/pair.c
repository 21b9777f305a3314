/* pair: one transfer between the two ranks of a channel. The receiver reads the sender's slab in place, or what is
 * small in the sender's slot (see rt_slot), where the sender need not wait for that.
 *
 * Bytes counted from sender to receiver: what is sent, by the receiver. */
#include "core/record.h"
#include "core/emulate.h"
#include "core/wait.h"

typedef struct Pair {
    rt_rank *rank;
    const rt_pair_args *args;
    int index, me; /* channel, end */
    bool sends;
    uint32_t turn;
} Pair;

static rt_status pair_begin(Pair *pair, rt_rank *rank, int channel, bool sends,
                            const rt_pair_args *args) {
    *pair = (Pair){.rank = rank, .args = args, .index = channel, .sends = sends};
    if (channel < 0 || channel >= rank->program->channels)
        return rt_fail(rank, RT_SOFTWARE, "the program has no channel %d", channel);
    const rt_channel *of = &rank->program->channel[channel];
    pair->me = of->members == 2 && of->ranks[1] == rank->id;
    if (of->members != 2 || of->ranks[pair->me] != rank->id)
        return rt_fail(rank, RT_SOFTWARE, "channel %s is no pair of this rank's", of->name);
    if (args->buffer < 0 || args->bytes < 0 || args->bytes > rank->role->slab_bytes - args->buffer)
        return rt_fail(rank, RT_SOFTWARE, "%lld bytes at offset %lld do not fit",
                       (long long)args->bytes, (long long)args->buffer);
    pair->turn = rank->turns[channel]++;
    return RT_OK;
}

static rt_slot *slot_of(const Pair *pair, int end) {
    return rt_segment_slot(pair->rank->segment, pair->index, end, pair->turn);
}

/* Publish what this end brings; when the other end has come too, see that it is the other side of it. */
static rt_status pair_meet(const Pair *pair, int layer) {
    rt_rank *rank = pair->rank;
    const rt_channel *channel = &rank->program->channel[pair->index];
    const int64_t bytes = pair->args->bytes;
    const rt_slot *other = slot_of(pair, !pair->me);
    rt_slot *mine = slot_of(pair, pair->me);
    mine->buffer = pair->args->buffer;
    mine->bytes = bytes;
    mine->layer = layer;
    mine->type = pair->sends;
    RT_TRY(rt_wait_barrier(rank, pair->index));
    if (other->type == (int32_t)pair->sends)
        return rt_fail(rank, RT_SOFTWARE, "channel %s: both ends %s", channel->name,
                       pair->sends ? "send" : "receive");
    if (!pair->sends && (other->bytes != bytes || other->layer != layer))
        return rt_fail(rank, RT_SOFTWARE,
                       "channel %s: rank %d sends %lld bytes of layer %d, this rank expects %lld "
                       "of layer %d",
                       channel->name, channel->ranks[!pair->me], (long long)other->bytes,
                       other->layer, (long long)bytes, layer);
    return RT_OK;
}

static rt_status send_bytes(const Pair *pair, int layer) {
    bool posted = pair->args->bytes <= RT_SLOT_BYTES;
    if (posted)
        memcpy(slot_of(pair, pair->me)->data, rt_at(pair->rank, pair->args->buffer),
               (size_t)pair->args->bytes);
    RT_TRY(pair_meet(pair, layer));
    return posted ? RT_OK : rt_wait_barrier(pair->rank, pair->index);
}

static rt_status recv_bytes(const Pair *pair, int layer) {
    rt_rank *rank = pair->rank;
    int32_t peer = rank->program->channel[pair->index].ranks[!pair->me];
    int64_t bytes = pair->args->bytes;
    bool posted = bytes <= RT_SLOT_BYTES;
    RT_TRY(pair_meet(pair, layer));
    const rt_slot *slot = slot_of(pair, !pair->me);
    const char *from =
        posted ? (const char *)slot->data : rt_segment_slab(rank->segment, peer) + slot->buffer;
    memcpy(rt_at(rank, pair->args->buffer), from, (size_t)bytes);
    rank->bytes[peer] += bytes;
    return posted ? RT_OK : rt_wait_barrier(rank, pair->index);
}

rt_status rt_send(rt_rank *rank, int op, int layer, int channel, const rt_pair_args *args) {
    Pair pair;
    RT_TRY(rt_recorded(rank, RT_CALL_SEND, op, layer, channel, -1, -1, args));
    if (rank->emulator)
        return rt_emulate_pair(rank, op, layer, channel, RT_EMU_SEND, args);
    RT_TRY(rt_op_begin(rank, op, layer));
    RT_TRY(pair_begin(&pair, rank, channel, true, args));
    return rt_op_end(rank, op, layer, send_bytes(&pair, layer));
}

rt_status rt_recv(rt_rank *rank, int op, int layer, int channel, const rt_pair_args *args) {
    Pair pair;
    RT_TRY(rt_recorded(rank, RT_CALL_RECV, op, layer, channel, -1, -1, args));
    if (rank->emulator)
        return rt_emulate_pair(rank, op, layer, channel, RT_EMU_RECV, args);
    RT_TRY(rt_op_begin(rank, op, layer));
    RT_TRY(pair_begin(&pair, rank, channel, false, args));
    return rt_op_end(rank, op, layer, recv_bytes(&pair, layer));
}
