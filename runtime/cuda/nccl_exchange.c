/* nccl_exchange: dispatch and combine as groups of sends and receives, which is what an all-to-all is to NCCL: windows
 * differ from pair to pair, so its collective of equal counts is not used. All pairs of a stage (all pairs at once are one)
 * are a group; what goes in chunks is a group a chunk, one after the other on the stream, so transfers in flight mean
 * nothing here.
 *
 * Padded, windows go whole, in dispatch with meta and counts in the first group; all sizes are known, so a graph may hold
 * it. Exact, counts go ahead and come to the host, which then asks for as many rows. In combine counts go not at all: its
 * receiver knows them. A count has to fit its window (rt_counts). */
#include "cuda/nccl.h"

/* What a rank sends or receives between two sides: hop `hop` of the list, or -1: the pair itself. */
typedef struct Way {
    int sender, receiver; /* by index */
    int hop;
    int peer; /* member of the channel */
    bool sends, last;
    FlowPlace place; /* in this rank */
    int64_t rows;
} Way;

typedef struct Stage {
    Flow *flow;
    Hops hops;
    const rt_channel *channel;
} Stage;

static int member_of(const Stage *s, int32_t rank) {
    for (int i = 0; i < s->channel->members; ++i)
        if (s->channel->ranks[i] == rank)
            return i;
    return -1;
}

static int32_t *relayed_at(const Flow *f, int hop) {
    const Nccl *nccl = nccl_of(f->rank);
    return nccl->relayed + nccl->first_hop[2 * f->index + f->back] + hop;
}

static int32_t *count_at(const Flow *f, int64_t offset, int index) {
    return (int32_t *)rt_at(f->rank, offset) + index;
}

/* Where the count of a way lies on the device: what this rank sends or passes on; where it goes. */
static int32_t *way_count(const Stage *s, const Way *way) {
    const Flow *f = s->flow;
    if (way->sends) {
        int by = way->hop < 0 ? -1 : hop_brought_by(&s->hops, way->hop);
        return by < 0 ? count_at(f, f->send_counts_at, way->receiver) : relayed_at(f, by);
    }
    return way->last ? count_at(f, f->recv_counts_at, way->sender) : relayed_at(f, way->hop);
}

/* Rows that are known on the host: of exact exchanges the count of whoever has it. */
static int32_t known_rows(const Flow *f, const Way *way) {
    if (!f->exchange->exact)
        return 0;
    return way->sends ? f->send_counts[way->receiver]
           : f->back  ? f->known_counts[way->sender]
                      : f->recv_counts[way->sender];
}

/* --- the ways of a stage -------------------------------------------------------------------------------- */

/* Fill in the n-th pair that this rank has a part in, sending first: false when there are no more. */
static bool pair_way(const Stage *s, int n, Way *way) {
    const Flow *f = s->flow;
    int sends = f->sender >= 0 ? receivers(f) : 0, takes = f->receiver >= 0 ? senders(f) : 0;
    if (n >= sends + takes)
        return false;
    *way = (Way){.hop = -1, .last = true, .sends = n < sends};
    way->sender = way->sends ? f->sender : n - sends;
    way->receiver = way->sends ? n : f->receiver;
    way->peer =
        member_of(s, way->sends ? receiver_rank(f, way->receiver) : sender_rank(f, way->sender));
    return true;
}

/* The same of hops [begin, end): a hop of others has no peer. */
static bool hop_way(const Stage *s, int begin, int end, int n, Way *way) {
    const Flow *f = s->flow;
    if (begin + n >= end)
        return false;
    const rt_hop *hop = &s->hops.list[begin + n];
    *way = (Way){.hop = begin + n,
                 .sends = hop->from == f->rank->id,
                 .last = hop_is_last(f, hop),
                 .sender = hop_sender(f, hop),
                 .receiver = hop_receiver(f, hop),
                 .peer = -1};
    if (way->sends || hop->to == f->rank->id)
        way->peer = member_of(s, way->sends ? hop->to : hop->from);
    return true;
}

static bool way_at(const Stage *s, int begin, int end, int n, Way *way) {
    return begin < 0 ? pair_way(s, n, way) : hop_way(s, begin, end, n, way);
}

/* Whether this rank and another one have a part in it. */
static bool is_between(const Stage *s, const Way *way) {
    return way->peer >= 0 && s->channel->ranks[way->peer] != s->flow->rank->id;
}

