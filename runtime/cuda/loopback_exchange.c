/* loopback_exchange: dispatch and combine among ranks that share a device. In each stage (all pairs at once are one) a rank
 * records that what it sends is there, publishes that in the words of its pairs (core/segment.h), takes what others have
 * published, records that it has all, and tells the senders, whose streams wait for it. What goes through a device is one
 * message a pair: chunks and transfers in flight mean nothing here.
 *
 * Counts stay on the device: with the rows goes the count, which has to fit its window (rt_counts). An exact exchange
 * needs the sender's counts on the host before it can say how much to copy, so it waits for its stream there.
 *
 * No deadlock: of the ranks in the least stage each has published before it waits, for ranks that are there or further on. */
#include "core/wait.h"
#include "cuda/loopback.h"

/* What a stage of this rank is made of: hops by number, or pairs by the other side's index. */
typedef struct Stage {
    Flow *flow;
    Hops hops;
    int64_t number; /* among all stages of the program */
    struct rt_copy_args copies;
    struct rt_counts_args counts;
} Stage;

static const int32_t *count_at(const rt_rank *rank, int peer, int64_t offset, int index) {
    return (const int32_t *)(rt_device_slab(rank, peer) + offset) + index;
}

/* Where rank `peer` keeps the count of what hop `hop` brought it to be passed on. */
static int32_t *relayed_at(const Flow *f, int peer, int hop) {
    const Loop *loop = loop_of(f->rank, peer);
    return loop->relayed + loop->first_hop[2 * f->index + f->back] + hop;
}

static rt_status publish(rt_pair *pair, const Flow *f, FlowPlace place, int32_t count) {
    pair->rows = place.rows;
    pair->meta = place.meta;
    pair->counts = f->send_counts_at;
    pair->count = count;
    pair->layer = f->layer;
    if (rt_word_add(&pair->published) & RT_ABORT_BIT)
        return RT_ABORTED;
    rt_word_wake(&pair->published);
    return RT_OK;
}

static rt_status take(rt_pair *pair) {
    if (rt_word_add(&pair->taken) & RT_ABORT_BIT)
        return RT_ABORTED;
    rt_word_wake(&pair->taken);
    return RT_OK;
}

/* Copy `rows` rows, with what goes along, from a place in a slab to one of this rank's. */
static rt_status copy_rows(Stage *s, const char *slab, FlowPlace from, FlowPlace to, int64_t rows) {
    rt_rank *rank = s->flow->rank;
    const rt_exchange *e = s->flow->exchange;
    RT_TRY(rt_moves_add_copy(rank, &s->copies, rt_at(rank, to.rows), slab + from.rows,
                             rows * e->row_bytes));
    if (s->flow->back)
        return RT_OK;
    return rt_moves_add_copy(rank, &s->copies, rt_at(rank, to.meta), slab + from.meta,
                             rows * e->meta_bytes);
}

/* The count of what came from a sender, which ends its way here. */
static rt_status add_count(Stage *s, int sender, const int32_t *from) {
    const Flow *f = s->flow;
    struct rt_counts_part part = {.from = from, .window = (int)flow_window(f, sender, f->receiver)};
    if (f->known_counts_at >= 0)
        part.known = count_at(f->rank, f->rank->id, f->known_counts_at, sender);
    if (f->recv_counts_at >= 0)
        part.to = (int32_t *)rt_at(f->rank, f->recv_counts_at) + sender;
    return rt_moves_add_count(f->rank, &s->counts, part);
}

/* What a rank has for itself. */
static rt_status own_rows(Stage *s) {
    Flow *f = s->flow;
    if (f->sender < 0 || f->receiver < 0)
        return RT_OK;
    int32_t count = f->exchange->exact ? f->send_counts[f->receiver] : 0;
    RT_TRY(flow_check_received(f, f->sender, f->receiver, f->rank->id, f->exchange->exact, f->layer,
                               count));
    RT_TRY(copy_rows(s, f->rank->slab, flow_sent(f, f->receiver), flow_received(f, f->sender),
                     flow_moved(f, f->sender, f->receiver, count)));
    return add_count(s, f->sender, count_at(f->rank, f->rank->id, f->send_counts_at, f->receiver));
}

