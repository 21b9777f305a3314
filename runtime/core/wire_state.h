/* wire_state: what the files of wire.h share. A wire has one thread, which alone touches the sockets once it runs; the
 * rank's thread leaves messages in `said`, under the lock. */
#pragma once

#include "core/wire.h"

#include <pthread.h>

enum {
    RT_WIRE_GUESTS = 64,      /* connections that have not proved who they are */
    RT_WIRE_PROOF_MS = 5000,  /* and how long they may take */
    RT_WIRE_LINGER_MS = 2000, /* for what is said last to be heard */
    RT_WIRE_PULSE_MS = 100,   /* between two looks at what ranks do; longer for very many */
    RT_WIRE_READ = 1 << 16,   /* bytes read of a connection before it is another one's turn */
    RT_WIRE_QUEUE = 4 << 20,  /* bytes not yet sent: who has more waits */
    RT_WIRE_CLOCKS = 8,       /* questions for the time */
    RT_WIRE_REFUSALS = 20,    /* proofs refused before a peer gives up */
    RT_WIRE_LISTENERS = 4,
};

/* A connection to a process that has proved who it is. */
typedef struct rt_wire_peer {
    int fd; /* -1: none */
    bool joined, ended, refused;
    rt_wire_buffer in, out;
    uint32_t owes; /* arrivals that it has not been told */
    double heard;
    rt_wire_join join;
    rt_wire_pulse pulse; /* as last told to others */
} rt_wire_peer;

/* One that has not. */
typedef struct rt_wire_guest {
    int fd; /* -1: none */
    double since;
    size_t got;
    rt_wire_hello hello;
    rt_wire_proof proof;
} rt_wire_guest;

struct rt_wire {
    rt_mirror mirror;
    rt_segment *segment;
    rt_wire_config config;
    int32_t clock; /* processor time of the rank's thread */
    pthread_t thread;
    bool running;
    int wake; /* eventfd */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    rt_wire_buffer said;   /* by this process's rank, not yet sent */
    _Atomic bool met;      /* all have joined */
    _Atomic bool finished; /* this rank has ended well */
    _Atomic bool go;       /* all have */
    _Atomic bool closing;
    _Atomic bool lost; /* the hub is gone */

    double pulsed, failed_at, closing_at, began;
    bool told_failure, told_hang_up;
    double offset; /* of the hub's clock to ours, seconds */

    rt_wire_peer hub; /* of a peer */

    rt_wire_peer *peer; /* of the hub: [world], none for itself */
    int joined, refused_proofs;
    int listener[RT_WIRE_LISTENERS], listeners;
    rt_wire_guest guest[RT_WIRE_GUESTS];
    struct pollfd *polls; /* [world + guests + listeners + 1] */
    int *polled;          /* likewise: rank, or guest */
};

/* --- wire_place.c --- */

/* Listen where the place says, and write the file, if there is one; `identity` names the run in it. */
rt_status rt_wire_listen(rt_wire *wire, rt_error *error);
void rt_wire_unlisten(rt_wire *wire);
/* A connection to where rank 0 listens, -1: nobody does; `why` says what was tried. */
int rt_wire_connect(const rt_wire *wire, double deadline, char *why, size_t size);
/* Whether somebody at the other end of a connection can only be a process of this host. */
bool rt_wire_loopback(int fd);

/* --- wire.c: both sides --- */

/* Bytes of a connection into its buffer: 1: some; 0: none now; -1: it is closed. */
int rt_wire_read(int fd, rt_wire_buffer *in);
/* As much of a buffer as goes; false: the connection is closed. */
bool rt_wire_write(int fd, rt_wire_buffer *out);
void rt_wire_limit(const rt_wire *wire, int fd);
void rt_wire_peer_close(rt_wire_peer *peer);
/* What this process's rank does. */
rt_wire_pulse rt_wire_pulse_of(const rt_wire *wire, int32_t rank);
rt_wire_failed rt_wire_failure(const rt_wire *wire);
/* End the process if it does not end by itself. */
void rt_wire_watch_stuck(rt_wire *wire, double now);
bool rt_wire_random(void *to, size_t size);
int64_t rt_wire_interval(const rt_wire *wire);

/* --- wire_hub.c, wire_peer.c --- */

rt_status rt_wire_hub_open(rt_wire *wire, rt_error *error);
void *rt_wire_hub_run(void *argument);
rt_status rt_wire_peer_open(rt_wire *wire, rt_error *error);
void *rt_wire_peer_run(void *argument);

/* Who this process is. */
rt_wire_join rt_wire_join_of(const rt_wire *wire);
