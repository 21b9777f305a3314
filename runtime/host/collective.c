/* collective: all-reduce, reduce-scatter and all-gather among the members of a channel, by reading peers'
 * slabs in place between barriers. What is small is read in the members' slots instead (see rt_slot), which
 * takes one barrier less. All members choose alike, by sizes that all know.
 *
 * Bytes counted from p to me: what I read from p.
 *   all_reduce      share(me) + share(p), where share(i) = (E (i + 1) / M - E i / M) x type bytes, E the
 *                   elements of the owned piece range, M the members, all integer divisions
 *   reduce_scatter  the bytes of my own pieces
 *   all_gather      the bytes of p's own pieces */
#include "core/record.h"
#include "core/emulate.h"
#include "host/sum.h"
#include "core/wait.h"

typedef struct Bytes {
    int64_t begin, end; /* within the buffer */
} Bytes;

typedef struct Collective {
    rt_rank *rank;
    const rt_channel *channel;
    const rt_collective *args;
    int index, me; /* channel, member */
    uint32_t turn;
} Collective;

static Bytes owned(const Collective *c, int member) {
    const int32_t *own = &c->channel->own[2 * (int64_t)member];
    int64_t units = c->args->units, unit = c->args->unit_bytes, pieces = c->channel->pieces;
    return (Bytes){units * own[0] / pieces * unit, units * own[1] / pieces * unit};
}

/* The part of the owned range that a member sums for all. */
static Bytes shared(const Collective *c, int member) {
    Bytes all = owned(c, member);
    int64_t size = rt_type_bytes(c->args->type), members = c->channel->members;
    int64_t elements = (all.end - all.begin) / size;
    return (Bytes){all.begin + elements * member / members * size,
                   all.begin + elements * (member + 1) / members * size};
}

static rt_slot *slot_of(const Collective *c, int member) {
    return rt_segment_slot(c->rank->segment, c->index, member, c->turn);
}

static char *buffer_of(const Collective *c, int member) {
    return rt_segment_slab(c->rank->segment, c->channel->ranks[member]) +
           slot_of(c, member)->buffer;
}

/* Whether every member's range fits into a slot. */
static bool fits_slots(const Collective *c, Bytes (*range_of)(const Collective *, int)) {
    for (int i = 0; i < c->channel->members; ++i) {
        Bytes range = range_of(c, i);
        if (range.end - range.begin > RT_SLOT_BYTES)
            return false;
    }
    return true;
}

/* Copy a range of this rank's buffer into its slot. */
static void post(const Collective *c, Bytes range) {
    memcpy(slot_of(c, c->me)->data, rt_at(c->rank, c->args->buffer + range.begin),
           (size_t)(range.end - range.begin));
}

/* Find this rank among the members, and see that the operation fits its slab. */
static rt_status collective_check(Collective *c) {
    rt_rank *rank = c->rank;
    c->me = -1;
    for (int i = 0; i < c->channel->members; ++i)
        if (c->channel->ranks[i] == rank->id)
            c->me = i;
    if (c->me < 0 || !c->channel->own || c->channel->pieces < 1)
        return rt_fail(rank, RT_SOFTWARE, "channel %s is not for this rank or owns no pieces",
                       c->channel->name);
    int64_t bytes = c->args->units * c->args->unit_bytes;
    if (c->args->type > RT_F16 || c->args->unit_bytes % rt_type_bytes(c->args->type) ||
        c->args->buffer < 0 || bytes < 0 || bytes > rank->role->slab_bytes - c->args->buffer)
        return rt_fail(rank, RT_SOFTWARE, "%lld units of %lld bytes at offset %lld do not fit",
                       (long long)c->args->units, (long long)c->args->unit_bytes,
                       (long long)c->args->buffer);
    c->turn = rank->turns[c->index]++;
    return RT_OK;
}

/* Publish the buffer, meet the others, and see that all mean the same operation. */
static rt_status collective_enter(Collective *c, int layer) {
    rt_rank *rank = c->rank;
    int64_t bytes = c->args->units * c->args->unit_bytes;
    rt_slot *mine = slot_of(c, c->me);
    mine->buffer = c->args->buffer;
    mine->bytes = bytes;
    mine->type = (int32_t)c->args->type;
    mine->layer = layer;
    RT_TRY(rt_wait_barrier(rank, c->index));
    for (int i = 0; i < c->channel->members; ++i) {
        const rt_slot *slot = slot_of(c, i);
        if (slot->bytes != bytes || slot->type != (int32_t)c->args->type || slot->layer != layer)
            return rt_fail(rank, RT_SOFTWARE,
                           "channel %s: rank %d brings %lld bytes of layer %d, this rank %lld of "
                           "layer %d",
                           c->channel->name, c->channel->ranks[i], (long long)slot->bytes,
                           slot->layer, (long long)bytes, layer);
    }
    return RT_OK;
}

