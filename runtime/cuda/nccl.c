/* nccl: see nccl.h. Communicators: made when a rank opens, asked for errors while it waits, aborted when the run fails. */
#include "cuda/nccl.h"
#include "core/stream.h"
#include "core/wait.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOK_NS = 20 * 1000,
    SPINS = 1000,
    ABOUT = 2 /* members told of */,
    CAUSE_MS = 1000,
    CONNECT = 10
};

static ncclComm_t comm_of(const rt_rank *rank, int channel) {
    const Nccl *nccl = nccl_of(rank);
    return channel < 0 ? nccl->world : nccl->channel[channel];
}

static const char *name_of(const rt_rank *rank, int channel) {
    return channel < 0 ? "all ranks" : rank->program->channel[channel].name;
}

/* A peer that gave up its communicators is seen before the wire has brought why: wait a while for that. */
static bool cause_comes(const rt_rank *rank) {
    double begin = rt_now();
    while (!rt_segment_failed(rank->segment) && (rt_now() - begin) * 1e3 < CAUSE_MS)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return rt_segment_failed(rank->segment);
}

static rt_status fail_named(rt_rank *rank, ncclComm_t comm, const char *name, ncclResult_t result,
                            const char *call) {
    if ((result == ncclRemoteError || result == ncclSystemError) && cause_comes(rank))
        return RT_ABORTED;
    const char *more = ncclGetLastError(comm);
    rt_status status =
        result == ncclInvalidArgument || result == ncclInvalidUsage || result == ncclInternalError
            ? RT_SOFTWARE
            : RT_UNAVAILABLE;
    return rt_fail(rank, status, "over channel %s: %.*s: %s%s%.200s; NCCL_DEBUG=INFO tells more",
                   name, (int)strcspn(call, "("), call, ncclGetErrorString(result),
                   more && *more ? ": " : "", more ? more : "");
}

static rt_status fail(rt_rank *rank, int channel, ncclResult_t result, const char *call) {
    return fail_named(rank, comm_of(rank, channel), name_of(rank, channel), result, call);
}

/* Until the communicator has done what was last asked of it. `first`: it connects its members, which may take as long as
 * loading does, but in a step not for ever: CONNECT times as long as anything else. */
static rt_status wait_done(rt_rank *rank, ncclComm_t comm, const char *name, bool first,
                           const char *call) {
    int64_t limit = rank->limit_ms;
    if (first)
        limit = rank->step ? CONNECT * limit : rank->job->options->load_timeout_ms;
    double begin = rt_now();
    for (int64_t turn = 0;; ++turn) {
        ncclResult_t state, told = ncclCommGetAsyncError(comm, &state);
        if (told != ncclSuccess || (state != ncclSuccess && state != ncclInProgress))
            return fail_named(rank, comm, name, told != ncclSuccess ? told : state, call);
        if (state == ncclSuccess)
            return RT_OK;
        if (rt_segment_failed(rank->segment))
            return RT_ABORTED;
        if (limit && (rt_now() - begin) * 1e3 > (double)limit)
            return rt_fail(rank, RT_TIMEOUT,
                           "over channel %s: %.*s is not done after %lld ms; %s sets the limit",
                           name, (int)strcspn(call, "("), call, (long long)limit,
                           rank->step ? "--timeout-ms" : "--load-timeout-ms");
        atomic_fetch_add_explicit(&rank->area->progress, first, memory_order_relaxed);
        if (turn < SPINS)
            sched_yield();
        else
            nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
    }
}

rt_status rt_nccl_wait(rt_rank *rank, ncclComm_t comm, ncclResult_t result, const char *call) {
    if (result == ncclSuccess)
        return RT_OK;
    return result == ncclInProgress ? wait_done(rank, comm, "all ranks", true, call)
                                    : fail_named(rank, comm, "all ranks", result, call);
}

rt_status rt_nccl_told(rt_rank *rank, int channel, ncclResult_t result, const char *call) {
    if (result == ncclSuccess)
        return RT_OK;
    if (result == ncclInProgress)
        return wait_done(rank, comm_of(rank, channel), name_of(rank, channel),
                         channel < 0 || !nccl_of(rank)->used[channel], call);
    return fail(rank, channel, result, call);
}

