/* nccl_preflight: measures links before weights are loaded, over a communicator that goes again. Links without a rank in
 * common are measured at once, in rounds, each alone between its two ranks: small messages to and fro, then large ones one
 * way. Then each NIC with all its links at once, out and in. What moves is the slab, which holds nothing yet. The receiver
 * tells, by events of its stream: from the end of a first message, which also connects the two, to that of the last. */
#include "core/links.h"
#include "core/wait.h"
#include "cuda/nccl.h"

enum {
    MESSAGE_BYTES = 16 << 20, /* a message at most */
    MESSAGES = 8,
    SMALL_BYTES = 8,
    TURNS = 20, /* of a small one, there and back */
};

typedef struct Probe {
    rt_rank *rank;
    rt_links links;
    rt_link_time *time;
    ncclComm_t comm;
    cudaEvent_t begin, end;
    int64_t bytes; /* of a large message: all ranks have room for two */
} Probe;

static rt_status probe_send(const Probe *p, int64_t bytes, int32_t to) {
    ncclResult_t told =
        ncclSend(p->rank->slab, (size_t)bytes, ncclUint8, to, p->comm, rt_device_stream(p->rank));
    return rt_nccl_wait(p->rank, p->comm, told, "ncclSend");
}

static rt_status probe_recv(const Probe *p, int64_t bytes, int32_t from) {
    ncclResult_t told = ncclRecv(p->rank->slab + p->bytes, (size_t)bytes, ncclUint8, from, p->comm,
                                 rt_device_stream(p->rank));
    return rt_nccl_wait(p->rank, p->comm, told, "ncclRecv");
}

static rt_status mark(const Probe *p, cudaEvent_t event) {
    RT_CUDA(p->rank, cudaEventRecord(event, rt_device_stream(p->rank)));
    return RT_OK;
}

/* Seconds between the two marks, when both are past. */
static rt_status elapsed(const Probe *p, double *seconds) {
    float milliseconds = 0;
    RT_TRY(mark(p, p->end));
    RT_TRY(rt_device_wait(p->rank, p->end));
    RT_CUDA(p->rank, cudaEventElapsedTime(&milliseconds, p->begin, p->end));
    *seconds = milliseconds > 0 ? (double)milliseconds * 1e-3 : 1e-9;
    return RT_OK;
}

static rt_status turns(const Probe *p, bool sends, int32_t peer, int count) {
    for (int i = 0; i < count; ++i) {
        RT_TRY(sends ? probe_send(p, SMALL_BYTES, peer) : probe_recv(p, SMALL_BYTES, peer));
        RT_TRY(sends ? probe_recv(p, SMALL_BYTES, peer) : probe_send(p, SMALL_BYTES, peer));
    }
    return RT_OK;
}

static rt_status messages(const Probe *p, bool sends, int32_t peer, int count) {
    for (int i = 0; i < count; ++i)
        RT_TRY(sends ? probe_send(p, p->bytes, peer) : probe_recv(p, p->bytes, peer));
    return RT_OK;
}

/* One link of this rank's, alone. */
static rt_status link_measure(const Probe *p, int64_t which) {
    const rt_link *link = &p->links.link[which];
    bool sends = link->from == p->rank->id;
    int32_t peer = sends ? link->to : link->from;
    double small, large;
    RT_TRY(turns(p, sends, peer, 1));
    RT_TRY(mark(p, p->begin));
    RT_TRY(turns(p, sends, peer, TURNS));
    RT_TRY(elapsed(p, &small));
    RT_TRY(messages(p, sends, peer, 1));
    RT_TRY(mark(p, p->begin));
    RT_TRY(messages(p, sends, peer, MESSAGES));
    RT_TRY(elapsed(p, &large));
    if (!sends)
        p->time[which] = (rt_link_time){.rate = (double)(MESSAGES * p->bytes) / large,
                                        .seconds = small / (2 * TURNS)};
    return RT_OK;
}

static bool is_of_nic(const rt_link *link, int32_t nic, bool in) {
    return (in ? link->nic_to : link->nic_from) == nic;
}