/* Wait until a peer has published, see that it means the same, and have the stream wait for what it recorded. */
static rt_status arrive(Stage *s, rt_pair *pair, int peer) {
    rt_rank *rank = s->flow->rank;
    uint32_t next = atomic_load_explicit(&pair->taken, memory_order_relaxed) + 1;
    RT_TRY(rt_wait_peer(rank, &pair->published, next, peer));
    return loop_follow(rank, loop_of(rank, peer)->stage[s->number][LOOP_SENDS]);
}

/* All that was sent there has been taken: what follows on the stream may change it. */
static rt_status leave(Stage *s, rt_pair *pair, int peer) {
    rt_rank *rank = s->flow->rank;
    uint32_t published = atomic_load_explicit(&pair->published, memory_order_relaxed);
    RT_TRY(rt_wait_peer(rank, &pair->taken, published, peer));
    return loop_follow(rank, loop_of(rank, peer)->stage[s->number][LOOP_TAKEN]);
}

static rt_status begin_stage(Stage *s) {
    const Loop *mine = loop_of(s->flow->rank, s->flow->rank->id);
    return loop_record(s->flow->rank, mine->stage[s->number][LOOP_SENDS]);
}

static rt_status end_stage(Stage *s) {
    rt_rank *rank = s->flow->rank;
    RT_TRY(rt_moves_copy(rank, &s->copies));
    RT_TRY(rt_moves_counts(rank, &s->counts));
    return loop_record(rank, loop_of(rank, rank->id)->stage[s->number][LOOP_TAKEN]);
}

/* --- every pair at once --------------------------------------------------------------------------------- */

static rt_pair *pair_of(const Flow *f, int sender, int receiver) {
    return f->back ? rt_segment_pair(f->rank->segment, f->index, true, receiver, sender)
                   : rt_segment_pair(f->rank->segment, f->index, false, sender, receiver);
}

static rt_status receive(Stage *s, int sender) {
    Flow *f = s->flow;
    const int32_t rank = sender_rank(f, sender);
    rt_pair *pair = pair_of(f, sender, f->receiver);
    RT_TRY(arrive(s, pair, rank));
    RT_TRY(flow_check_received(f, sender, f->receiver, rank, f->exchange->exact, pair->layer,
                               pair->count));
    int64_t rows = flow_moved(f, sender, f->receiver, pair->count);
    RT_TRY(copy_rows(s, rt_device_slab(f->rank, rank), (FlowPlace){pair->rows, pair->meta},
                     flow_received(f, sender), rows));
    f->rank->bytes[rank] += flow_bytes(f, rows, true);
    return add_count(s, sender, count_at(f->rank, rank, pair->counts, f->receiver));
}

static rt_status run_direct(Stage *s) {
    Flow *f = s->flow;
    const int32_t me = f->rank->id;
    RT_TRY(begin_stage(s));
    for (int i = 0; f->sender >= 0 && i < receivers(f); ++i)
        if (receiver_rank(f, i) != me)
            RT_TRY(publish(pair_of(f, f->sender, i), f, flow_sent(f, i),
                           f->exchange->exact ? f->send_counts[i] : 0));
    RT_TRY(own_rows(s));
    for (int i = 0; f->receiver >= 0 && i < senders(f); ++i)
        if (sender_rank(f, i) != me)
            RT_TRY(receive(s, i));
    RT_TRY(rt_device_met(f->rank));
    RT_TRY(end_stage(s));
    for (int i = 0; f->receiver >= 0 && i < senders(f); ++i)
        if (sender_rank(f, i) != me)
            RT_TRY(take(pair_of(f, i, f->receiver)));
    for (int i = 0; f->sender >= 0 && i < receivers(f); ++i)
        if (receiver_rank(f, i) != me)
            RT_TRY(leave(s, pair_of(f, f->sender, i), receiver_rank(f, i)));
    return RT_OK;
}

/* --- in stages ------------------------------------------------------------------------------------------ */

static rt_status hop_send(Stage *s, int hop) {
    Flow *f = s->flow;
    const rt_hop *of = &s->hops.list[hop];
    int32_t count = f->exchange->exact ? f->send_counts[hop_receiver(f, of)] : 0;
    return publish(rt_segment_hop(f->rank->segment, f->index, f->back, hop), f,
                   hop_sent(f, &s->hops, hop), count);
}