static void way_place(const Stage *s, Way *way) {
    const Flow *f = s->flow;
    way->rows = flow_moved(f, way->sender, way->receiver, known_rows(f, way));
    if (way->hop >= 0)
        way->place =
            way->sends ? hop_sent(f, &s->hops, way->hop) : hop_received(f, &s->hops, way->hop);
    else
        way->place = way->sends ? flow_sent(f, way->receiver) : flow_received(f, way->sender);
}

/* --- what goes ------------------------------------------------------------------------------------------ */

static rt_status go(const Stage *s, const Way *way, int64_t offset, int64_t bytes) {
    rt_rank *rank = s->flow->rank;
    char *at = rt_at(rank, offset);
    return way->sends ? rt_nccl_send(rank, s->flow->channel, at, bytes, way->peer)
                      : rt_nccl_recv(rank, s->flow->channel, at, bytes, way->peer);
}

static rt_status go_count(const Stage *s, const Way *way) {
    rt_rank *rank = s->flow->rank;
    int32_t *at = way_count(s, way);
    return way->sends ? rt_nccl_send(rank, s->flow->channel, at, sizeof *at, way->peer)
                      : rt_nccl_recv(rank, s->flow->channel, at, sizeof *at, way->peer);
}

/* Chunk `message` of a way's rows, and what goes along with the first. */
static rt_status go_rows(const Stage *s, const Way *way, int64_t message) {
    const Flow *f = s->flow;
    const rt_exchange *e = f->exchange;
    int64_t messages = flow_messages(f, way->rows);
    if (message >= messages)
        return RT_OK;
    int64_t begin = messages == 1 ? 0 : message * e->chunk;
    int64_t end = message + 1 == messages ? way->rows : begin + e->chunk, rows = end - begin;
    if (message == 0 && !f->back && !e->exact)
        RT_TRY(go_count(s, way));
    RT_TRY(go(s, way, way->place.rows + begin * e->row_bytes, rows * e->row_bytes));
    if (!f->back)
        RT_TRY(go(s, way, way->place.meta + begin * e->meta_bytes, rows * e->meta_bytes));
    if (!way->sends)
        f->rank->bytes[s->channel->ranks[way->peer]] += flow_bytes(f, rows, message == 0);
    return RT_OK;
}

/* All ways of a stage, a group a chunk. begin -1: all pairs at once. */
static rt_status run_stage(Stage *s, int begin, int end) {
    Flow *f = s->flow;
    Way way;
    int64_t rounds = 1;
    for (int64_t c = 0; c < rounds; ++c) {
        RT_TRY(rt_nccl_group(f->rank, f->channel));
        for (int n = 0; way_at(s, begin, end, n, &way); ++n) {
            if (!is_between(s, &way))
                continue;
            way_place(s, &way);
            int64_t messages = flow_messages(f, way.rows);
            rounds = messages > rounds ? messages : rounds;
            RT_TRY(go_rows(s, &way, c));
        }
        RT_TRY(rt_nccl_group_end(f->rank, f->channel));
    }
    return RT_OK;
}

/* See that counts which came fit their windows; a kernel reads them where they lie. */
static rt_status check_counts(Stage *s, int begin, int end) {
    struct rt_counts_args counts = {.parts = 0};
    Flow *f = s->flow;
    Way way;
    if (f->back || f->exchange->exact)
        return RT_OK;
    for (int n = 0; way_at(s, begin, end, n, &way); ++n) {
        if (way.sends || !is_between(s, &way))
            continue;
        int32_t *at = way_count(s, &way);
        RT_TRY(rt_moves_add_count(
            f->rank, &counts,
            (struct rt_counts_part){
                .from = at, .to = at, .window = (int)flow_window(f, way.sender, way.receiver)}));
    }
    return rt_moves_counts(f->rank, &counts);
}

/* --- counts of exact exchanges -------------------------------------------------------------------------- */

/* Dispatch: bring every count to its receiver, ahead of the rows. */
static rt_status counts_ahead(Stage *s) {
    Flow *f = s->flow;
    Way way;
    RT_TRY(rt_nccl_group(f->rank, f->channel));
    for (int n = 0; pair_way(s, n, &way); ++n)
        if (is_between(s, &way))
            RT_TRY(go_count(s, &way));
    return rt_nccl_group_end(f->rank, f->channel);
}

static rt_status to_host(rt_rank *rank, int32_t *to, int64_t offset, int count) {
    if (offset < 0 || count == 0)
        return RT_OK;
    RT_CUDA(rank, cudaMemcpyAsync(to, rt_at(rank, offset), (size_t)count * sizeof *to,
                                  cudaMemcpyDeviceToHost, rt_device_stream(rank)));
    return RT_OK;
}

