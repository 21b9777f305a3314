/* flow: one direction of an exchange as one rank sees it, and where the windows of its pairs lie; what direct
 * exchanges and those in stages share. */
#pragma once

#include "core/rank.h"

/* One direction of an exchange, seen from one rank. */
typedef struct Flow {
    rt_rank *rank;
    const rt_exchange *exchange;
    int index; /* of the exchange */
    bool back; /* combine: from targets to sources */
    int layer;
    int sender, receiver; /* index of this rank on either side, -1: not there */
    int64_t send_rows, send_meta, recv_rows, recv_meta;
    const int32_t *send_counts, *known_counts; /* known: of the receiver, or NULL */
    int32_t *recv_counts;                      /* filled in, or NULL */
    int64_t relay_rows, relay_meta;            /* slab offsets of what is passed on, -1: nothing */
    int64_t pull_rounds;
} Flow;

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

/* First row of the window for `receiver` in this sender: exact dispatch is packed tightly, because packing
 * knows all counts; a combine is not, because windows are filled one source at a time. */
static inline int64_t send_first(const Flow *f, int receiver) {
    int64_t first = 0;
    for (int i = 0; i < receiver; ++i)
        first += f->exchange->exact && !f->back ? f->send_counts[i] : flow_window(f, f->sender, i);
    return first;
}

/* First row of the window from `sender` in this receiver. */
static inline int64_t recv_first(const Flow *f, int sender) {
    int64_t first = 0;
    for (int i = 0; i < sender; ++i)
        first +=
            f->exchange->exact && f->back ? f->known_counts[i] : flow_window(f, i, f->receiver);
    return first;
}

/* --- in stages (stages.c) --- */

/* Run a direction whose rows go in stages. */
rt_status rt_flow_stages(Flow *f);