/* --- groups --------------------------------------------------------------------------------------------- */

rt_status rt_nccl_group(rt_rank *rank, int channel) {
    Nccl *nccl = nccl_of(rank);
    if (rank->program->channel[channel].members == 1)
        return RT_OK; /* nothing goes anywhere */
    if (!nccl->channel[channel])
        return rt_fail(rank, RT_SOFTWARE, "this rank has no part in channel %s",
                       rank->program->channel[channel].name);
    if (rank->backend->op >= 0)
        nccl->op_channel[rank->backend->op] = channel;
    ncclResult_t told = ncclGroupStart();
    return told == ncclSuccess ? RT_OK : fail(rank, channel, told, "ncclGroupStart");
}

/* Within a group a call only notes what is wanted; the end begins it, after connecting where that is the first time. */
static rt_status noted(rt_rank *rank, int channel, ncclResult_t told, const char *call) {
    if (told == ncclSuccess || told == ncclInProgress)
        return RT_OK;
    ncclGroupEnd();
    return fail(rank, channel, told, call);
}

rt_status rt_nccl_group_end(rt_rank *rank, int channel) {
    if (rank->program->channel[channel].members == 1)
        return RT_OK;
    RT_NCCL(rank, channel, ncclGroupEnd());
    nccl_of(rank)->used[channel] = true;
    return RT_OK;
}

rt_status rt_nccl_send(rt_rank *rank, int channel, const void *from, int64_t bytes, int peer) {
    if (bytes == 0)
        return RT_OK;
    return noted(rank, channel,
                 ncclSend(from, (size_t)bytes, ncclUint8, peer, comm_of(rank, channel),
                          rt_device_stream(rank)),
                 "ncclSend");
}

rt_status rt_nccl_recv(rt_rank *rank, int channel, void *to, int64_t bytes, int peer) {
    if (bytes == 0)
        return RT_OK;
    return noted(rank, channel,
                 ncclRecv(to, (size_t)bytes, ncclUint8, peer, comm_of(rank, channel),
                          rt_device_stream(rank)),
                 "ncclRecv");
}

/* --- communicators -------------------------------------------------------------------------------------- */

static bool room(rt_rank *rank, Nccl *nccl) {
    const rt_program *program = rank->program;
    nccl->channel = calloc((size_t)program->channels + 1, sizeof(ncclComm_t));
    nccl->used = calloc((size_t)program->channels + 1, sizeof *nccl->used);
    nccl->op_channel = calloc((size_t)rank->role->op_count + 1, sizeof *nccl->op_channel);
    nccl->first_hop = calloc(2 * (size_t)program->exchanges + 1, sizeof *nccl->first_hop);
    if (!nccl->channel || !nccl->used || !nccl->op_channel || !nccl->first_hop)
        return false;
    for (int32_t op = 0; op < rank->role->op_count; ++op)
        nccl->op_channel[op] = -1;
    for (int32_t d = 0; d < 2 * program->exchanges; ++d) {
        const rt_exchange *e = &program->exchange[d / 2];
        nccl->first_hop[d] = nccl->hops;
        nccl->hops += d % 2 ? e->back_hops : e->there_hops;
    }
    return true;
}

static bool is_member(const rt_channel *channel, int32_t rank) {
    for (int32_t i = 0; i < channel->members; ++i)
        if (channel->ranks[i] == rank)
            return true;
    return false;
}

/* All ranks split the world's communicator for each channel, in the order of the program: that, too, is a collective. */
static rt_status split_all(rt_rank *rank) {
    Nccl *nccl = nccl_of(rank);
    const rt_program *program = rank->program;
    for (int32_t c = 0; c < program->channels; ++c) {
        ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
        bool member = is_member(&program->channel[c], rank->id);
        config.blocking = 0;
        RT_TRY(rt_wait_check(rank));
        RT_NCCL(rank, -1,
                ncclCommSplit(nccl->world, member ? 0 : NCCL_SPLIT_NOCOLOR, rank->id,
                              &nccl->channel[c], &config));
        if (member)
            RT_TRY(rt_nccl_told(rank, c, ncclInProgress, "ncclCommSplit"));
    }
    return RT_OK;
}

