/* transfer: a stage of transfers among the members of a channel, as its table lists them, all at once. A member
 * reads peers' slabs in place between two barriers. What it receives into bytes that it sends itself waits in
 * its workspace until all have read; the rest goes where it belongs at once. Where what each member sends is
 * small, it is read in the members' slots instead (see rt_slot), which takes one barrier alone and no workspace.
 * All members choose alike, by sizes that all know.
 *
 * Bytes counted from p to me: of all transfers from p to me. */
#include "core/backend.h"
#include "host/sum.h"
#include "core/wait.h"

typedef struct Stage {
    const rt_members *m;
    const rt_transfer_args *args;
    bool posted; /* what is sent lies in the slots */
} Stage;

static rt_range range_of(const Stage *s, const rt_transfer_item *item) {
    return rt_members_item(s->m, s->args, item);
}

/* Where in its sender's slot a transfer lies: behind those before it in the list. */
static int64_t slot_offset(const Stage *s, int which) {
    const rt_transfer_item *list = s->m->channel->transfer;
    int64_t at = 0;
    for (int i = 0; i < which; ++i)
        if (list[i].from == list[which].from)
            at += rt_range_bytes(range_of(s, &list[i]));
    return at;
}

/* Whether all that every member sends fits into its slot. */
static bool fits_slots(const Stage *s) {
    for (int i = 0; i < s->m->channel->transfers; ++i)
        if (slot_offset(s, i) + rt_range_bytes(range_of(s, &s->m->channel->transfer[i])) >
            RT_SLOT_BYTES)
            return false;
    return true;
}

static void post(const Stage *s) {
    for (int i = 0; i < s->m->channel->transfers; ++i) {
        const rt_transfer_item *item = &s->m->channel->transfer[i];
        rt_range range = range_of(s, item);
        if (item->from == s->m->me)
            memcpy(rt_members_slot(s->m, s->m->me)->data + slot_offset(s, i),
                   rt_at(s->m->rank, s->args->buffer + range.begin), (size_t)rt_range_bytes(range));
    }
}

/* What arrives at this rank's buffer: in place of what is there, or added to it. */
static void apply(const Stage *s, const rt_transfer_item *transfer, const char *from) {
    rt_type type = s->args->type;
    int64_t size = rt_type_bytes(type);
    rt_range range = range_of(s, transfer);
    char *to = rt_at(s->m->rank, s->args->buffer);
    float sum[SUM_BLOCK];
    if (!transfer->sum) {
        memcpy(to + range.begin, from, (size_t)rt_range_bytes(range));
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

/* Where the bytes of a transfer lie in its sender. */
static const char *source(const Stage *s, int which) {
    const rt_transfer_item *transfer = &s->m->channel->transfer[which];
    const rt_slot *slot = rt_members_slot(s->m, transfer->from);
    if (s->posted)
        return slot->data + slot_offset(s, which);
    return rt_segment_slab(s->m->rank->segment, s->m->channel->ranks[transfer->from]) +
           slot->buffer + range_of(s, transfer).begin;
}

/* First everything that comes in, then, when all have read, what had to wait. */
static void stage_receive(const Stage *s, bool late) {
    int64_t waiting = 0;
    for (int i = 0; i < s->m->channel->transfers; ++i) {
        const rt_transfer_item *transfer = &s->m->channel->transfer[i];
        if (transfer->to != s->m->me)
            continue;
        rt_range range = range_of(s, transfer);
        int64_t bytes = rt_range_bytes(range);
        bool wait = !s->posted && rt_members_waits(s->m, transfer);
        char *room = wait ? rt_at(s->m->rank, s->args->workspace + waiting) : NULL;
        waiting += wait ? bytes : 0;
        if (late) {
            if (wait)
                apply(s, transfer, room);
            continue;
        }
        if (wait)
            memcpy(room, source(s, i), (size_t)bytes);
        else
            apply(s, transfer, source(s, i));
        s->m->rank->bytes[s->m->channel->ranks[transfer->from]] += bytes;
    }
}

rt_status rt_backend_transfer(const rt_members *m, const rt_transfer_args *args) {
    Stage stage = {.m = m, .args = args};
    stage.posted = fits_slots(&stage);
    if (stage.posted)
        post(&stage);
    else
        RT_TRY(rt_members_room(m, args));
    RT_TRY(rt_members_meet(m, args->buffer, args->units * args->unit_bytes, args->type));
    stage_receive(&stage, false);
    if (stage.posted)
        return RT_OK;
    RT_TRY(rt_wait_barrier(m->rank, m->index));
    stage_receive(&stage, true);
    return RT_OK;
}
