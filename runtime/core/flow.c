/* flow: see flow.h. Owns nothing. */
#include "core/flow.h"

static int end_index(const rt_end *ends, int count, int32_t rank) {
    for (int i = 0; i < count; ++i)
        if (ends[i].rank == rank)
            return i;
    return -1;
}

rt_status flow_find(Flow *f, rt_rank *rank, int op, int layer, int channel, int exchange) {
    if (exchange < 0 || exchange >= rank->program->exchanges)
        return rt_fail(rank, RT_SOFTWARE, "the program has no exchange %d", exchange);
    const rt_exchange *e = &rank->program->exchange[exchange];
    int source = end_index(e->source, e->sources, rank->id);
    int target = end_index(e->target, e->targets, rank->id);
    f->rank = rank;
    f->exchange = e;
    f->index = exchange;
    f->channel = channel;
    f->op = op;
    f->layer = layer;
    f->sender = f->back ? target : source;
    f->receiver = f->back ? source : target;
    bool sends = f->send_rows >= 0 && f->send_counts_at >= 0;
    bool receives = f->recv_rows >= 0 && (f->recv_counts_at >= 0 || f->known_counts_at >= 0);
    if ((f->sender >= 0) != sends || (f->receiver >= 0) != receives)
        return rt_fail(rank, RT_SOFTWARE,
                       "exchange %s: the sides of this rank and its buffers disagree", e->name);
    return RT_OK;
}

/* --- windows ------------------------------------------------------------------------------------------ */

static FlowPlace place(const Flow *f, int64_t rows, int64_t meta, int64_t first) {
    return (FlowPlace){rows + first * f->exchange->row_bytes,
                       meta + first * f->exchange->meta_bytes};
}

/* Exact dispatch is packed tightly, because packing knows all counts; a combine is not, because windows are filled one
 * source at a time. */
FlowPlace flow_sent(const Flow *f, int receiver) {
    int64_t first = 0;
    for (int i = 0; i < receiver; ++i)
        first += f->exchange->exact && !f->back ? f->send_counts[i] : flow_window(f, f->sender, i);
    return place(f, f->send_rows, f->send_meta, first);
}

FlowPlace flow_received(const Flow *f, int sender) {
    int64_t first = 0;
    for (int i = 0; i < sender; ++i)
        first +=
            f->exchange->exact && f->back ? f->known_counts[i] : flow_window(f, i, f->receiver);
    return place(f, f->recv_rows, f->recv_meta, first);
}

rt_status flow_check_sent(const Flow *f) {
    for (int i = 0; f->sender >= 0 && i < receivers(f); ++i) {
        int64_t window = flow_window(f, f->sender, i);
        if (f->send_counts[i] < 0 || f->send_counts[i] > window)
            return rt_fail(f->rank, RT_SOFTWARE, "exchange %s: %d rows for rank %d, at most %lld",
                           f->exchange->name, f->send_counts[i], receiver_rank(f, i),
                           (long long)window);
    }
    return RT_OK;
}

rt_status flow_check_received(const Flow *f, int sender, int receiver, int32_t from, bool last,
                              int32_t layer, int32_t count) {
    int64_t window = flow_window(f, sender, receiver);
    if (layer != f->layer)
        return rt_fail(f->rank, RT_SOFTWARE,
                       "exchange %s: rank %d sends layer %d, this rank expects layer %d",
                       f->exchange->name, from, layer, f->layer);
    if (count < 0 || count > window)
        return rt_fail(f->rank, RT_SOFTWARE, "exchange %s: rank %d sends %d rows of at most %lld",
                       f->exchange->name, from, count, (long long)window);
    if (last && f->known_counts && f->known_counts[sender] != count)
        return rt_fail(f->rank, RT_SOFTWARE,
                       "exchange %s: rank %d sends %d rows, this rank expects %d",
                       f->exchange->name, sender_rank(f, sender), count, f->known_counts[sender]);
    return RT_OK;
}

/* --- in stages ---------------------------------------------------------------------------------------- */

int hop_brought_by(const Hops *hops, int hop) {
    const rt_hop *of = &hops->list[hop];
    for (int i = 0; i < hop; ++i)
        if (hops->list[i].to == of->from && hops->list[i].source == of->source &&
            hops->list[i].target == of->target)
            return i;
    return -1;
}

/* Where rows wait that a hop brought this rank to be passed on. */
static FlowPlace relayed(const Flow *f, const Hops *hops, int hop) {
    int64_t first = 0;
    for (int i = 0; i < hop; ++i)
        if (hops->list[i].to == f->rank->id && !hop_is_last(f, &hops->list[i]))
            first += hop_window(f, &hops->list[i]);
    return place(f, f->relay_rows, f->relay_meta, first);
}

FlowPlace hop_sent(const Flow *f, const Hops *hops, int hop) {
    int by = hop_brought_by(hops, hop);
    return by < 0 ? flow_sent(f, hop_receiver(f, &hops->list[hop])) : relayed(f, hops, by);
}

FlowPlace hop_received(const Flow *f, const Hops *hops, int hop) {
    const rt_hop *of = &hops->list[hop];
    return hop_is_last(f, of) ? flow_received(f, hop_sender(f, of)) : relayed(f, hops, hop);
}