static rt_status nccl_open(rt_rank *rank) {
    const rt_process *process = rank->backend->process;
    Nccl *nccl = calloc(1, sizeof *nccl);
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    rank->backend->transport = nccl;
    if (!nccl || !room(rank, nccl))
        return rt_fail(rank, RT_UNAVAILABLE, "no memory for the transport");
    RT_CUDA(rank, cudaEventCreateWithFlags(&nccl->counts, cudaEventDisableTiming));
    if (nccl->hops)
        RT_CUDA(rank, cudaMalloc((void **)&nccl->relayed, (size_t)nccl->hops * sizeof(int32_t)));
    if (rank->program->world == 1)
        return RT_OK;
    config.blocking = 0;
    RT_NCCL(rank, -1,
            ncclCommInitRankConfig(&nccl->world, rank->program->world,
                                   *(const ncclUniqueId *)process->transport, rank->id, &config));
    return split_all(rank);
}

/* Asked for while the device works: what went wrong on a communicator since. */
static rt_status nccl_poll(rt_rank *rank) {
    const Nccl *nccl = nccl_of(rank);
    for (int32_t c = -1; nccl && c < rank->program->channels; ++c) {
        ncclResult_t state = ncclSuccess;
        if (!comm_of(rank, c))
            continue;
        ncclResult_t told = ncclCommGetAsyncError(comm_of(rank, c), &state);
        if (told != ncclSuccess || (state != ncclSuccess && state != ncclInProgress))
            return fail(rank, c, told != ncclSuccess ? told : state, "an operation under way");
    }
    return RT_OK;
}

/* May block, however long: the wire then ends the process (rt_wire_config.stuck_ms). */
static void nccl_abort(rt_rank *rank) {
    Nccl *nccl = nccl_of(rank);
    if (!nccl || nccl->aborted)
        return;
    nccl->aborted = true;
    for (int32_t c = rank->program->channels - 1; nccl->channel && c >= -1; --c)
        if (comm_of(rank, c))
            ncclCommAbort(comm_of(rank, c));
}

/* A communicator that others still need for their own end is flushed first, so that all go together. */
static void comm_close(rt_rank *rank, int channel) {
    ncclComm_t comm = comm_of(rank, channel);
    if (!comm)
        return;
    ncclResult_t told = ncclCommFinalize(comm);
    if (rt_nccl_told(rank, channel, told, "ncclCommFinalize") == RT_OK)
        ncclCommDestroy(comm);
    else
        ncclCommAbort(comm);
}

static void nccl_close(rt_rank *rank) {
    Nccl *nccl = nccl_of(rank);
    if (!nccl)
        return;
    bool stuck = atomic_load(&rank->backend->process->stuck) != 0;
    if (rt_segment_failed(rank->segment))
        nccl_abort(rank);
    for (int32_t c = rank->program->channels - 1; nccl->channel && !nccl->aborted && c >= -1; --c)
        comm_close(rank, c);
    if (nccl->counts && !stuck)
        (void)cudaEventDestroy(nccl->counts);
    if (nccl->relayed && !stuck)
        (void)cudaFree(nccl->relayed);
    free(nccl->channel);
    free(nccl->used);
    free(nccl->op_channel);
    free(nccl->first_hop);
    free(nccl);
    rank->backend->transport = NULL;
}

/* 0: it works, or sleeps; 1: it waits elsewhere; 2: where this rank waits too. */
static int about_order(const rt_rank *rank, int32_t peer) {
    const rt_area *theirs = rt_segment_area(rank->segment, peer);
    if (!atomic_load_explicit(&theirs->waits_for, memory_order_relaxed))
        return 0;
    return atomic_load_explicit(&theirs->op, memory_order_relaxed) ==
                       atomic_load_explicit(&rank->area->op, memory_order_relaxed) &&
                   atomic_load_explicit(&theirs->layer, memory_order_relaxed) ==
                       atomic_load_explicit(&rank->area->layer, memory_order_relaxed)
               ? 2
               : 1;
}

