/* transfer: a stage of transfers among the members of a channel, as its table lists them, all at once. A member
 * reads peers' slabs in place between two barriers. What it receives into bytes that it sends itself waits in
 * its workspace until all have read; the rest goes where it belongs at once. Where what each member sends is
 * small, it is read in the members' slots instead (see rt_slot), which takes one barrier alone and no workspace.
 * All members choose alike, by sizes that all know.
 *
 * Bytes counted from p to me: of all transfers from p to me. */
#include "core/record.h"
#include "core/emulate.h"
#include "host/sum.h"
#include "core/wait.h"

typedef struct Bytes {
    int64_t begin, end; /* within the buffer */
} Bytes;

typedef struct Stage {
    rt_rank *rank;
    const rt_channel *channel;
    const rt_transfer_args *args;
    int index, me; /* channel, member */
    uint32_t turn;
    bool posted; /* what is sent lies in the slots */
} Stage;

static Bytes bytes_of(const Stage *s, const rt_transfer_item *transfer) {
    int64_t units = s->args->units, unit = s->args->unit_bytes, pieces = s->channel->pieces;
    return (Bytes){units * transfer->begin / pieces * unit, units * transfer->end / pieces * unit};
}

static rt_slot *slot_of(const Stage *s, int member) {
    return rt_segment_slot(s->rank->segment, s->index, member, s->turn);
}

static rt_status stage_check(Stage *s) {
    rt_rank *rank = s->rank;
    const rt_transfer_args *args = s->args;
    s->me = -1;
    for (int i = 0; i < s->channel->members; ++i)
        if (s->channel->ranks[i] == rank->id)
            s->me = i;
    if (s->me < 0 || s->channel->transfers < 1 || s->channel->pieces < 1)
        return rt_fail(rank, RT_SOFTWARE, "channel %s is not for this rank or lists no transfers",
                       s->channel->name);
    int64_t bytes = args->units * args->unit_bytes, slab = rank->role->slab_bytes;
    if (args->type > RT_F16 || args->unit_bytes % rt_type_bytes(args->type) || args->buffer < 0 ||
        bytes < 0 || bytes > slab - args->buffer || args->arrivals < 0 ||
        (args->arrivals > 0 && (args->workspace < 0 || args->arrivals > slab - args->workspace)))
        return rt_fail(rank, RT_SOFTWARE,
                       "%lld units of %lld bytes at offset %lld and %lld at %lld do not fit",
                       (long long)args->units, (long long)args->unit_bytes, (long long)args->buffer,
                       (long long)args->arrivals, (long long)args->workspace);
    s->turn = rank->turns[s->index]++;
    return RT_OK;
}

/* Where in its sender's slot a transfer lies: behind those before it in the list. */
static int64_t slot_offset(const Stage *s, int which) {
    int64_t at = 0;
    for (int i = 0; i < which; ++i)
        if (s->channel->transfer[i].from == s->channel->transfer[which].from) {
            Bytes range = bytes_of(s, &s->channel->transfer[i]);
            at += range.end - range.begin;
        }
    return at;
}

/* Whether all that every member sends fits into its slot. */
static bool fits_slots(const Stage *s) {
    for (int i = 0; i < s->channel->transfers; ++i) {
        Bytes range = bytes_of(s, &s->channel->transfer[i]);
        if (slot_offset(s, i) + range.end - range.begin > RT_SLOT_BYTES)
            return false;
    }
    return true;
}

static void post(const Stage *s) {
    for (int i = 0; i < s->channel->transfers; ++i) {
        Bytes range = bytes_of(s, &s->channel->transfer[i]);
        if (s->channel->transfer[i].from == s->me)
            memcpy(slot_of(s, s->me)->data + slot_offset(s, i),
                   rt_at(s->rank, s->args->buffer + range.begin),
                   (size_t)(range.end - range.begin));
    }
}

/* Publish the buffer, meet the others, and see that all mean the same operation. */
static rt_status stage_enter(const Stage *s, int layer) {
    rt_rank *rank = s->rank;
    int64_t bytes = s->args->units * s->args->unit_bytes;
    rt_slot *mine = slot_of(s, s->me);
    mine->buffer = s->args->buffer;
    mine->bytes = bytes;
    mine->type = (int32_t)s->args->type;
    mine->layer = layer;
    RT_TRY(rt_wait_barrier(rank, s->index));
    for (int i = 0; i < s->channel->members; ++i) {
        const rt_slot *slot = slot_of(s, i);
        if (slot->bytes != bytes || slot->type != (int32_t)s->args->type || slot->layer != layer)
            return rt_fail(rank, RT_SOFTWARE,
                           "channel %s: rank %d brings %lld bytes of layer %d, this rank %lld of "
                           "layer %d",
                           s->channel->name, s->channel->ranks[i], (long long)slot->bytes,
                           slot->layer, (long long)bytes, layer);
    }
    return RT_OK;
}

