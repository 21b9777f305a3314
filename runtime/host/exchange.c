/* exchange: dispatch of packed rows from sources to targets, and combine of result rows back. A sender
 * publishes where a window lies and how many rows of it are filled; the receiver copies chunk after
 * chunk out of the sender's slab and says how many it took.
 *
 * A pair's window holds at most W rows: `rows` of the source in dispatch, rows x min(top_k, slots) in
 * combine. Rows moved: n = W (padded) or the count (exact). Messages: max(1, ceil(n / chunk)).
 * Bytes counted from sender to receiver, when they are two ranks:
 *   dispatch  4 + n x (row_bytes + meta_bytes)     4: the count
 *   combine   n x row_bytes                        the source knows the count
 *
 * No deadlock: in round c every rank first publishes its chunks c, each after the receiver took chunk
 * c - in_flight, then takes the chunks c of its senders. A rank in the least round waits only for ranks
 * in the same round or later ones, which have published before they took. */
#include "core/backend.h"
#include "core/wait.h"
#include "host/stages.h"

static rt_pair *flow_pair(const Flow *f, int sender, int receiver) {
    return f->back ? rt_segment_pair(f->rank->segment, f->index, true, receiver, sender)
                   : rt_segment_pair(f->rank->segment, f->index, false, sender, receiver);
}

static rt_status flow_publish(const Flow *f, int receiver, int64_t message) {
    rt_pair *pair = flow_pair(f, f->sender, receiver);
    int64_t in_flight = f->exchange->in_flight > 0 ? f->exchange->in_flight : 1;
    if (message == 0) {
        FlowPlace place = flow_sent(f, receiver);
        pair->rows = place.rows;
        pair->meta = place.meta;
        pair->count = f->send_counts[receiver];
        pair->layer = f->layer;
    } else if (message >= in_flight) {
        uint32_t published = atomic_load_explicit(&pair->published, memory_order_relaxed);
        RT_TRY(rt_wait_peer(f->rank, &pair->taken, published + 1 - (uint32_t)in_flight,
                            receiver_rank(f, receiver)));
    }
    if (rt_word_add(&pair->published) & RT_ABORT_BIT)
        return RT_ABORTED;
    rt_word_wake(&pair->published);
    return RT_OK;
}

static void flow_copy(const Flow *f, int sender, const rt_pair *pair, int64_t begin, int64_t end) {
    const rt_exchange *e = f->exchange;
    const char *theirs = rt_segment_slab(f->rank->segment, sender_rank(f, sender));
    FlowPlace to = flow_received(f, sender);
    int64_t rows = end - begin;
    memmove(f->rank->slab + to.rows + begin * e->row_bytes,
            theirs + pair->rows + begin * e->row_bytes, (size_t)(rows * e->row_bytes));
    if (!f->back)
        memmove(f->rank->slab + to.meta + begin * e->meta_bytes,
                theirs + pair->meta + begin * e->meta_bytes, (size_t)(rows * e->meta_bytes));
    if (sender_rank(f, sender) != f->rank->id)
        f->rank->bytes[sender_rank(f, sender)] += flow_bytes(f, rows, begin == 0);
}

static int64_t recv_messages(const Flow *f, int sender) {
    return flow_messages(f, flow_moved(f, sender, f->receiver, f->rank->counts[sender]));
}

/* Take message `message` of a sender, which is there. */
static rt_status flow_take(Flow *f, int sender, int64_t message) {
    rt_pair *pair = flow_pair(f, sender, f->receiver);
    int32_t *count = &f->rank->counts[sender]; /* the pair's may be the next operation's already */
    if (message == 0) {
        RT_TRY(flow_check_received(f, sender, f->receiver, sender_rank(f, sender), true,
                                   pair->layer, pair->count));
        *count = pair->count;
        if (f->recv_counts)
            f->recv_counts[sender] = pair->count;
    }
    int64_t moved = flow_moved(f, sender, f->receiver, *count);
    int64_t messages = flow_messages(f, moved), chunk = f->exchange->chunk;
    f->pull_rounds = messages > f->pull_rounds ? messages : f->pull_rounds;
    if (messages == 1)
        flow_copy(f, sender, pair, 0, moved);
    else
        flow_copy(f, sender, pair, message * chunk,
                  message + 1 == messages ? moved : (message + 1) * chunk);
    if (rt_word_add(&pair->taken) & RT_ABORT_BIT)
        return RT_ABORTED;
    rt_word_wake(&pair->taken);
    return RT_OK;
}

/* Take message `message` of all senders that have that many: first what is there, then the rest. Receivers
 * begin at different senders. */
static rt_status flow_pull(Flow *f, int64_t message) {
    bool *pulled = f->rank->pulled;
    int n = senders(f);
    for (int pass = 0; pass < 2; ++pass)
        for (int i = 0; i < n; ++i) {
            int sender = (f->receiver + 1 + i) % n;
            if (pass == 0)
                pulled[sender] = message > 0 && message >= recv_messages(f, sender);
            rt_pair *pair = flow_pair(f, sender, f->receiver);
            uint32_t next = atomic_load_explicit(&pair->taken, memory_order_relaxed) + 1;
            uint32_t value = atomic_load_explicit(&pair->published, memory_order_acquire);
            if (pulled[sender] || (pass == 0 && !rt_word_reached(value, next)))
                continue;
            RT_TRY(rt_wait_peer(f->rank, &pair->published, next, sender_rank(f, sender)));
            RT_TRY(flow_take(f, sender, message));
            pulled[sender] = true;
        }
    return RT_OK;
}

static int64_t send_messages(const Flow *f, int receiver) {
    return flow_messages(f, flow_moved(f, f->sender, receiver, f->send_counts[receiver]));
}

static rt_status flow_run(Flow *f) {
    int64_t push_rounds = 0;
    RT_TRY(flow_check_sent(f));
    for (int i = 0; f->sender >= 0 && i < receivers(f); ++i) {
        int64_t messages = send_messages(f, i);
        push_rounds = messages > push_rounds ? messages : push_rounds;
    }
    f->pull_rounds = f->receiver >= 0;
    for (int64_t c = 0; c < push_rounds || c < f->pull_rounds; ++c) {
        for (int i = 0; c < push_rounds && i < receivers(f); ++i)
            if (c < send_messages(f, i))
                RT_TRY(flow_publish(f, i, c));
        if (c < f->pull_rounds)
            RT_TRY(flow_pull(f, c));
    }
    for (int i = 0; f->sender >= 0 && i < receivers(f); ++i) {
        rt_pair *pair = flow_pair(f, f->sender, i);
        uint32_t published = atomic_load_explicit(&pair->published, memory_order_relaxed);
        RT_TRY(rt_wait_peer(f->rank, &pair->taken, published, receiver_rank(f, i)));
    }
    return RT_OK;
}

static int32_t *counts_at(const Flow *f, int64_t offset) {
    return offset < 0 ? NULL : (int32_t *)(f->rank->slab + offset);
}

/* The channel names the communicator for other transports; pairs of the exchange suffice here. */
rt_status rt_backend_exchange(Flow *flow) {
    flow->send_counts = counts_at(flow, flow->send_counts_at);
    flow->known_counts = counts_at(flow, flow->known_counts_at);
    flow->recv_counts = counts_at(flow, flow->recv_counts_at);
    return flow_hops(flow).count ? rt_stages_run(flow) : flow_run(flow);
}
