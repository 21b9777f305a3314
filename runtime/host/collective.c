/* collective: all-reduce, reduce-scatter and all-gather among the members of a channel, by reading peers'
 * slabs in place between barriers. What is small is read in the members' slots instead (see rt_slot), which
 * takes one barrier less. All members choose alike, by sizes that all know.
 *
 * Bytes counted from p to me: what I read from p.
 *   all_reduce      share(me) + share(p), where share(i) = (E (i + 1) / M - E i / M) x type bytes, E the
 *                   elements of the owned piece range, M the members, all integer divisions
 *   reduce_scatter  the bytes of my own pieces
 *   all_gather      the bytes of p's own pieces */
#include "core/backend.h"
#include "host/sum.h"
#include "core/wait.h"

typedef struct Collective {
    const rt_members *m;
    const rt_collective *args;
} Collective;

/* The range of a member. */
typedef rt_range (*range_fn)(const rt_members *m, const rt_collective *args, int member);

static rt_range range_of(const Collective *c, range_fn range, int member) {
    return range(c->m, c->args, member);
}

static int members(const Collective *c) {
    return c->m->channel->members;
}

static char *buffer_of(const Collective *c, int member) {
    return rt_segment_slab(c->m->rank->segment, c->m->channel->ranks[member]) +
           rt_members_slot(c->m, member)->buffer;
}

/* Whether every member's range fits into a slot. */
static bool fits_slots(const Collective *c, range_fn range) {
    for (int i = 0; i < members(c); ++i)
        if (rt_range_bytes(range_of(c, range, i)) > RT_SLOT_BYTES)
            return false;
    return true;
}

/* Copy a range of this rank's buffer into its slot. */
static void post(const Collective *c, rt_range range) {
    memcpy(rt_members_slot(c->m, c->m->me)->data, rt_at(c->m->rank, c->args->buffer + range.begin),
           (size_t)rt_range_bytes(range));
}

static rt_status enter(const Collective *c) {
    return rt_members_meet(c->m, c->args->buffer, c->args->units * c->args->unit_bytes,
                           c->args->type);
}

static rt_status leave(const Collective *c) {
    return rt_wait_barrier(c->m->rank, c->m->index);
}

static void count_bytes(const Collective *c, int member, int64_t bytes) {
    c->m->rank->bytes[c->m->channel->ranks[member]] += bytes;
}

/* Sum a range over all members in rank order into this rank's buffer, whose range nobody else reads or
 * writes meanwhile. `posted`: the slots hold the members' whole buffers. */
static void reduce(const Collective *c, rt_range range, bool posted) {
    int64_t size = rt_type_bytes(c->args->type);
    float sum[SUM_BLOCK];
    for (int64_t at = range.begin; at < range.end; at += SUM_BLOCK * size) {
        int64_t count = (range.end - at) / size;
        count = count < SUM_BLOCK ? count : SUM_BLOCK;
        for (int64_t i = 0; i < count; ++i)
            sum[i] = -0.0f; /* the one value whose sum with any x is x to the bit */
        for (int i = 0; i < members(c); ++i)
            rt_sum_add(sum, (posted ? rt_members_slot(c->m, i)->data : buffer_of(c, i)) + at,
                       c->args->type, count);
        rt_sum_store(buffer_of(c, c->m->me) + at, sum, c->args->type, count);
    }
    for (int i = 0; i < members(c); ++i)
        if (i != c->m->me)
            count_bytes(c, i, rt_range_bytes(range));
}

/* Copy ranges from their members. `posted`: the slots hold them. */
static void gather(const Collective *c, range_fn range, bool posted) {
    for (int step = 1; step < members(c); ++step) {
        int i = (c->m->me + step) % members(c); /* spread over the peers */
        rt_range part = range_of(c, range, i);
        memcpy(buffer_of(c, c->m->me) + part.begin,
               posted ? rt_members_slot(c->m, i)->data : buffer_of(c, i) + part.begin,
               (size_t)rt_range_bytes(part));
        count_bytes(c, i, rt_range_bytes(part));
    }
}

/* With sums posted, nobody reads the buffers of others behind the second barrier. */
static rt_status all_reduce(const Collective *c) {
    bool posted = fits_slots(c, rt_members_shared);
    rt_range mine = range_of(c, rt_members_shared, c->m->me);
    RT_TRY(enter(c));
    reduce(c, mine, false);
    if (posted)
        post(c, mine);
    RT_TRY(leave(c));
    gather(c, rt_members_shared, posted);
    return posted ? RT_OK : leave(c);
}

static rt_status reduce_scatter(const Collective *c) {
    rt_range all = {0, c->args->units * c->args->unit_bytes};
    bool posted = all.end <= RT_SLOT_BYTES;
    if (posted)
        post(c, all);
    RT_TRY(enter(c));
    reduce(c, range_of(c, rt_members_owned, c->m->me), posted);
    return posted ? RT_OK : leave(c);
}

static rt_status all_gather(const Collective *c) {
    bool posted = fits_slots(c, rt_members_owned);
    if (posted)
        post(c, range_of(c, rt_members_owned, c->m->me));
    RT_TRY(enter(c));
    gather(c, rt_members_owned, posted);
    return posted ? RT_OK : leave(c);
}

rt_status rt_backend_collective(const rt_members *m, rt_call call, const rt_collective *args) {
    const Collective c = {m, args};
    if (call == RT_CALL_ALL_REDUCE)
        return all_reduce(&c);
    return call == RT_CALL_REDUCE_SCATTER ? reduce_scatter(&c) : all_gather(&c);
}
