/* segment: the one piece of memory that all ranks of a run share: control words, what each rank reports, the
 * results, and every rank's slab, where that lies on the host. Its layout follows from program and job alone, so that each process
 * computes it for itself. It knows nothing of how ranks are started.
 *
 *   header | rank areas | barrier words | member slots | pair slots | tokens, how far they are | logits, scores |
 *   emulation | slabs
 *
 * A fresh segment is all zeros, and every field means "nothing yet" when it is zero. */
#pragma once

#include "core/job.h"
#include "core/futex.h"
#include "core/mirror.h"

/* Which program a rank runs. It stands first in every segment, whatever the version: ranks compare it before they know
 * anything else of each other. */
typedef struct rt_identity {
    char plan[16], schedule[16], certificate[16]; /* digests */
    int32_t abi, world;
} rt_identity;

typedef struct rt_header {
    rt_identity identity;    /* of who made it */
    rt_identity other;       /* of the first rank that came with another one, */
    _Atomic int32_t refused; /* 1 + which that was; -1: being written */
    int64_t total;           /* bytes of the segment */
    uint64_t run;            /* drawn by chance */
    int32_t launcher;
    rt_word attached; /* ranks that took their place (segments with a name) */
    _Atomic int32_t ready;
    _Atomic int32_t failed;  /* 1 + first rank that failed */
    rt_word told;            /* 1 once the failed rank's message is written */
    rt_word made;            /* token indices that are complete, over all waves */
    _Atomic int32_t hung_up; /* 1: nobody wants more tokens */
} rt_header;

/* rt_area.waits_for of a rank that waits for its device, where any other rank's work may have to be done first. */
#define RT_WAITS_FOR_DEVICE(program) ((program)->channels + 2)

/* What one rank tells the others. */
typedef struct rt_area {
    _Atomic uint64_t progress; /* operations begun and waits ended */
    _Atomic int32_t pid;
    _Atomic int32_t clock;     /* of its processor time; or that time itself, */
    _Atomic int64_t worked_us; /* of a rank whose process has a segment of its own; its pid is -1 */
    _Atomic int32_t done;      /* 1: has returned */
    _Atomic int32_t
        waits_for; /* 0: nothing; c + 1: channel c; -(r + 1): rank r; RT_WAITS_FOR_DEVICE */
    _Atomic int32_t step, op,
        layer;        /* what it does: 1 + index; step 0: loading, 1 + steps: shutdown */
    rt_status status; /* of the failed rank */
    char message[RT_MESSAGE];
    int64_t weight_bytes;
    int64_t events, events_dropped;
} rt_area;

/* A barrier's word alone in its cache line. */
typedef struct rt_barrier {
    rt_word arrived;
    char padding[60];
} rt_barrier;

enum { RT_SLOT_BYTES = 8192, RT_SLOT_TURNS = 2 };

/* What a member brings to a collective. Small data are read here, which saves the barrier at the end: a
 * member may go on, and even begin the next collective, while peers still read, because that one writes
 * the other of its two slots, and the one after it comes behind a barrier that waits for the readers. */
typedef struct rt_slot {
    int64_t buffer, bytes; /* slab offset, size */
    int32_t type, layer;
    char padding[40];
    char data[RT_SLOT_BYTES];
} rt_slot;

/* One direction of one pair of an exchange. The sender alone adds to `published`, the receiver to `taken`. */
typedef struct rt_pair {
    rt_word published;
    rt_word taken;
    int64_t rows, meta; /* slab offsets in the sender */
    int64_t counts;     /* likewise, of its counts, for who reads them on a device */
    int32_t count, layer;
    char padding[24];
} rt_pair;

typedef struct rt_event {
    double begin, end, wait; /* seconds, CLOCK_MONOTONIC */
    int32_t op, layer, step;
    int32_t run; /* of an emulation */
} rt_event;

/* Time of one operation of a role on one rank, in seconds; busy is without waiting. */
typedef struct rt_op_time {
    int64_t count;
    double busy, busy_min, wait;
    double begin, end; /* sums of clock readings, which ranks of a host share */
} rt_op_time;

/* What the backend keeps of a process, so that its ranks find each other. */
typedef struct rt_process rt_process;

/* Writes new tokens as they come (core/stream.h). */
typedef struct rt_stream rt_stream;

