/* loopback: the transport of ranks that are threads of one process and share one device: what its files share. A move
 * records an event, tells its peers on the host that it has, and only then they put a wait for it on their streams: every
 * wait is issued after its record, and nothing on the device spins. Data are pulled out of the peers' slabs, as on the
 * host, with sums in the same order.
 *
 * Events belong to a rank and a step of a move of a channel or exchange, and are recorded anew each time. That is safe:
 * before a rank comes to the same step again, it has met all who wait for the event, and they met it only after they had
 * put their waits on their streams. */
#pragma once

#include "core/flow.h"
#include "cuda/moves_launch.h"

/* Steps of a move over a channel: a barrier of the host follows each. */
enum { LOOP_BEGIN, LOOP_MIDDLE, LOOP_END, LOOP_STEPS };

/* Sides of a stage of an exchange: what this rank sends is there; it has all that it gets. */
enum { LOOP_SENDS, LOOP_TAKEN, LOOP_SIDES };

/* Of a rank (rt_backend.transport). */
typedef struct Loop {
    cudaEvent_t (*channel)[LOOP_STEPS]; /* [channels] */
    cudaEvent_t (*stage)[LOOP_SIDES];   /* [stages] of all exchanges and directions */
    cudaEvent_t counts;                 /* the host has the counts of an exact exchange */
    int32_t *relayed;                   /* device: [hops] rows that this rank passes on */
    int64_t *first_stage, *first_hop;   /* [exchanges][2], by direction */
    int64_t stages, hops;
} Loop;

static inline Loop *loop_of(const rt_rank *rank, int peer) {
    return rank->backend->process->backend[peer]->transport;
}

/* Record an event on the stream of the operation; have the stream wait for one. */
static inline rt_status loop_record(rt_rank *rank, cudaEvent_t event) {
    return rt_device_told(rank, cudaEventRecord(event, rt_device_stream(rank)), "cudaEventRecord");
}
static inline rt_status loop_follow(rt_rank *rank, cudaEvent_t event) {
    return rt_device_told(rank, cudaStreamWaitEvent(rt_device_stream(rank), event, 0),
                          "cudaStreamWaitEvent");
}

/* Moves over a channel (loopback_channel.c) and over an exchange (loopback_exchange.c). */
rt_status loop_collective(const rt_members *m, rt_call kind, const rt_collective *args);
rt_status loop_transfer(const rt_members *m, const rt_transfer_args *args);
rt_status loop_pair(const rt_members *m, bool sends, const rt_pair_args *args);
rt_status loop_exchange(Flow *flow);
