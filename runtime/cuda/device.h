/* device: a rank on a GPU: slab, streams, events; and what the ranks of a process share. The process owns all memory and
 * events that peers of the same process may reach, and frees them when all its ranks have ended; a rank owns the rest.
 * Whoever puts work on a stream does so from the rank's own thread. */
#pragma once

#include "core/backend.h"
#include "cuda/transport.h"
#include "rt_cuda.h"
#include "rt_fault.h"

#include <cuda_runtime_api.h>

/* What the ranks of a process share (rt_segment.process). Written by its first rank, before a barrier of the world. */
struct rt_process {
    const rt_program *program;
    const rt_moves *moves;
    int32_t ranks, first; /* of this process, which share the device; the least of them */
    int device;
    char device_name[64];
    int32_t processors, shared_bytes, architecture; /* 90: sm_90 */
    _Atomic int32_t stuck; /* 1: work on the device does not end, nothing can be freed */
    struct rt_cuda_module *module;
    rt_backend **backend; /* [world], NULL: of another process, or not opened */
    char *tables;         /* of the program, on the device (tables.h) */
    void *transport;      /* the transport's, of the process */
};

typedef struct rt_ring rt_ring;   /* pinned memory through which weights go (ring.h) */
typedef struct rt_reads rt_reads; /* and logits come (reads.h) */
typedef struct rt_track rt_track; /* which operations of the step the device has done (track.h) */
typedef struct rt_graph rt_graph; /* a captured step (graph.h) */
struct cublasContext;

/* Memory of the host at a fixed address that the device copies from or to. */
typedef struct rt_pinned {
    void *host;
    size_t bytes;
    uint64_t step; /* that used it last */
} rt_pinned;

/* A finish whose tokens are taken when the step is over; a begin whose rows a replay fills anew. */
typedef struct rt_pending {
    int op, layer;
    bool finish;
    union {
        rt_begin_args begin;
        rt_finish_args finish;
    } args;
    int32_t *host; /* pinned */
} rt_pending;

/* Of one rank. The process frees it, for peers may read its slab and wait for its events until all have ended. */
struct rt_backend {
    rt_process *process;
    char *slab;        /* rank->slab: the program's, then a workspace for products of each stream */
    int64_t workspace; /* bytes of each of these, */
    int64_t workspace_first; /* and where the first begins */
    int32_t stream_count, op_count, step_count;
    cudaStream_t *streams;   /* [stream_count] */
    cudaEvent_t *records;    /* [op_count], NULL: the operation does not record */
    uint64_t *recorded;      /* [op_count] the step that did so last; 0: none */
    uint64_t step;           /* counted from 1 */
    cudaEvent_t fork, *join; /* of a step: where all streams begin, [stream_count] where they end */
    cudaEvent_t done;        /* all of the step is over */

    int op, layer; /* under way, -1: none */
    cudaStream_t stream;
    bool replaying;   /* the step goes through a graph */
    bool capturing;   /* its calls are being put into it */
    bool synchronous; /* RT_CUDA_SYNC: the host waits behind each operation */
    bool timed;       /* this step's operations are */

    struct rt_fault *fault, *fault_device; /* the same memory, seen by host and device */
    rt_pinned *pinned;                     /* [op_count] */
    rt_pending *pending;                   /* of this step */
    int32_t pending_count, pending_room;
    uint64_t *keys, *keys_device; /* [batch], those of the host pinned; NULL: greedy */

    rt_ring *ring;
    rt_reads *reads;
    rt_track *track;
    rt_graph **graphs; /* [steps], NULL: not captured */
    struct cublasContext *blas;
    void *transport; /* the transport's, of the rank */
};

/* --- of a process --------------------------------------------------------------------------------------- */

/* Which device a rank takes: RT_CUDA_DEVICE; else the one whose number is that of the rank on its host. RT_USAGE,
 * RT_UNAVAILABLE. To be asked before anything else of CUDA. */
rt_status rt_device_index(int local_rank, int *device, rt_error *error);

rt_process *rt_process_create(const rt_program *program, const rt_moves *moves, int32_t ranks,
                              int32_t first, int device);
/* When all its ranks have ended. */
void rt_process_free(rt_process *process);

/* --- errors --------------------------------------------------------------------------------------------- */

/* RT_OK, or a failure of the rank that names the call and what CUDA says. */
rt_status rt_device_told(rt_rank *rank, cudaError_t error, const char *call);
#define RT_CUDA(rank, call) RT_TRY(rt_device_told((rank), (call), #call))

/* The runtime's own function `index` (cuda/moves.h) on the stream of the operation under way, as rt_cuda_launch. */
rt_status rt_device_launch(rt_rank *rank, int index, rt_grid grid, void **arguments);

/* --- for transports and kernels ------------------------------------------------------------------------- */

/* Stream of the operation under way. */
static inline cudaStream_t rt_device_stream(const rt_rank *rank) {
    return rank->backend->stream;
}

/* The slab of another rank of this process: there once the transport is opened. */
static inline char *rt_device_slab(const rt_rank *rank, int peer) {
    return rank->backend->process->backend[peer]->slab;
}

/* All that other ranks bring to the move under way is there when the stream comes here: its time before counts as
 * waiting. Without this call all of a move is work. */
rt_status rt_device_met(rt_rank *rank);

/* Wait on the host until the event has happened: RT_ABORTED when the run has failed elsewhere, RT_TIMEOUT when nothing
 * moved for the limit. Not in captured steps. */
rt_status rt_device_wait(rt_rank *rank, cudaEvent_t event);

/* Pinned memory of the operation under way, which stays where it is from step to step as long as it is not asked for
 * more; it is the operation's own until the step is over. */
rt_status rt_device_pinned(rt_rank *rank, size_t bytes, void **host);
