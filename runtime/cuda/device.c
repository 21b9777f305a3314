/* device: see device.h. A process and its ranks come up in this order: the process's first rank opens the device, loads
 * the module and compares what all ranks will take with what is free; behind a barrier each takes its own; behind another
 * all slabs are there, and the transport is opened. */
#include "cuda/device.h"
#include "core/wait.h"
#include "cuda/blas.h"
#include "cuda/graph.h"
#include "cuda/ledger.h"
#include "cuda/module.h"
#include "cuda/moves_launch.h"
#include "cuda/reads.h"
#include "cuda/ring.h"
#include "cuda/step.h"
#include "cuda/tables.h"
#include "cuda/track.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { ALIGN = 256 /* cudaMalloc's own, which cuBLAS wants of its workspace */ };

/* What libraries take beside that is not known before they have: cuBLAS handles, NCCL's channels. */
#define RESERVE_BYTES (INT64_C(128) << 20)

static int64_t aligned(int64_t bytes) {
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

/* --- errors --------------------------------------------------------------------------------------------- */

/* Errors of work that was put on a stream before: the call that returns them has no part in them. */
static bool shows_late(cudaError_t error) {
    switch (error) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorECCUncorrectable:
    case cudaErrorUnknown:
        return true;
    default:
        return false;
    }
}

rt_status rt_device_told(rt_rank *rank, cudaError_t error, const char *call) {
    if (error == cudaSuccess)
        return RT_OK;
    rt_status status = error == cudaErrorMemoryAllocation ? RT_UNAVAILABLE : RT_SOFTWARE;
    if (rank->step && shows_late(error)) {
        bool exact = rank->backend->synchronous;
        if (!exact)
            rt_track_name(rank);
        return rt_fail(rank, status, "%s: %s (%s)%s",
                       exact ? "on the device" : "on the device, in this operation or a later one",
                       cudaGetErrorString(error), cudaGetErrorName(error),
                       exact ? "" : "; with RT_CUDA_SYNC=1 the message names the very operation");
    }
    return rt_fail(rank, status, "%.*s: %s (%s)", (int)strcspn(call, "("), call,
                   cudaGetErrorString(error), cudaGetErrorName(error));
}

/* --- the device ----------------------------------------------------------------------------------------- */

rt_status rt_device_index(int local_rank, int *device, rt_error *error) {
    const char *text = getenv("RT_CUDA_DEVICE");
    int count = 0;
    cudaError_t told = cudaGetDeviceCount(&count);
    if (told != cudaSuccess || count < 1)
        return rt_error_set(error, RT_UNAVAILABLE, "no GPU can be used: %s; see nvidia-smi",
                            told != cudaSuccess ? cudaGetErrorString(told) : "there is none");
    *device = count == 1 ? 0 : local_rank;
    if (text && *text) {
        char *end;
        errno = 0;
        long number = strtol(text, &end, 10);
        if (*end || errno || number < 0 || number >= count)
            return rt_error_set(error, RT_USAGE, "RT_CUDA_DEVICE=%s: there are devices 0 to %d",
                                text, count - 1);
        *device = (int)number;
    }
    if (*device >= count)
        return rt_error_set(error, RT_UNAVAILABLE,
                            "rank %d of this host has no GPU: there are %d; start fewer ranks a "
                            "host, or use --transport loopback",
                            *device, count);
    return RT_OK;
}

/* --- a process ------------------------------------------------------------------------------------------ */

rt_process *rt_process_create(const rt_program *program, const rt_moves *moves, int32_t ranks,
                              int32_t first, int device) {
    rt_process *process = calloc(1, sizeof *process);
    if (!process)
        return NULL;
    process->program = program;
    process->moves = moves;
    process->ranks = ranks;
    process->first = first;
    process->device = device;
    process->backend = calloc((size_t)program->world, sizeof *process->backend);
    if (process->backend)
        return process;
    free(process);
    return NULL;
}

static int64_t workspace_bytes(const rt_process *process) {
    return rt_blas_workspace(process->architecture);
}

/* Compare what all ranks of the process will take with what is free. */
static rt_status ledger_check(const rt_process *process, rt_error *error) {
    const rt_program *program = process->program;
    rt_ledger ledger = {0};
    size_t free_bytes, total;
    for (int32_t r = 0; r < program->world; ++r) {
        if (process->ranks == 1 && r != process->first)
            continue;
        const rt_role *role = &program->role[program->places[r].role];
        rt_ledger_add(&ledger, r, aligned(role->slab_bytes),
                      program->streams * workspace_bytes(process),
                      aligned(program->batch * (int64_t)sizeof(uint64_t)));
    }
    ledger.others += rt_tables_bytes(program);
    cudaError_t told = cudaMemGetInfo(&free_bytes, &total);
    if (told != cudaSuccess)
        return rt_error_set(error, RT_UNAVAILABLE, "cudaMemGetInfo: %s", cudaGetErrorString(told));
    return rt_ledger_check(&ledger, (int64_t)free_bytes, (int64_t)total, RESERVE_BYTES,
                           process->device_name, error);
}