/* All links of a NIC, a message each, together. */
static rt_status nic_group(const Probe *p, int32_t nic, bool in) {
    const int32_t me = p->rank->id;
    ncclResult_t told = ncclGroupStart();
    for (int64_t l = 0; l < p->links.count && told == ncclSuccess; ++l) {
        const rt_link *link = &p->links.link[l];
        if (!is_of_nic(link, nic, in) || (link->from != me && link->to != me))
            continue;
        told = link->from == me ? ncclSend(p->rank->slab, (size_t)p->bytes, ncclUint8, link->to,
                                           p->comm, rt_device_stream(p->rank))
                                : ncclRecv(p->rank->slab + p->bytes, (size_t)p->bytes, ncclUint8,
                                           link->from, p->comm, rt_device_stream(p->rank));
        told = told == ncclInProgress ? ncclSuccess : told;
    }
    ncclResult_t ended = ncclGroupEnd();
    return rt_nccl_wait(p->rank, p->comm, told != ncclSuccess ? told : ended, "ncclGroupEnd");
}

static rt_status nic_measure(const Probe *p, int32_t nic, bool in) {
    int64_t count = 0, mine = 0;
    double seconds;
    for (int64_t l = 0; l < p->links.count; ++l) {
        const rt_link *link = &p->links.link[l];
        count += is_of_nic(link, nic, in);
        mine += is_of_nic(link, nic, in) && (link->from == p->rank->id || link->to == p->rank->id);
    }
    if (count == 0)
        return RT_OK;
    if (mine) {
        RT_TRY(nic_group(p, nic, in));
        RT_TRY(mark(p, p->begin));
        for (int i = 0; i < MESSAGES; ++i)
            RT_TRY(nic_group(p, nic, in));
        RT_TRY(elapsed(p, &seconds));
        for (int64_t l = 0; l < p->links.count; ++l)
            if (is_of_nic(&p->links.link[l], nic, in) && p->links.link[l].to == p->rank->id)
                *(in ? &p->time[l].in_rate : &p->time[l].out_rate) =
                    (double)(MESSAGES * p->bytes) / seconds;
    }
    return rt_wait_barrier(p->rank, p->rank->program->channels);
}

static rt_status measure(const Probe *p) {
    const int32_t me = p->rank->id;
    for (int64_t round = 0; round < p->links.rounds; ++round) {
        for (int64_t l = 0; l < p->links.count; ++l) {
            const rt_link *link = &p->links.link[l];
            if (p->links.round[l] == round && (link->from == me || link->to == me))
                RT_TRY(link_measure(p, l));
        }
        RT_TRY(rt_wait_barrier(p->rank, p->rank->program->channels));
    }
    for (int32_t nic = 0; nic < p->links.nics; ++nic)
        for (int in = 0; in < 2; ++in)
            RT_TRY(nic_measure(p, nic, in));
    return RT_OK;
}

/* The same on all ranks. */
static int64_t message_bytes(const rt_program *program) {
    int64_t bytes = MESSAGE_BYTES;
    for (int32_t r = 0; r < program->roles; ++r)
        bytes = program->role[r].slab_bytes / 2 < bytes ? program->role[r].slab_bytes / 2 : bytes;
    bytes -= bytes % 256;
    return bytes > SMALL_BYTES ? bytes : SMALL_BYTES;
}

static rt_status probe_open(Probe *p) {
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    const Nccl *nccl = nccl_of(p->rank);
    config.blocking = 0;
    RT_CUDA(p->rank, cudaEventCreate(&p->begin));
    RT_CUDA(p->rank, cudaEventCreate(&p->end));
    ncclResult_t told = ncclCommSplit(nccl->world, 0, p->rank->id, &p->comm, &config);
    RT_TRY(rt_nccl_wait(p->rank, nccl->world, told, "ncclCommSplit"));
    return rt_nccl_wait(p->rank, p->comm, ncclInProgress, "ncclCommSplit");
}

static void probe_close(const Probe *p, bool good) {
    if (p->comm && good) {
        ncclResult_t told = ncclCommFinalize(p->comm);
        good = rt_nccl_wait(p->rank, p->comm, told, "ncclCommFinalize") == RT_OK;
    }
    if (p->comm)
        (void)(good ? ncclCommDestroy(p->comm) : ncclCommAbort(p->comm));
    if (p->begin)
        (void)cudaEventDestroy(p->begin);
    if (p->end)
        (void)cudaEventDestroy(p->end);
}

rt_status rt_nccl_preflight(rt_rank *rank) {
    Probe p = {.rank = rank,
               .time = (rt_link_time *)(rank->segment->base + rank->segment->links),
               .bytes = message_bytes(rank->program)};
    if (rank->program->world == 1)
        return RT_OK;
    if (!rt_links_find(&p.links, rank->program))
        return rt_fail(rank, RT_UNAVAILABLE, "no memory for the links");
    rt_status status = probe_open(&p);
    if (status == RT_OK)
        status = measure(&p);
    probe_close(&p, status == RT_OK);
    rt_links_free(&p.links);
    return status;
}