/* Sum a range over all members in rank order into this rank's buffer, whose range nobody else reads or
 * writes meanwhile. `posted`: the slots hold the members' whole buffers. */
static void reduce(const Collective *c, Bytes range, bool posted) {
    int64_t size = rt_type_bytes(c->args->type);
    float sum[SUM_BLOCK];
    for (int64_t at = range.begin; at < range.end; at += SUM_BLOCK * size) {
        int64_t count = (range.end - at) / size;
        count = count < SUM_BLOCK ? count : SUM_BLOCK;
        for (int64_t i = 0; i < count; ++i)
            sum[i] = -0.0f; /* the one value whose sum with any x is x to the bit */
        for (int i = 0; i < c->channel->members; ++i)
            rt_sum_add(sum, (posted ? slot_of(c, i)->data : buffer_of(c, i)) + at, c->args->type,
                       count);
        rt_sum_store(buffer_of(c, c->me) + at, sum, c->args->type, count);
    }
    for (int i = 0; i < c->channel->members; ++i)
        if (i != c->me)
            c->rank->bytes[c->channel->ranks[i]] += range.end - range.begin;
}

/* Copy ranges from their members. `posted`: the slots hold them. */
static void gather(const Collective *c, Bytes (*range_of)(const Collective *, int), bool posted) {
    for (int step = 1; step < c->channel->members; ++step) {
        int i = (c->me + step) % c->channel->members; /* spread over the peers */
        Bytes range = range_of(c, i);
        memcpy(buffer_of(c, c->me) + range.begin,
               posted ? slot_of(c, i)->data : buffer_of(c, i) + range.begin,
               (size_t)(range.end - range.begin));
        c->rank->bytes[c->channel->ranks[i]] += range.end - range.begin;
    }
}

/* With sums posted, nobody reads the buffers of others behind the second barrier. */
static rt_status all_reduce(Collective *c, int layer) {
    bool posted = fits_slots(c, shared);
    RT_TRY(collective_enter(c, layer));
    reduce(c, shared(c, c->me), false);
    if (posted)
        post(c, shared(c, c->me));
    RT_TRY(rt_wait_barrier(c->rank, c->index));
    gather(c, shared, posted);
    return posted ? RT_OK : rt_wait_barrier(c->rank, c->index);
}

static rt_status reduce_scatter(Collective *c, int layer) {
    Bytes all = {0, c->args->units * c->args->unit_bytes};
    bool posted = all.end <= RT_SLOT_BYTES;
    if (posted)
        post(c, all);
    RT_TRY(collective_enter(c, layer));
    reduce(c, owned(c, c->me), posted);
    return posted ? RT_OK : rt_wait_barrier(c->rank, c->index);
}

static rt_status all_gather(Collective *c, int layer) {
    bool posted = fits_slots(c, owned);
    if (posted)
        post(c, owned(c, c->me));
    RT_TRY(collective_enter(c, layer));
    gather(c, owned, posted);
    return posted ? RT_OK : rt_wait_barrier(c->rank, c->index);
}

static rt_status collective_run(rt_rank *rank, int op, int layer, int channel,
                                const rt_collective *args,
                                rt_status (*body)(Collective *, int layer)) {
    RT_TRY(rt_op_begin(rank, op, layer));
    if (channel < 0 || channel >= rank->program->channels)
        return rt_fail(rank, RT_SOFTWARE, "the program has no channel %d", channel);
    Collective collective = {
        .rank = rank, .channel = &rank->program->channel[channel], .args = args, .index = channel};
    RT_TRY(collective_check(&collective));
    return rt_op_end(rank, op, layer, body(&collective, layer));
}

rt_status rt_all_reduce(rt_rank *rank, int op, int layer, int channel, const rt_collective *args) {
    RT_TRY(rt_recorded(rank, RT_CALL_ALL_REDUCE, op, layer, channel, -1, -1, args));
    if (rank->emulator)
        return rt_emulate_channel(rank, op, layer, channel, RT_EMU_ALL_REDUCE, args);
    return collective_run(rank, op, layer, channel, args, all_reduce);
}

rt_status rt_reduce_scatter(rt_rank *rank, int op, int layer, int channel,
                            const rt_collective *args) {
    RT_TRY(rt_recorded(rank, RT_CALL_REDUCE_SCATTER, op, layer, channel, -1, -1, args));
    if (rank->emulator)
        return rt_emulate_channel(rank, op, layer, channel, RT_EMU_REDUCE_SCATTER, args);
    return collective_run(rank, op, layer, channel, args, reduce_scatter);
}

rt_status rt_all_gather(rt_rank *rank, int op, int layer, int channel, const rt_collective *args) {
    RT_TRY(rt_recorded(rank, RT_CALL_ALL_GATHER, op, layer, channel, -1, -1, args));
    if (rank->emulator)
        return rt_emulate_channel(rank, op, layer, channel, RT_EMU_ALL_GATHER, args);
    return collective_run(rank, op, layer, channel, args, all_gather);
}