typedef struct rt_segment {
    char *base;
    int64_t total;
    const rt_program *program;
    const rt_job *job;
    int64_t area, area_stride; /* offsets from base */
    int64_t area_operations, area_bytes, area_busy, area_wait, area_ends, area_times, area_events;
    int64_t barriers, pairs, tokens, made, indices, logits, scores;
    rt_stream *stream;   /* of the process that reports; NULL: none */
    rt_process *process; /* the backend's, of this process; NULL: none */
    rt_mirror *mirror;   /* tells other processes what changes here; NULL: they see it */
    int64_t logits_bytes;
    int64_t links, links_bytes; /* what preflight measured: rt_link_time [program->links] */
    int64_t emulation, words;   /* see emulate_state.h */
    int64_t word_count;         /* of an emulation; 0: none */
    int64_t pair_count;
    int64_t *slots;      /* [channels] slots of its members */
    int64_t *pair_first; /* [exchanges] index of its first pair */
    int64_t *slabs;      /* [world] */
    bool threads;        /* ranks are threads of this process */
} rt_segment;

/* Compute the layout; `base` stays NULL. */
rt_status rt_segment_plan(rt_segment *segment, const rt_job *job, rt_error *error);
/* Map it: `fd` negative is memory of this process alone; `create` sizes and writes the header. */
rt_status rt_segment_map(rt_segment *segment, int fd, bool create, rt_error *error);
void rt_segment_close(rt_segment *segment);

static inline rt_header *rt_segment_header(const rt_segment *s) {
    return (rt_header *)s->base;
}
static inline rt_area *rt_segment_area(const rt_segment *s, int rank) {
    return (rt_area *)(s->base + s->area + rank * s->area_stride);
}
/* Arrays of a rank: operations int64 [kinds]; bytes int64 [world] received from; busy, wait double [kinds];
 * ends double [waves][1 + max_new] (start of the wave, then the end of each step); times rt_op_time
 * [op_count]; events rt_event [RT_TRACE_EVENTS]. */
static inline void *rt_segment_array(const rt_segment *s, int rank, int64_t array) {
    return (char *)rt_segment_area(s, rank) + array;
}
/* Word of channel `channel`; channel == program->channels is the whole world's. */
static inline rt_barrier *rt_segment_barrier(const rt_segment *s, int channel) {
    return (rt_barrier *)(s->base + s->barriers) + channel;
}
/* `turn`: how many collectives the channel has seen. */
static inline rt_slot *rt_segment_slot(const rt_segment *s, int channel, int member,
                                       uint32_t turn) {
    return (rt_slot *)(s->base + s->slots[channel]) + (int64_t)member * RT_SLOT_TURNS +
           turn % RT_SLOT_TURNS;
}
/* Pairs of a direction: one a hop, or every source with every target. */
static inline int64_t rt_exchange_words(const rt_exchange *e, bool back) {
    int32_t hops = back ? e->back_hops : e->there_hops;
    return hops ? hops : (int64_t)e->sources * e->targets;
}
/* `back`: the direction from target to source. */
static inline rt_pair *rt_segment_pair(const rt_segment *s, int exchange, bool back, int source,
                                       int target) {
    const rt_exchange *e = &s->program->exchange[exchange];
    int64_t first = back ? rt_exchange_words(e, false) : 0;
    int64_t index = s->pair_first[exchange] + first + (int64_t)source * e->targets + target;
    return (rt_pair *)(s->base + s->pairs) + index;
}
/* Words of their own for who sleeps in an emulation. */
static inline rt_barrier *rt_segment_word(const rt_segment *s, int64_t index) {
    return (rt_barrier *)(s->base + s->words) + index;
}
/* The same of a direction in stages, by hop. */
static inline rt_pair *rt_segment_hop(const rt_segment *s, int exchange, bool back, int hop) {
    int64_t first = back ? rt_exchange_words(&s->program->exchange[exchange], false) : 0;
    return (rt_pair *)(s->base + s->pairs) + s->pair_first[exchange] + first + hop;
}
static inline int32_t *rt_segment_tokens(const rt_segment *s) {
    return (int32_t *)(s->base + s->tokens);
}
/* How many token indices each wave had, int32 [waves]; 0: all. */
static inline int32_t *rt_segment_indices(const rt_segment *s) {
    return (int32_t *)(s->base + s->indices);
}
static inline char *rt_segment_slab(const rt_segment *s, int rank) {
    return s->base + s->slabs[rank];
}

/* The first to call wins: record why the run fails, then wake all who wait. Later calls change nothing. */
bool rt_segment_fail(rt_segment *segment, int rank, rt_status status, const char *message);
static inline bool rt_segment_failed(const rt_segment *s) {
    return atomic_load_explicit(&rt_segment_header(s)->failed, memory_order_relaxed) != 0;
}
/* "decode, layer 2, operation 17 dispatch": what a rank does now. */
void rt_segment_doing(const rt_segment *segment, int rank, char *text, size_t size);
