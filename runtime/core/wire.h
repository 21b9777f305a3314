/* wire: ranks in processes of their own, on one host or several, as one run. Each process has a segment of its own, laid out
 * for all ranks; what its rank writes there for others goes over a socket to rank 0, the hub, and from there to
 * those whom it concerns: arrivals at the world's barrier, counts of new tokens, who does what, why the run failed, and
 * in the end all results to the hub. It knows no device: what a transport must tell all others before it can begin is
 * a blob.
 *
 * docs/cuda.md has the trust model. */
#pragma once

#include "core/launch.h"
#include "core/wire_message.h"

typedef struct rt_wire rt_wire;

/* Where ranks meet: at an address, or one that stands in a file; `local`: all are on this host. */
typedef struct rt_wire_place {
    const char *file; /* NULL: none */
    char host[256];
    int port;
    bool local;
} rt_wire_place;

typedef struct rt_wire_config {
    int rank;
    uint64_t key; /* equal for the ranks of a launch */
    rt_wire_place place;
    rt_secret secret;
    char device[RT_WIRE_NAME]; /* that no other rank of this machine may have; "": none */
    size_t blob_bytes;         /* in of rank 0, out of others */
    unsigned char blob[RT_WIRE_BLOB];
    int64_t stuck_ms; /* a process that goes on for longer after the run has failed is ended */
} rt_wire_config;

/* What command line and seat say. RT_USAGE, RT_DATA: they do not say where, or the secret is missing. */
rt_status rt_wire_configure(rt_wire_config *config, const rt_options *options, const rt_seat *seat,
                            rt_error *error);

/* Meet all ranks of the program: returns when all have come. The segment is mapped, and this process's own. A failure that
 * the hub tells is RT_ABORTED in others. */
rt_status rt_wire_open(rt_wire **wire, rt_segment *segment, rt_wire_config *config,
                       rt_error *error);

/* After the rank of this process has ended well: all results are in the hub's segment when this returns there. */
rt_status rt_wire_finish(rt_wire *wire);

/* Whether the hub is gone, so that nobody else tells. */
bool rt_wire_lost(const rt_wire *wire);

/* Also after a failure: tells the others. NULL: nothing. */
void rt_wire_close(rt_wire *wire);
