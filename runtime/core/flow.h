/* flow: one direction of an exchange as one rank sees it, and where the windows of its pairs and hops lie. It copies
 * nothing and knows of no memory but slab offsets; counts are on the host where they decide about offsets. */
#pragma once

#include "core/rank.h"

/* One direction of an exchange, seen from one rank. */
typedef struct Flow {
    rt_rank *rank;
    const rt_exchange *exchange;
    int index;   /* of the exchange */
    int channel; /* its communicator, for transports that have such */
    bool back;   /* combine: from targets to sources */
    int op, layer;
    int sender, receiver; /* index of this rank on either side, -1: not there */
    /* Slab offsets, -1: not there. Counts are int32: known_ of a combine's receiver, recv_ are filled in. */
    int64_t send_rows, send_meta, recv_rows, recv_meta;
    int64_t send_counts_at, known_counts_at, recv_counts_at;
    int64_t relay_rows, relay_meta; /* of what is passed on */
    /* The same counts where the host reads them: set by the backend before it asks where rows lie, NULL: not there. */
    const int32_t *send_counts, *known_counts;
    int32_t *recv_counts;
    int64_t pull_rounds; /* of the host's backend */
} Flow;

/* Slab offsets of rows and of what goes with them. */
typedef struct FlowPlace {
    int64_t rows, meta;
} FlowPlace;

/* Find this rank on both sides of an exchange, and see that its buffers are those of its sides. */
rt_status flow_find(Flow *f, rt_rank *rank, int op, int layer, int channel, int exchange);

static inline int senders(const Flow *f) {
    return f->back ? f->exchange->targets : f->exchange->sources;
}
static inline int receivers(const Flow *f) {
    return f->back ? f->exchange->sources : f->exchange->targets;
}
static inline int32_t sender_rank(const Flow *f, int sender) {
    return f->back ? f->exchange->target[sender].rank : f->exchange->source[sender].rank;
}
static inline int32_t receiver_rank(const Flow *f, int receiver) {
    return f->back ? f->exchange->source[receiver].rank : f->exchange->target[receiver].rank;
}

/* W, rows. */
static inline int64_t flow_window(const Flow *f, int sender, int receiver) {
    if (!f->back)
        return f->exchange->source[sender].count;
    int64_t slots = f->exchange->target[sender].count, top_k = f->exchange->top_k;
    return f->exchange->source[receiver].count * (slots < top_k ? slots : top_k);
}

static inline int64_t flow_moved(const Flow *f, int sender, int receiver, int32_t count) {
    return f->exchange->exact ? count : flow_window(f, sender, receiver);
}

static inline int64_t flow_messages(const Flow *f, int64_t rows) {
    int64_t chunk = f->exchange->chunk;
    return chunk <= 0 || rows <= chunk ? 1 : (rows + chunk - 1) / chunk;
}

/* Bytes of a row, with what goes along. */
static inline int64_t flow_row_bytes(const Flow *f) {
    return f->exchange->row_bytes + (f->back ? 0 : f->exchange->meta_bytes);
}

/* Bytes that count when so many rows come from another rank; `first`: the count comes with them. */
static inline int64_t flow_bytes(const Flow *f, int64_t rows, bool first) {
    return rows * flow_row_bytes(f) + (!f->back && first ? (int64_t)sizeof(int32_t) : 0);
}

/* Where the window for `receiver` lies in this sender, and the one from `sender` in this receiver. */
FlowPlace flow_sent(const Flow *f, int receiver);
FlowPlace flow_received(const Flow *f, int sender);

/* See that this sender's counts fit their windows. */
rt_status flow_check_sent(const Flow *f);
/* See that what comes from a rank is of this layer and fits; `from` is the rank that sends it here, `last`: it does not go
 * on, and is what this receiver knows of. */
rt_status flow_check_received(const Flow *f, int sender, int receiver, int32_t from, bool last,
                              int32_t layer, int32_t count);

/* --- in stages ---------------------------------------------------------------------------------------- */

typedef struct Hops {
    const rt_hop *list;
    int count;
} Hops;

/* None: every pair is direct. */
static inline Hops flow_hops(const Flow *f) {
    return f->back ? (Hops){f->exchange->back, f->exchange->back_hops}
                   : (Hops){f->exchange->there, f->exchange->there_hops};
}
/* End of the stage that begins with hop `begin`. */
static inline int hops_stage_end(const Hops *hops, int begin) {
    int end = begin;
    while (end < hops->count && hops->list[end].stage == hops->list[begin].stage)
        ++end;
    return end;
}
static inline int hop_sender(const Flow *f, const rt_hop *hop) {
    return f->back ? hop->target : hop->source;
}
static inline int hop_receiver(const Flow *f, const rt_hop *hop) {
    return f->back ? hop->source : hop->target;
}
static inline bool hop_is_last(const Flow *f, const rt_hop *hop) {
    return hop->to == receiver_rank(f, hop_receiver(f, hop));
}
static inline int64_t hop_window(const Flow *f, const rt_hop *hop) {
    return flow_window(f, hop_sender(f, hop), hop_receiver(f, hop));
}
/* Rows that a hop moves, of those that its window holds. */
static inline int64_t hop_rows(const Flow *f, const rt_hop *hop, int32_t count) {
    return flow_moved(f, hop_sender(f, hop), hop_receiver(f, hop), count);
}

/* The hop that brought this rank what `hop` takes on, -1: it begins here. */
int hop_brought_by(const Hops *hops, int hop);
/* Where what a hop moves lies in this rank, which sends it; which receives it, to pass it on or to keep it. */
FlowPlace hop_sent(const Flow *f, const Hops *hops, int hop);
FlowPlace hop_received(const Flow *f, const Hops *hops, int hop);