/* Of an operation, or else of a move that it waits for; -1: of none. */
static int channel_of(const rt_rank *rank, int op) {
    const Nccl *nccl = nccl_of(rank);
    if (op < 0 || op >= rank->role->op_count)
        return -1;
    const int16_t *waits = rank->role->ops[op].waits;
    int channel = nccl->op_channel[op];
    for (size_t i = 0;
         i < sizeof rank->role->ops[op].waits / sizeof *waits && channel < 0 && waits[i] >= 0; ++i)
        channel = nccl->op_channel[waits[i]];
    return channel;
}

/* Members of the channel of an operation that does not end, first those who are elsewhere: they say where they are
 * (core/wire.h). */
static bool nccl_about(const rt_rank *rank, int op, char *text, size_t size) {
    const Nccl *nccl = nccl_of(rank);
    char doing[160];
    int told = 0, count[3] = {0, 0, 0}, index = nccl ? channel_of(rank, op) : -1;
    if (index < 0)
        return false;
    const rt_channel *channel = &rank->program->channel[index];
    size_t used = (size_t)snprintf(text, size, " over channel %s", channel->name);
    for (int order = 0; order < 3; ++order)
        for (int32_t i = 0; i < channel->members && told < ABOUT && used < size; ++i) {
            int32_t peer = channel->ranks[i];
            if (peer == rank->id || about_order(rank, peer) != order)
                continue;
            count[order]++;
            rt_segment_doing(rank->segment, peer, doing, sizeof doing);
            used += (size_t)snprintf(text + used, size - used, "%s rank %d is in %s",
                                     told++ ? "," : "; of its members", peer, doing);
        }
    return count[0] == 0 && count[1] > 0;
}

/* --- the process ---------------------------------------------------------------------------------------- */

/* For a run that failed to end by itself: twice the limit of waits, within bounds. */
static int64_t stuck_ms(const rt_options *options) {
    enum { LEAST = 1000, MOST = 10000 };
    int64_t twice = options->timeout_ms ? 2 * options->timeout_ms : MOST;
    return twice < LEAST ? LEAST : twice > MOST ? MOST : twice;
}

/* A rank that nobody started is the only one. */
static rt_status seat_take(rt_seat *seat, const rt_program *program, rt_error *error) {
    RT_TRY(rt_seat_find(seat, program->world, "loopback", error));
    if (seat->rank < 0 && program->world > 1)
        return rt_error_set(error, RT_USAGE,
                            "--transport nccl needs a process for each of %d ranks: start them "
                            "with torchrun, mpirun or srun, or run all on one GPU with "
                            "--transport loopback",
                            program->world);
    if (seat->rank < 0)
        *seat = (rt_seat){.rank = 0, .world = 1, .local = 0, .locals = 1, .port = -1};
    if (seat->local < 0)
        seat->local = program->places[seat->rank].gpu;
    return RT_OK;
}

/* Meet the others, and take NCCL's unique id with us, or bring it. */
static rt_status meet(rt_segment *segment, const rt_seat *seat, int device, ncclUniqueId *id,
                      rt_wire **wire, rt_error *error) {
    rt_wire_config *config = calloc(1, sizeof *config);
    if (!config)
        return rt_error_set(error, RT_UNAVAILABLE, "no memory to meet the other ranks");
    rt_status status = rt_wire_configure(config, segment->job->options, seat, error);
    config->stuck_ms = stuck_ms(segment->job->options);
    cudaError_t told = device < 0
                           ? cudaSuccess
                           : cudaDeviceGetPCIBusId(config->device, sizeof config->device, device);
    if (status == RT_OK && told != cudaSuccess)
        status =
            rt_error_set(error, RT_UNAVAILABLE, "GPU %d: %s", device, cudaGetErrorString(told));
    if (status == RT_OK && seat->rank == 0 && device >= 0) {
        ncclResult_t made = ncclGetUniqueId((ncclUniqueId *)config->blob);
        config->blob_bytes = sizeof *id;
        if (made != ncclSuccess)
            status = rt_error_set(error, RT_UNAVAILABLE,
                                  "NCCL cannot begin: %s; NCCL_DEBUG=INFO tells more",
                                  ncclGetErrorString(made));
    }
    if (status == RT_OK)
        status = rt_wire_open(wire, segment, config, error);
    memcpy(id, config->blob, sizeof *id);
    free(config);
    return status;
}

