/* pair: one transfer between the two ranks of a channel. The receiver reads the sender's slab in place, or what is
 * small in the sender's slot (see rt_slot), where the sender need not wait for that.
 *
 * Bytes counted from sender to receiver: what is sent, by the receiver. */
#include "host/wait.h"

typedef struct Pair {
    rt_rank *rank;
    const rt_pair_args *args;
    int index, me; /* channel, end */
    uint32_t turn;
} Pair;

static rt_status pair_begin(Pair *pair, rt_rank *rank, int channel, const rt_pair_args *args) {
    *pair = (Pair){.rank = rank, .args = args, .index = channel};
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

static void publish(const Pair *pair, int layer) {
    rt_slot *slot = slot_of(pair, pair->me);
    slot->buffer = pair->args->buffer;
    slot->bytes = pair->args->bytes;
    slot->layer = layer;
}

static rt_status send_bytes(const Pair *pair, int layer) {
    bool posted = pair->args->bytes <= RT_SLOT_BYTES;
    publish(pair, layer);
    if (posted)
        memcpy(slot_of(pair, pair->me)->data, rt_at(pair->rank, pair->args->buffer),
               (size_t)pair->args->bytes);
    RT_TRY(rt_wait_barrier(pair->rank, pair->index));
    return posted ? RT_OK : rt_wait_barrier(pair->rank, pair->index);
}

static rt_status recv_bytes(const Pair *pair, int layer) {
    rt_rank *rank = pair->rank;
    const rt_channel *channel = &rank->program->channel[pair->index];
    int32_t peer = channel->ranks[!pair->me];
    int64_t bytes = pair->args->bytes;
    bool posted = bytes <= RT_SLOT_BYTES;
    publish(pair, layer);
    RT_TRY(rt_wait_barrier(rank, pair->index));
    const rt_slot *slot = slot_of(pair, !pair->me);
    if (slot->bytes != bytes || slot->layer != layer)
        return rt_fail(
            rank, RT_SOFTWARE,
            "channel %s: rank %d sends %lld bytes of layer %d, this rank expects %lld of "
            "layer %d",
            channel->name, peer, (long long)slot->bytes, slot->layer, (long long)bytes, layer);
    const char *from =
        posted ? (const char *)slot->data : rt_segment_slab(rank->segment, peer) + slot->buffer;
    memcpy(rt_at(rank, pair->args->buffer), from, (size_t)bytes);
    rank->bytes[peer] += bytes;
    return posted ? RT_OK : rt_wait_barrier(rank, pair->index);
}

rt_status rt_send(rt_rank *rank, int op, int layer, int channel, const rt_pair_args *args) {
    Pair pair;
    RT_TRY(rt_op_begin(rank, op, layer));
    RT_TRY(pair_begin(&pair, rank, channel, args));
    return rt_op_end(rank, op, layer, send_bytes(&pair, layer));
}

rt_status rt_recv(rt_rank *rank, int op, int layer, int channel, const rt_pair_args *args) {
    Pair pair;
    RT_TRY(rt_op_begin(rank, op, layer));
    RT_TRY(pair_begin(&pair, rank, channel, args));
    return rt_op_end(rank, op, layer, recv_bytes(&pair, layer));
}
