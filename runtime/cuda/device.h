/* device: a rank on a GPU: slab, streams, events; and what the ranks of a process share. The process owns all memory and
 * events that peers of the same process may reach, and frees them when all its ranks have ended; a rank owns the rest.
 * Whoever puts work on a stream does so from the rank's own thread. */
#pragma once

#include "core/backend.h"
#include "cuda/transport.h"
#include "rt_cuda.h"
#include "rt_fault.h"

#include <cuda_runtime_api.h>
#include <pthread.h>

/* What the ranks of a process share (rt_segment.process). */
struct rt_process {
    const rt_program *program;
    const rt_moves *moves;
    int32_t ranks; /* of this process; they share the device */
    int device;
    char device_name[64];
    int32_t processors, shared_bytes, architecture; /* 90: sm_90 */

    pthread_mutex_t lock; /* of what follows, until all are open */
    bool opened;          /* device and module, by the first rank that came */
    bool stuck;           /* work on the device does not end: nothing can be freed */
    struct rt_cuda_module *module;
    rt_backend **backend; /* [world], NULL: of another process, or not opened */
    void *transport;      /* the transport's, of the process */
};

typedef struct rt_ring rt_ring;   /* pinned memory through which weights go (ring.h) */
typedef struct rt_reads rt_reads; /* and logits come (reads.h) */
typedef struct rt_times rt_times; /* when operations ran (times.h) */
typedef struct rt_graph rt_graph; /* a captured step (graph.h) */
struct cublasContext;

/* Memory of the host at a fixed address that the device copies from or to; one of an operation. */
typedef struct rt_pinned {
    void *host;
    size_t bytes;
} rt_pinned;

/* Of one rank. */
struct rt_backend {
    rt_process *process;
    char *slab; /* rank->slab: the program's, then a workspace for products of each stream */
    cudaStream_t *streams;   /* [program->streams] */
    cudaEvent_t *records;    /* [op_count], NULL: the operation does not record */
    uint64_t *recorded;      /* [op_count] the step that did so last; 0: none */
    uint64_t step;           /* counted from 1 */
    cudaEvent_t fork, *join; /* of the streams of a step: one begin, [streams] ends */

    int op, layer; /* under way, -1: none */
    cudaStream_t stream;
    bool capturing; /* the step's calls go into a graph */

    struct rt_fault *fault, *fault_device; /* the same memory, seen by host and device */
    rt_pinned *pinned;                     /* [op_count] */
    uint64_t *pinned_step;                 /* [op_count] the step that used it last */
    uint64_t *keys, *keys_device;          /* [batch], on the host pinned */

    rt_ring *ring;
    rt_reads *reads;
    rt_times *times;
    rt_graph *graph;
    struct cublasContext *blas;
    void *transport; /* the transport's, of the rank */
};

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
