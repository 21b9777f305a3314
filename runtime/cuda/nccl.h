/* nccl: the transport of ranks that are processes with a GPU each: what its files share. The ranks meet over the wire
 * (core/wire.h), which brings them NCCL's unique id; from then on bytes go through NCCL alone, each channel by a
 * communicator of its own. Communicators do not block: what a call leaves unfinished is asked for until it is done, the run
 * has failed, or the limit is over. Variables NCCL_* are the user's. */
#pragma once

#include "core/flow.h"
#include "core/wire.h"
#include "cuda/moves_launch.h"

#include <nccl.h>

/* Of a rank (rt_backend.transport). */
typedef struct Nccl {
    ncclComm_t world, *channel; /* [channels], NULL: this rank is no member */
    bool *used; /* [channels] peers are connected: a first use may take as long as loading */
    int32_t *op_channel; /* [op_count] that the operation used last, -1: none */
    int32_t *relayed;    /* device: [hops] rows that this rank passes on */
    int64_t *first_hop;  /* [exchanges][2] by direction */
    int64_t hops;
    cudaEvent_t counts; /* the host has the counts of an exact exchange */
    bool aborted;
} Nccl;

static inline Nccl *nccl_of(const rt_rank *rank) {
    return rank->backend->transport;
}

/* RT_OK, or a failure that names the call, the channel (-1: the world) and what NCCL says. A call that is in progress is
 * waited for. */
rt_status rt_nccl_told(rt_rank *rank, int channel, ncclResult_t result, const char *call);
#define RT_NCCL(rank, channel, call) RT_TRY(rt_nccl_told((rank), (channel), (call), #call))

/* A group of sends and receives, or of collectives, over a channel's communicator: all begin together. */
rt_status rt_nccl_group(rt_rank *rank, int channel);
rt_status rt_nccl_group_end(rt_rank *rank, int channel);
/* Bytes to and from member `peer` of a channel, within a group; none are none. */
rt_status rt_nccl_send(rt_rank *rank, int channel, const void *from, int64_t bytes, int peer);
rt_status rt_nccl_recv(rt_rank *rank, int channel, void *to, int64_t bytes, int peer);

/* The moves (nccl_moves.c, nccl_exchange.c). */
rt_status rt_nccl_collective(const rt_members *m, rt_call call, const rt_collective *args);
rt_status rt_nccl_transfer(const rt_members *m, const rt_transfer_args *args);
rt_status rt_nccl_pair(const rt_members *m, bool sends, const rt_pair_args *args);
rt_status rt_nccl_exchange(Flow *flow);

/* Measure links (nccl_preflight.c). */
rt_status rt_nccl_preflight(rt_rank *rank);
/* Wait until a communicator has done what was last asked of it: one of its own, not a channel's. */
rt_status rt_nccl_wait(rt_rank *rank, ncclComm_t comm, ncclResult_t result, const char *call);