static rt_status check_received(const Flow *f) {
    const int32_t *counts = f->back ? f->known_counts : f->recv_counts;
    for (int i = 0; f->receiver >= 0 && i < senders(f); ++i)
        RT_TRY(
            flow_check_received(f, i, f->receiver, sender_rank(f, i), true, f->layer, counts[i]));
    return RT_OK;
}

/* All counts of this rank on the host, which waits for its stream. */
static rt_status counts_fetch(Flow *f) {
    rt_rank *rank = f->rank;
    const cudaEvent_t event = nccl_of(rank)->counts;
    int sent = f->sender >= 0 ? receivers(f) : 0, taken = f->receiver >= 0 ? senders(f) : 0;
    void *host;
    if (sent + taken == 0)
        return RT_OK;
    RT_TRY(rt_device_pinned(rank, (size_t)(sent + taken) * sizeof(int32_t), &host));
    int32_t *counts = host;
    RT_TRY(to_host(rank, counts, sent ? f->send_counts_at : -1, sent));
    RT_TRY(to_host(rank, counts + sent, f->back ? f->known_counts_at : f->recv_counts_at, taken));
    RT_CUDA(rank, cudaEventRecord(event, rt_device_stream(rank)));
    RT_TRY(rt_device_wait(rank, event));
    f->send_counts = sent ? counts : NULL;
    f->known_counts = taken && f->back ? counts + sent : NULL;
    f->recv_counts = taken && !f->back ? counts + sent : NULL;
    RT_TRY(flow_check_sent(f));
    return check_received(f);
}

/* --- the whole ------------------------------------------------------------------------------------------ */

/* The count of what a rank has for itself: it never leaves the device. */
static rt_status own_count(const Flow *f) {
    struct rt_counts_args counts = {.parts = 0};
    struct rt_counts_part part = {.from = count_at(f, f->send_counts_at, f->receiver),
                                  .window = (int)flow_window(f, f->sender, f->receiver)};
    if (f->sender < 0 || f->receiver < 0)
        return RT_OK;
    if (f->known_counts_at >= 0)
        part.known = count_at(f, f->known_counts_at, f->sender);
    if (f->recv_counts_at >= 0)
        part.to = count_at(f, f->recv_counts_at, f->sender);
    RT_TRY(rt_moves_add_count(f->rank, &counts, part));
    return rt_moves_counts(f->rank, &counts);
}

static rt_status own_rows(const Flow *f) {
    struct rt_copy_args copies = {.parts = 0};
    const rt_exchange *e = f->exchange;
    rt_rank *rank = f->rank;
    if (f->sender < 0 || f->receiver < 0)
        return RT_OK;
    int64_t rows =
        flow_moved(f, f->sender, f->receiver, e->exact ? f->send_counts[f->receiver] : 0);
    FlowPlace from = flow_sent(f, f->receiver), to = flow_received(f, f->sender);
    RT_TRY(rt_moves_add_copy(rank, &copies, rt_at(rank, to.rows), rt_at(rank, from.rows),
                             rows * e->row_bytes));
    if (!f->back)
        RT_TRY(rt_moves_add_copy(rank, &copies, rt_at(rank, to.meta), rt_at(rank, from.meta),
                                 rows * e->meta_bytes));
    return rt_moves_copy(rank, &copies);
}

rt_status rt_nccl_exchange(Flow *flow) {
    Stage stage = {.flow = flow,
                   .hops = flow_hops(flow),
                   .channel = &flow->rank->program->channel[flow->channel]};
    bool alone = stage.channel->members == 1;
    RT_TRY(own_count(flow));
    if (flow->exchange->exact) {
        if (!flow->back && !alone)
            RT_TRY(counts_ahead(&stage));
        RT_TRY(counts_fetch(flow));
    }
    RT_TRY(own_rows(flow));
    if (alone)
        return RT_OK;
    if (!stage.hops.count) {
        RT_TRY(run_stage(&stage, -1, -1));
        return check_counts(&stage, -1, -1);
    }
    for (int begin = 0, end; begin < stage.hops.count; begin = end) {
        end = hops_stage_end(&stage.hops, begin);
        RT_TRY(run_stage(&stage, begin, end));
        RT_TRY(check_counts(&stage, begin, end));
    }
    return RT_OK;
}
