/* stages: dispatch and combine whose rows go in stages, as the exchange lists them, perhaps by ranks that pass them
 * on. Within a stage it is as in exchange.c: chunk after chunk is published and taken. A stage ends on a rank
 * when all that it sent there has been taken, so that an algorithm with one partner a stage has one at a time.
 *
 * Bytes counted from sender to receiver of every hop: as of a direct pair.
 *
 * No deadlock: of the ranks with the least (stage, chunk) each has published that chunk before it waits, for ranks
 * that are there or further on. */
#include "host/stages.h"
#include "core/wait.h"

static rt_pair *hop_pair(const Flow *f, int hop) {
    return rt_segment_hop(f->rank->segment, f->index, f->back, hop);
}

/* --- sending --- */

static rt_status hop_publish(const Flow *f, const Hops *hops, int hop, int64_t message) {
    const rt_hop *of = &hops->list[hop];
    rt_pair *pair = hop_pair(f, hop);
    int64_t in_flight = f->exchange->in_flight > 0 ? f->exchange->in_flight : 1;
    if (message == 0) {
        int by = hop_brought_by(hops, hop);
        FlowPlace place = hop_sent(f, hops, hop);
        pair->rows = place.rows;
        pair->meta = place.meta;
        pair->count = by < 0 ? f->send_counts[hop_receiver(f, of)] : f->rank->counts[by];
        pair->layer = f->layer;
    } else if (message >= in_flight) {
        uint32_t published = atomic_load_explicit(&pair->published, memory_order_relaxed);
        RT_TRY(rt_wait_peer(f->rank, &pair->taken, published + 1 - (uint32_t)in_flight, of->to));
    }
    if (rt_word_add(&pair->published) & RT_ABORT_BIT)
        return RT_ABORTED;
    rt_word_wake(&pair->published);
    return RT_OK;
}

static int64_t sent_messages(const Flow *f, const Hops *hops, int hop) {
    return flow_messages(f, hop_rows(f, &hops->list[hop], hop_pair(f, hop)->count));
}

/* --- receiving --- */

/* Rows [begin, end) of what a hop brings, to where it ends or waits. */
static void hop_copy(const Flow *f, const Hops *hops, int hop, int64_t begin, int64_t end) {
    const rt_hop *of = &hops->list[hop];
    const rt_exchange *e = f->exchange;
    const rt_pair *pair = hop_pair(f, hop);
    const char *theirs = rt_segment_slab(f->rank->segment, of->from);
    FlowPlace to = hop_received(f, hops, hop);
    int64_t rows = end - begin;
    memmove(f->rank->slab + to.rows + begin * e->row_bytes,
            theirs + pair->rows + begin * e->row_bytes, (size_t)(rows * e->row_bytes));
    if (!f->back)
        memmove(f->rank->slab + to.meta + begin * e->meta_bytes,
                theirs + pair->meta + begin * e->meta_bytes, (size_t)(rows * e->meta_bytes));
    f->rank->bytes[of->from] += flow_bytes(f, rows, begin == 0);
}

/* Take message `message` of a hop as soon as it is there. */
static rt_status hop_take(Flow *f, const Hops *hops, int hop, int64_t message) {
    const rt_hop *of = &hops->list[hop];
    rt_pair *pair = hop_pair(f, hop);
    int32_t *count = &f->rank->counts[hop]; /* the pair's may be the next operation's already */
    uint32_t next = atomic_load_explicit(&pair->taken, memory_order_relaxed) + 1;
    RT_TRY(rt_wait_peer(f->rank, &pair->published, next, of->from));
    if (message == 0) {
        RT_TRY(flow_check_received(f, hop_sender(f, of), hop_receiver(f, of), of->from,
                                   hop_is_last(f, of), pair->layer, pair->count));
        *count = pair->count;
        if (hop_is_last(f, of) && f->recv_counts)
            f->recv_counts[hop_sender(f, of)] = pair->count;
    }
    int64_t rows = hop_rows(f, of, *count), chunk = f->exchange->chunk;
    int64_t messages = flow_messages(f, rows);
    f->pull_rounds = messages > f->pull_rounds ? messages : f->pull_rounds;
    if (messages == 1)
        hop_copy(f, hops, hop, 0, rows);
    else
        hop_copy(f, hops, hop, message * chunk,
                 message + 1 == messages ? rows : (message + 1) * chunk);
    if (rt_word_add(&pair->taken) & RT_ABORT_BIT)
        return RT_ABORTED;
    rt_word_wake(&pair->taken);
    return RT_OK;
}

/* --- the stages --- */

/* What a rank has for itself stays where it is needed: a copy, without words. */
static rt_status own_rows(Flow *f) {
    const rt_exchange *e = f->exchange;
    if (f->sender < 0 || f->receiver < 0)
        return RT_OK;
    int32_t count = f->send_counts[f->receiver];
    int64_t window = flow_window(f, f->sender, f->receiver);
    if (count < 0 || count > window || (f->known_counts && f->known_counts[f->sender] != count))
        return rt_fail(f->rank, RT_SOFTWARE, "exchange %s: %d rows for this rank, at most %lld",
                       e->name, count, (long long)window);
    int64_t rows = flow_moved(f, f->sender, f->receiver, count);
    FlowPlace from = flow_sent(f, f->receiver), to = flow_received(f, f->sender);
    char *slab = f->rank->slab;
    memmove(slab + to.rows, slab + from.rows, (size_t)(rows * e->row_bytes));
    if (!f->back)
        memmove(slab + to.meta, slab + from.meta, (size_t)(rows * e->meta_bytes));
    if (f->recv_counts)
        f->recv_counts[f->sender] = count;
    return RT_OK;
}

/* Hops [begin, end) of one stage. */
static rt_status stage_run(Flow *f, const Hops *hops, int begin, int end) {
    int64_t push_rounds = 0;
    f->pull_rounds = 0;
    for (int h = begin; h < end; ++h) {
        push_rounds = hops->list[h].from == f->rank->id ? 1 : push_rounds;
        f->pull_rounds = hops->list[h].to == f->rank->id ? 1 : f->pull_rounds;
    }
    for (int64_t c = 0; c < push_rounds || c < f->pull_rounds; ++c) {
        for (int h = begin; c < push_rounds && h < end; ++h) {
            if (hops->list[h].from != f->rank->id || (c > 0 && c >= sent_messages(f, hops, h)))
                continue;
            RT_TRY(hop_publish(f, hops, h, c));
            int64_t messages = sent_messages(f, hops, h);
            push_rounds = messages > push_rounds ? messages : push_rounds;
        }
        for (int h = begin; c < f->pull_rounds && h < end; ++h)
            if (hops->list[h].to == f->rank->id &&
                (c == 0 || c < flow_messages(f, hop_rows(f, &hops->list[h], f->rank->counts[h]))))
                RT_TRY(hop_take(f, hops, h, c));
    }
    for (int h = begin; h < end; ++h) {
        rt_pair *pair = hop_pair(f, h);
        uint32_t published = atomic_load_explicit(&pair->published, memory_order_relaxed);
        if (hops->list[h].from == f->rank->id)
            RT_TRY(rt_wait_peer(f->rank, &pair->taken, published, hops->list[h].to));
    }
    return RT_OK;
}

rt_status rt_stages_run(Flow *f) {
    Hops hops = flow_hops(f);
    RT_TRY(flow_check_sent(f));
    RT_TRY(own_rows(f));
    for (int begin = 0, end; begin < hops.count; begin = end) {
        end = hops_stage_end(&hops, begin);
        RT_TRY(stage_run(f, &hops, begin, end));
    }
    return RT_OK;
}