/* What arrives at this rank's buffer: in place of what is there, or added to it. */
static void apply(const Stage *s, const rt_transfer_item *transfer, const char *from) {
    rt_type type = s->args->type;
    int64_t size = rt_type_bytes(type);
    Bytes range = bytes_of(s, transfer);
    char *to = rt_at(s->rank, s->args->buffer);
    float sum[SUM_BLOCK];
    if (!transfer->sum) {
        memcpy(to + range.begin, from, (size_t)(range.end - range.begin));
        return;
    }
    for (int64_t at = range.begin; at < range.end;
         at += SUM_BLOCK * size, from += SUM_BLOCK * size) {
        int64_t count = (range.end - at) / size;
        count = count < SUM_BLOCK ? count : SUM_BLOCK;
        for (int64_t i = 0; i < count; ++i)
            sum[i] = -0.0f; /* the one value whose sum with any x is x to the bit */
        rt_sum_add(sum, to + at, type, count);
        rt_sum_add(sum, from, type, count);
        rt_sum_store(to + at, sum, type, count);
    }
}

/* Whether this rank still sends what the transfer would change. */
static bool waits(const Stage *s, const rt_transfer_item *transfer) {
    for (int i = 0; i < s->channel->transfers; ++i) {
        const rt_transfer_item *other = &s->channel->transfer[i];
        if (other->from == s->me && other->begin < transfer->end && transfer->begin < other->end)
            return true;
    }
    return false;
}

/* Where the bytes of a transfer lie in its sender. */
static const char *source(const Stage *s, int which) {
    const rt_transfer_item *transfer = &s->channel->transfer[which];
    const rt_slot *slot = slot_of(s, transfer->from);
    if (s->posted)
        return slot->data + slot_offset(s, which);
    return rt_segment_slab(s->rank->segment, s->channel->ranks[transfer->from]) + slot->buffer +
           bytes_of(s, transfer).begin;
}

/* First everything that comes in, then, when all have read, what had to wait. */
static rt_status stage_receive(const Stage *s, bool late) {
    int64_t waiting = 0;
    for (int i = 0; i < s->channel->transfers; ++i) {
        const rt_transfer_item *transfer = &s->channel->transfer[i];
        if (transfer->to != s->me)
            continue;
        Bytes range = bytes_of(s, transfer);
        int64_t bytes = range.end - range.begin;
        bool wait = !s->posted && waits(s, transfer);
        char *room = wait ? rt_at(s->rank, s->args->workspace + waiting) : NULL;
        waiting += wait ? bytes : 0;
        if (waiting > s->args->arrivals)
            return rt_fail(s->rank, RT_SOFTWARE, "channel %s: %lld bytes arrive, %lld have room",
                           s->channel->name, (long long)waiting, (long long)s->args->arrivals);
        if (late) {
            if (wait)
                apply(s, transfer, room);
            continue;
        }
        if (wait)
            memcpy(room, source(s, i), (size_t)bytes);
        else
            apply(s, transfer, source(s, i));
        s->rank->bytes[s->channel->ranks[transfer->from]] += bytes;
    }
    return RT_OK;
}

static rt_status stage_run(Stage *s, int layer) {
    s->posted = fits_slots(s);
    if (s->posted)
        post(s);
    RT_TRY(stage_enter(s, layer));
    RT_TRY(stage_receive(s, false));
    if (s->posted)
        return RT_OK;
    RT_TRY(rt_wait_barrier(s->rank, s->index));
    return stage_receive(s, true);
}

rt_status rt_transfer(rt_rank *rank, int op, int layer, int channel, const rt_transfer_args *args) {
    RT_TRY(rt_recorded(rank, RT_CALL_TRANSFER, op, layer, channel, -1, -1, args));
    if (rank->emulator)
        return rt_emulate_channel(rank, op, layer, channel, RT_EMU_TRANSFER,
                                  &(rt_collective){.units = args->units,
                                                   .unit_bytes = args->unit_bytes,
                                                   .type = args->type});
    RT_TRY(rt_op_begin(rank, op, layer));
    if (channel < 0 || channel >= rank->program->channels)
        return rt_fail(rank, RT_SOFTWARE, "the program has no channel %d", channel);
    Stage stage = {
        .rank = rank, .channel = &rank->program->channel[channel], .args = args, .index = channel};
    RT_TRY(stage_check(&stage));
    return rt_op_end(rank, op, layer, stage_run(&stage, layer));
}