/* Rows of a hop, to where they end or wait to be passed on, and their count, which passes on likewise. */
static rt_status hop_receive(Stage *s, int hop) {
    Flow *f = s->flow;
    const rt_hop *of = &s->hops.list[hop];
    const int by = hop_brought_by(&s->hops, hop), sender = hop_sender(f, of);
    const bool last = hop_is_last(f, of);
    rt_pair *pair = rt_segment_hop(f->rank->segment, f->index, f->back, hop);
    RT_TRY(arrive(s, pair, of->from));
    RT_TRY(flow_check_received(f, sender, hop_receiver(f, of), of->from, last && f->exchange->exact,
                               pair->layer, pair->count));
    int64_t rows = hop_rows(f, of, pair->count);
    RT_TRY(copy_rows(s, rt_device_slab(f->rank, of->from), (FlowPlace){pair->rows, pair->meta},
                     hop_received(f, &s->hops, hop), rows));
    f->rank->bytes[of->from] += flow_bytes(f, rows, true);
    const int32_t *count = by < 0 ? count_at(f->rank, of->from, pair->counts, hop_receiver(f, of))
                                  : relayed_at(f, of->from, by);
    if (last)
        return add_count(s, sender, count);
    return rt_moves_add_count(f->rank, &s->counts,
                              (struct rt_counts_part){.from = count,
                                                      .to = relayed_at(f, f->rank->id, hop),
                                                      .window = (int)hop_window(f, of)});
}

/* Hops [begin, end) of one stage. */
static rt_status run_stage(Stage *s, int begin, int end) {
    const int32_t me = s->flow->rank->id;
    const rt_hop *list = s->hops.list;
    rt_segment *segment = s->flow->rank->segment;
    RT_TRY(begin_stage(s));
    for (int h = begin; h < end; ++h)
        if (list[h].from == me)
            RT_TRY(hop_send(s, h));
    for (int h = begin; h < end; ++h)
        if (list[h].to == me)
            RT_TRY(hop_receive(s, h));
    if (begin == 0)
        RT_TRY(rt_device_met(s->flow->rank));
    RT_TRY(end_stage(s));
    for (int h = begin; h < end; ++h)
        if (list[h].to == me)
            RT_TRY(take(rt_segment_hop(segment, s->flow->index, s->flow->back, h)));
    for (int h = begin; h < end; ++h)
        if (list[h].from == me)
            RT_TRY(leave(s, rt_segment_hop(segment, s->flow->index, s->flow->back, h), list[h].to));
    return RT_OK;
}

static rt_status run_stages(Stage *s) {
    RT_TRY(own_rows(s));
    for (int begin = 0, end; begin < s->hops.count; begin = end) {
        end = hops_stage_end(&s->hops, begin);
        RT_TRY(run_stage(s, begin, end));
        s->number++;
    }
    return RT_OK;
}

/* --- counts on the host --------------------------------------------------------------------------------- */

/* An exact exchange: bring what the sender sends and what the receiver knows of to the host, and wait for it. */
static rt_status fetch_counts(Flow *f) {
    rt_rank *rank = f->rank;
    const bool sends = f->sender >= 0, knows = f->known_counts_at >= 0;
    const int sent = sends ? receivers(f) : 0, known = knows ? senders(f) : 0;
    const cudaStream_t stream = rt_device_stream(rank);
    const cudaEvent_t event = loop_of(rank, rank->id)->counts;
    void *host;
    if (!f->exchange->exact || sent + known == 0)
        return RT_OK;
    RT_TRY(rt_device_pinned(rank, (size_t)(sent + known) * sizeof(int32_t), &host));
    int32_t *counts = host;
    if (sends)
        RT_CUDA(rank,
                cudaMemcpyAsync(counts, rt_at(rank, f->send_counts_at),
                                (size_t)sent * sizeof *counts, cudaMemcpyDeviceToHost, stream));
    if (knows)
        RT_CUDA(rank,
                cudaMemcpyAsync(counts + sent, rt_at(rank, f->known_counts_at),
                                (size_t)known * sizeof *counts, cudaMemcpyDeviceToHost, stream));
    RT_TRY(loop_record(rank, event));
    RT_TRY(rt_device_wait(rank, event));
    f->send_counts = sends ? counts : NULL;
    f->known_counts = knows ? counts + sent : NULL;
    return flow_check_sent(f);
}

rt_status loop_exchange(Flow *flow) {
    const Loop *mine = loop_of(flow->rank, flow->rank->id);
    Stage stage = {.flow = flow,
                   .hops = flow_hops(flow),
                   .number = mine->first_stage[2 * flow->index + flow->back]};
    RT_TRY(fetch_counts(flow));
    return stage.hops.count ? run_stages(&stage) : run_direct(&stage);
}