static cudaError_t device_open(rt_process *process) {
    struct cudaDeviceProp properties;
    cudaError_t told = cudaGetDeviceProperties(&properties, process->device);
    if (told != cudaSuccess)
        return told;
    snprintf(process->device_name, sizeof process->device_name, "GPU %d (%.48s)", process->device,
             properties.name);
    process->processors = properties.multiProcessorCount;
    process->shared_bytes = (int32_t)properties.sharedMemPerBlockOptin;
    process->architecture = 10 * properties.major + properties.minor;
    return cudaSetDevice(process->device);
}

static rt_status process_open(rt_process *process, rt_error *error) {
    cudaError_t told = device_open(process);
    if (told != cudaSuccess)
        return rt_error_set(error, RT_UNAVAILABLE, "GPU %d: %s", process->device,
                            cudaGetErrorString(told));
    RT_TRY(ledger_check(process, error)); /* before a module is compiled, which takes long */
    RT_TRY(rt_cuda_module_load(process->program, rt_cuda_moves_names, RT_CUDA_MOVES,
                               &process->module, error));
    return rt_tables_open(process, error);
}

static void backend_free(rt_backend *backend);

void rt_process_free(rt_process *process) {
    if (!process)
        return;
    bool stuck = atomic_load(&process->stuck) != 0;
    cudaSetDevice(process->device); /* the ranks' threads did so, this one need not have */
    if (!stuck && process->moves->end)
        process->moves->end(process);
    for (int32_t r = 0; !stuck && r < process->program->world; ++r)
        backend_free(process->backend[r]);
    if (stuck)
        return; /* freeing would wait for the device; the end of the process does not */
    rt_tables_close(process);
    rt_cuda_module_close(process->module);
    free(process->backend);
    free(process);
}

/* --- a rank --------------------------------------------------------------------------------------------- */

static rt_status streams_open(rt_rank *rank) {
    const rt_program *program = rank->program;
    rt_backend *backend = rank->backend;
    int least, greatest; /* a greater priority is a smaller number */
    RT_CUDA(rank, cudaDeviceGetStreamPriorityRange(&least, &greatest));
    for (int32_t s = 0; s < program->streams; ++s) {
        RT_CUDA(rank, cudaStreamCreateWithPriority(&backend->streams[s], cudaStreamNonBlocking,
                                                   program->urgent[s] ? greatest : least));
        RT_CUDA(rank, cudaEventCreateWithFlags(&backend->join[s], cudaEventDisableTiming));
    }
    RT_CUDA(rank, cudaEventCreateWithFlags(&backend->fork, cudaEventDisableTiming));
    RT_CUDA(rank, cudaEventCreateWithFlags(&backend->done, cudaEventDisableTiming));
    for (int32_t o = 0; o < rank->role->op_count; ++o)
        if (rank->role->ops[o].records)
            RT_CUDA(rank, cudaEventCreateWithFlags(&backend->records[o], cudaEventDisableTiming));
    backend->stream = backend->streams[0];
    return RT_OK;
}

/* The slab is zero to begin with, as the host's is. */
static rt_status slab_open(rt_rank *rank) {
    rt_backend *backend = rank->backend;
    void *slab;
    backend->workspace = workspace_bytes(backend->process);
    backend->workspace_first = aligned(rank->role->slab_bytes);
    size_t bytes = (size_t)(backend->workspace_first + rank->program->streams * backend->workspace);
    RT_CUDA(rank, cudaMalloc(&slab, bytes ? bytes : ALIGN));
    backend->slab = rank->slab = slab;
    RT_CUDA(rank, cudaMemsetAsync(slab, 0, (size_t)rank->role->slab_bytes, backend->streams[0]));
    return RT_OK;
}

static rt_status keys_open(rt_rank *rank) {
    rt_backend *backend = rank->backend;
    size_t bytes = (size_t)rank->program->batch * sizeof *backend->keys;
    if (rank->job->choice.temperature == 0)
        return RT_OK;
    RT_CUDA(rank, cudaHostAlloc((void **)&backend->keys, bytes, cudaHostAllocDefault));
    RT_CUDA(rank, cudaMalloc((void **)&backend->keys_device, bytes));
    return RT_OK;
}

static rt_status fault_open(rt_rank *rank) {
    rt_backend *backend = rank->backend;
    RT_CUDA(rank,
            cudaHostAlloc((void **)&backend->fault, sizeof *backend->fault, cudaHostAllocMapped));
    *backend->fault = (struct rt_fault){0};
    RT_CUDA(rank, cudaHostGetDevicePointer((void **)&backend->fault_device, backend->fault, 0));
    return RT_OK;
}

