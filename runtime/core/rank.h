/* rank: the context of one rank, seen by the runtime only. Created by the launch code for one run; its owner
 * is the thread that runs it, and nobody else touches it. What peers may see lies in the segment. */
#pragma once

#include "core/segment.h"

/* What was last seen of a peer. */
typedef struct rt_peer {
    int pidfd; /* -1: not yet opened */
    uint64_t progress;
    double seconds; /* of processor time */
    double idle;    /* how long nothing of that has changed, seconds */
} rt_peer;

/* Takes the place of work in an emulation (core/emulate.h). */
typedef struct rt_emulator rt_emulator;

/* Takes down what calls are made (core/record.h). */
typedef struct rt_record rt_record;

/* What the backend keeps of a rank (core/backend.h). */
typedef struct rt_backend rt_backend;

struct rt_rank {
    const rt_program *program;
    const rt_job *job;
    rt_segment *segment;
    int32_t id;
    const rt_place *place;
    const rt_role *role;
    char *slab; /* on a device where the backend has one; NULL: not opened */

    rt_area *area;
    int64_t *operations, *bytes; /* [kinds], [world] */
    double *busy, *wait, *ends;  /* [kinds], [kinds], [waves][1 + max_new] */
    rt_op_time *times;           /* [op_count] or NULL */
    rt_event *events;            /* [RT_TRACE_EVENTS] or NULL */

    rt_backend *backend;   /* NULL: not opened */
    rt_emulator *emulator; /* NULL: operations are executed */
    rt_record *record;     /* NULL: calls are not recorded */
    const rt_step *step;   /* running; NULL: loading */
    int64_t wave;          /* first sequence is wave x batch */
    int64_t made;          /* new tokens of each sequence of the wave before this step */
    bool warming;          /* results of this wave are not kept */
    bool used;             /* some wave has written the persistent state */
    uint32_t indices;      /* token indices of the waves before */
    bool *ended;           /* [batch] sequences that this rank reports and that go on no more */
    int32_t *next;         /* [batch] token made last; -1: not known here */

    double op_begin, waited; /* of the operation under way */
    int64_t limit_ms;        /* of waits without progress; 0: none */
    bool shows;              /* draws progress on the terminal */
    double shown;            /* when it did so last; 0: nothing stands there */
    bool watch_pids;         /* nobody else looks after the peers */
    double peers_checked;    /* when it last did; 0: not yet */
    rt_peer *peers;          /* [world] */
    uint32_t *arrivals;      /* [channels + 1] barriers passed, times members */
    uint32_t *turns;         /* [channels] collectives begun */
    int32_t *closure;        /* [world] scratch of the watchdog */
    bool *seen;              /* [world] likewise */
    int32_t *counts;         /* rows announced by each sender of an exchange, or hop */
    bool *pulled;            /* [world] senders done with in a round of it */
};

/* Seconds of CLOCK_MONOTONIC, the same clock in all processes of a host. */
double rt_now(void);

/* Create the context of rank `id` on a mapped segment; NULL without memory. */
rt_rank *rt_rank_create(rt_segment *segment, int id);
void rt_rank_free(rt_rank *rank);

/* Mark the begin of an operation (RT_ABORTED when the run has failed elsewhere) and its end. */
rt_status rt_op_begin(rt_rank *rank, int op, int layer);
rt_status rt_op_end(rt_rank *rank, int op, int layer, rt_status status);

/* Tell when an operation ran, CLOCK_MONOTONIC, and how much of that it waited for others. */
void rt_op_took(rt_rank *rank, int op, int layer, double begin, double end, double wait);

/* Load the weights of this rank: drawn by counter, or as weights.map says. */
rt_status rt_weights_fill(rt_rank *rank);
rt_status rt_weights_read(rt_rank *rank, const char *path);

/* Load, then run all waves. Every failure has been told when this returns. */
rt_status rt_rank_run(rt_rank *rank);