static rt_status run_rank(rt_segment *segment, const rt_seat *seat, rt_wire *wire,
                          rt_error *error) {
    if (seat->rank == 0)
        RT_TRY(rt_stream_begin(segment, error));
    RT_TRY(rt_launch_rank(segment, (int)seat->rank));
    return wire ? rt_wire_finish(wire) : RT_OK;
}

/* What this process says of a failure of ranks: rank 0 all, others nothing but that rank 0 is gone. */
static void tell(const rt_segment *segment, const rt_seat *seat, rt_wire *wire, rt_error *error) {
    if (seat->rank == 0 || (wire && rt_wire_lost(wire)))
        rt_launch_failure(segment, error);
}

/* The device of this rank; without one the run has failed, as all shall hear. */
static rt_status device_take(rt_segment *segment, const rt_seat *seat, int *device,
                             rt_error *error) {
    char text[RT_MESSAGE];
    rt_status status = rt_device_index((int)seat->local, device, error);
    const rt_program *program = segment->program;
    if (status == RT_OK)
        return RT_OK;
    snprintf(text, sizeof text, "rank %d (%s): %.500s", (int)seat->rank,
             program->role[program->places[seat->rank].role].name, error->text);
    rt_segment_fail(segment, (int)seat->rank, status, text);
    return status;
}

static rt_status nccl_launch(rt_segment *segment, char **argv, bool *leader, rt_error *error) {
    rt_seat seat;
    ncclUniqueId id = {{0}};
    rt_wire *wire = NULL;
    int device;
    (void)argv;
    RT_TRY(seat_take(&seat, segment->program, error));
    *leader = seat.rank == 0;
    RT_TRY(rt_segment_map(segment, -1, true, error));
    rt_status status = device_take(segment, &seat, &device, error);
    bool alone = status != RT_OK;
    if (seat.world > 1) { /* also to tell the others that this rank will not take part */
        rt_error met = {0};
        rt_status meeting = meet(segment, &seat, alone ? -1 : device, &id, &wire, &met);
        if (!alone)
            *error = met;
        else if (*met.text == 0)
            *error = (rt_error){0}; /* rank 0 tells */
        status = alone ? status : meeting;
    }
    segment->process = status != RT_OK ? NULL
                                       : rt_process_create(segment->program, &rt_moves_nccl, 1,
                                                           (int32_t)seat.rank, device);
    if (status == RT_OK && !segment->process)
        status = rt_error_set(error, RT_UNAVAILABLE, "no memory for a rank");
    if (status == RT_OK) {
        segment->process->transport = &id;
        status = run_rank(segment, &seat, wire, error);
        if (status != RT_OK)
            tell(segment, &seat, wire, error);
    }
    bool stuck = segment->process && atomic_load(&segment->process->stuck) != 0;
    rt_process_free(segment->process);
    segment->process = NULL;
    rt_wire_close(wire);
    if (stuck) { /* what CUDA does at the end of a process would wait for the device */
        if (*error->text)
            fprintf(stderr, "%s: %s\n", segment->program->name, error->text);
        _exit(error->status != RT_OK ? (int)error->status : (int)status);
    }
    return error->status != RT_OK ? error->status : status;
}

const rt_moves rt_moves_nccl = {
    .name = "nccl",
    .captures = true,
    .launch = nccl_launch,
    .open = nccl_open,
    .close = nccl_close,
    .collective = rt_nccl_collective,
    .transfer = rt_nccl_transfer,
    .pair = rt_nccl_pair,
    .exchange = rt_nccl_exchange,
    .preflight = rt_nccl_preflight,
    .poll = nccl_poll,
    .abort = nccl_abort,
    .about = nccl_about,
};