static rt_backend *backend_create(const rt_rank *rank) {
    rt_backend *backend = calloc(1, sizeof *backend);
    if (!backend)
        return NULL;
    size_t streams = (size_t)rank->program->streams, ops = (size_t)rank->role->op_count + 1;
    backend->process = rank->segment->process;
    backend->stream_count = rank->program->streams;
    backend->op_count = rank->role->op_count;
    backend->step_count = rank->program->steps;
    backend->op = backend->layer = -1;
    backend->streams = calloc(streams, sizeof *backend->streams);
    backend->join = calloc(streams, sizeof *backend->join);
    backend->records = calloc(ops, sizeof *backend->records);
    backend->recorded = calloc(ops, sizeof *backend->recorded);
    backend->pinned = calloc(ops, sizeof *backend->pinned);
    backend->graphs = calloc((size_t)rank->program->steps, sizeof(rt_graph *));
    backend->track = rt_track_create(rt_step_wants_times(rank));
    backend->ring = rt_ring_create();
    backend->reads = rt_reads_create();
    if (backend->streams && backend->join && backend->records && backend->recorded &&
        backend->pinned && backend->graphs && backend->track && backend->ring && backend->reads)
        return backend;
    backend_free(backend);
    return NULL;
}

rt_status rt_backend_open(rt_rank *rank) {
    rt_process *process = rank->segment->process;
    rt_error error = {0};
    if (!(rank->backend = backend_create(rank)))
        return rt_fail(rank, RT_UNAVAILABLE, "no memory for this rank");
    process->backend[rank->id] = rank->backend;
    rt_step_thread(rank);
    rank->backend->synchronous = rt_step_synchronous();
    if (rank->id == process->first && process_open(process, &error) != RT_OK)
        return rt_fail(rank, error.status, "%s", error.text);
    RT_TRY(rt_wait_barrier(rank, rank->program->channels));
    RT_CUDA(rank, cudaSetDevice(process->device));
    RT_TRY(streams_open(rank));
    RT_TRY(slab_open(rank));
    RT_TRY(fault_open(rank));
    RT_TRY(keys_open(rank));
    RT_TRY(rt_blas_open(rank));
    RT_TRY(rt_wait_barrier(rank, rank->program->channels));
    return process->moves->open ? process->moves->open(rank) : RT_OK;
}

void rt_backend_close(rt_rank *rank) {
    rt_backend *backend = rank->backend;
    if (!backend)
        return;
    if (!rt_step_drain(rank))
        atomic_store(&backend->process->stuck, 1);
    if (backend->process->moves->close)
        backend->process->moves->close(rank);
    rank->backend = NULL; /* freed with the process */
    rank->slab = NULL;
}

static void events_free(rt_backend *backend) {
    for (int o = 0; backend->records && o < backend->op_count; ++o)
        if (backend->records[o])
            cudaEventDestroy(backend->records[o]);
    for (int s = 0; backend->join && s < backend->stream_count; ++s)
        if (backend->join[s])
            cudaEventDestroy(backend->join[s]);
    if (backend->fork)
        cudaEventDestroy(backend->fork);
    if (backend->done)
        cudaEventDestroy(backend->done);
    for (int s = 0; backend->streams && s < backend->stream_count; ++s)
        if (backend->streams[s])
            cudaStreamDestroy(backend->streams[s]);
}

static void memory_free(rt_backend *backend) {
    for (int o = 0; backend->pinned && o < backend->op_count; ++o)
        if (backend->pinned[o].host)
            cudaFreeHost(backend->pinned[o].host);
    if (backend->fault)
        cudaFreeHost(backend->fault);
    if (backend->keys)
        cudaFreeHost(backend->keys);
    if (backend->keys_device)
        cudaFree(backend->keys_device);
    if (backend->slab)
        cudaFree(backend->slab);
}

static void backend_free(rt_backend *backend) {
    if (!backend)
        return;
    for (int s = 0; backend->graphs && s < backend->step_count; ++s)
        rt_graph_free(backend->graphs[s]);
    rt_blas_close(backend);
    rt_ring_free(backend->ring);
    rt_reads_free(backend->reads);
    rt_track_free(backend->track);
    events_free(backend);
    memory_free(backend);
    free(backend->streams);
    free(backend->join);
    free(backend->records);
    free(backend->recorded);
    free(backend->pinned);
    free(backend->pending);
    free(backend->graphs);
    free(backend);
}

rt_status rt_device_pinned(rt_rank *rank, size_t bytes, void **host) {
    rt_backend *backend = rank->backend;
    rt_pinned *pinned = &backend->pinned[backend->op];
    if (pinned->bytes < bytes) {
        if (pinned->host && pinned->step == backend->step)
            return rt_fail(rank, RT_SOFTWARE, "its memory on the host is in use in this step");
        if (pinned->host)
            RT_CUDA(rank, cudaFreeHost(pinned->host));
        *pinned = (rt_pinned){0};
        RT_CUDA(rank, cudaHostAlloc(&pinned->host, bytes, cudaHostAllocDefault));
        pinned->bytes = bytes;
    }
    pinned->step = backend->step;
    *host = pinned->host;
    return RT_OK;
}
