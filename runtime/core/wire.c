/* wire: see wire.h. Here is what both sides have: the mirror, which the rank's thread calls; results; the end. */
#include "core/wire_state.h"
#include "core/links.h"
#include "core/made.h"
#include "core/pulse.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NO_TOKEN = INT32_MIN /* in a process's own tokens: its rank has not reported this one */ };

/* --- sockets --- */

int rt_wire_read(int fd, rt_wire_buffer *in) {
    char *at = rt_wire_room(in, RT_WIRE_READ);
    if (!at)
        return -1;
    ssize_t got = recv(fd, at, RT_WIRE_READ, MSG_DONTWAIT);
    if (got > 0)
        in->length += (size_t)got;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    return got > 0 ? 1 : -1;
}

bool rt_wire_write(int fd, rt_wire_buffer *out) {
    while (out->at < out->length) {
        ssize_t put =
            send(fd, out->data + out->at, out->length - out->at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put < 0)
            return errno == EAGAIN || errno == EINTR;
        out->at += (size_t)put;
    }
    return true;
}

/* A host that is gone says nothing: what it does not acknowledge for the limit ends its connection. */
void rt_wire_limit(const rt_wire *wire, int fd) {
    int64_t limit = wire->segment->job->options->timeout_ms;
    int one = 1, milliseconds = (int)(limit < 1000000 ? limit : 1000000);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    if (limit)
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
}

void rt_wire_peer_close(rt_wire_peer *peer) {
    if (peer->fd >= 0)
        close(peer->fd);
    rt_wire_buffer_free(&peer->in);
    rt_wire_buffer_free(&peer->out);
    peer->fd = -1;
}

bool rt_wire_random(void *to, size_t size) {
    return getrandom(to, size, 0) == (ssize_t)size;
}

static void wake(rt_wire *wire) {
    const uint64_t one = 1;
    ssize_t put = write(wire->wake, &one, sizeof one);
    (void)put; /* full: it is awake */
}

/* --- who this is, what it does --- */

/* Equal for all processes since the machine was started. */
static void boot_read(unsigned char boot[16]) {
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    char text[64] = "";
    if (file && !fgets(text, sizeof text, file))
        text[0] = 0;
    if (file)
        fclose(file);
    uint64_t half[2] = {rt_random_key(text, 1), rt_random_key(text, 2)};
    memcpy(boot, half, sizeof half);
}

rt_wire_join rt_wire_join_of(const rt_wire *wire) {
    const rt_job *job = wire->segment->job;
    rt_wire_join join = {.tokens = job->sequences * job->max_new,
                         .links = wire->segment->links_bytes};
    join.identity = rt_segment_header(wire->segment)->identity;
    memcpy(join.device, wire->config.device, sizeof join.device);
    gethostname(join.host, sizeof join.host - 1);
    boot_read(join.boot);
    return join;
}

rt_wire_pulse rt_wire_pulse_of(const rt_wire *wire, int32_t rank) {
    const rt_area *area = rt_segment_area(wire->segment, rank);
    double worked = rank == wire->config.rank ? rt_pulse_seconds(wire->clock) : 0;
    int64_t elsewhere = atomic_load_explicit(&area->worked_us, memory_order_relaxed);
    return (rt_wire_pulse){.progress = atomic_load_explicit(&area->progress, memory_order_relaxed),
                           .worked_us = worked > 0 ? (int64_t)(worked * 1e6) : elsewhere,
                           .rank = rank,
                           .waits_for =
                               atomic_load_explicit(&area->waits_for, memory_order_relaxed),
                           .step = atomic_load_explicit(&area->step, memory_order_relaxed),
                           .op = atomic_load_explicit(&area->op, memory_order_relaxed),
                           .layer = atomic_load_explicit(&area->layer, memory_order_relaxed),
                           .done = atomic_load_explicit(&area->done, memory_order_relaxed)};
}

rt_wire_failed rt_wire_failure(const rt_wire *wire) {
    rt_error error = {0};
    rt_wire_failed failed = {0};
    rt_launch_failure(wire->segment, &error);
    failed.rank = atomic_load(&rt_segment_header(wire->segment)->failed) - 1;
    failed.status = (int32_t)error.status;
    snprintf(failed.text, sizeof failed.text, "%s", error.text);
    return failed;
}

int64_t rt_wire_interval(const rt_wire *wire) {
    return RT_WIRE_PULSE_MS + wire->segment->program->world;
}

void rt_wire_watch_stuck(rt_wire *wire, double now) {
    if (!rt_segment_failed(wire->segment) || wire->closing)
        return;
    wire->failed_at = wire->failed_at > 0 ? wire->failed_at : now;
    if ((now - wire->failed_at) * 1e3 < (double)wire->config.stuck_ms)
        return;
    rt_wire_failed failed = rt_wire_failure(wire);
    bool ours = failed.rank == wire->config.rank;
    if (wire->config.rank == 0) {
        rt_wire_unlisten(wire);
        fprintf(stderr, "%s: %s\n", wire->segment->program->name, failed.text);
    }
    _exit(wire->config.rank == 0 || ours ? failed.status : RT_ABORTED);
}

/* --- the mirror: called by the rank's thread, but for `failed` --- */

static void say(rt_wire *wire, rt_wire_type type, const void *body, size_t size) {
    pthread_mutex_lock(&wire->lock);
    bool said = rt_wire_put(&wire->said, type, body, size);
    pthread_mutex_unlock(&wire->lock);
    if (!said)
        rt_segment_fail(wire->segment, wire->config.rank, RT_UNAVAILABLE,
                        "no memory for messages to other ranks");
    wake(wire);
}

static void mirror_arrived(rt_mirror *mirror) {
    say((rt_wire *)mirror, RT_WIRE_ARRIVED, &(rt_wire_arrived){1}, sizeof(rt_wire_arrived));
}

/* Tokens [begin, end) at steps of `step` that this rank reported. */
static void say_tokens(rt_wire *wire, int64_t begin, int64_t end, int64_t step) {
    const int32_t *tokens = rt_segment_tokens(wire->segment);
    rt_wire_token list[RT_WIRE_TOKENS];
    size_t count = 0;
    for (int64_t at = begin; wire->config.rank != 0 && at < end; at += step) {
        if (tokens[at] != NO_TOKEN)
            list[count++] = (rt_wire_token){.at = at, .token = tokens[at]};
        if (count == RT_WIRE_TOKENS || (count && at + step >= end)) {
            say(wire, RT_WIRE_TOKEN, list, count * sizeof *list);
            count = 0;
        }
    }
}

static void mirror_made(rt_mirror *mirror, int64_t wave, int64_t index, int32_t reported,
                        int32_t live) {
    rt_wire *wire = (rt_wire *)mirror;
    const rt_job *job = wire->segment->job;
    const rt_wire_made made = {wave, index, reported, live};
    int64_t first = wave % job->round * job->program->batch;
    int64_t last = first + rt_made_present(job, wave);
    say_tokens(wire, first * job->max_new + index, last * job->max_new, job->max_new);
    say(wire, RT_WIRE_MADE, &made, sizeof made);
}

static void mirror_failed(rt_mirror *mirror) {
    wake((rt_wire *)mirror);
}

/* With the lock held. A failure may come without a word: look at times. */
static void wait_changed(rt_wire *wire) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 100000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&wire->changed, &wire->lock, &until);
}

/* Wait until there is room in the queue. */
static rt_status said_room(rt_wire *wire) {
    pthread_mutex_lock(&wire->lock);
    while (wire->said.length - wire->said.at > RT_WIRE_QUEUE && !rt_segment_failed(wire->segment))
        wait_changed(wire);
    pthread_mutex_unlock(&wire->lock);
    return rt_segment_failed(wire->segment) ? RT_ABORTED : RT_OK;
}

static rt_status say_data(rt_wire *wire, rt_wire_region region, int64_t offset, const void *data,
                          int64_t bytes) {
    for (int64_t at = 0; at < bytes; at += RT_WIRE_QUEUE) {
        int64_t part = bytes - at < RT_WIRE_QUEUE ? bytes - at : RT_WIRE_QUEUE;
        RT_TRY(said_room(wire));
        pthread_mutex_lock(&wire->lock);
        bool said = rt_wire_put_data(&wire->said, region, offset + at, (const char *)data + at,
                                     (size_t)part);
        pthread_mutex_unlock(&wire->lock);
        wake(wire);
        if (!said) {
            rt_segment_fail(wire->segment, wire->config.rank, RT_UNAVAILABLE,
                            "no memory for results");
            return RT_UNAVAILABLE;
        }
    }
    return RT_OK;
}

/* Logits are zero where nobody stored any: what is not zero goes over, in runs, so that ranks that have parts of a row
 * do not write over each other's. */
static rt_status say_logits(rt_wire *wire) {
    uint32_t *words = (uint32_t *)(wire->segment->base + wire->segment->logits);
    int64_t count = wire->segment->logits_bytes / (int64_t)sizeof *words;
    for (int64_t at = 0, end; wire->config.rank != 0 && at < count; at = end) {
        for (end = at; end < count && words[end]; ++end)
            continue;
        int64_t bytes = (end - at) * (int64_t)sizeof *words;
        RT_TRY(say_data(wire, RT_WIRE_LOGITS, at * (int64_t)sizeof *words, words + at, bytes));
        memset(words + at, 0, (size_t)bytes);
        while (end < count && !words[end])
            ++end;
    }
    return RT_OK;
}

static rt_status mirror_logits(rt_mirror *mirror, rt_rank *rank) {
    rt_status status = say_logits((rt_wire *)mirror);
    return status == RT_OK || status == RT_ABORTED ? status
                                                   : rt_fail(rank, status, "logits are not sent");
}

/* --- open, finish, close --- */

static rt_status wire_start(rt_wire *wire, rt_error *error) {
    bool hub = wire->config.rank == 0;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed =
        pthread_create(&wire->thread, NULL, hub ? rt_wire_hub_run : rt_wire_peer_run, wire);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    wire->running = !failed;
    return failed ? rt_error_set(error, RT_UNAVAILABLE, "no thread to talk to other ranks") : RT_OK;
}

/* Until all have joined; the hub's thread looks after the limit. */
static rt_status wire_meet(rt_wire *wire, rt_error *error) {
    pthread_mutex_lock(&wire->lock);
    while (!wire->met && !rt_segment_failed(wire->segment))
        wait_changed(wire);
    pthread_mutex_unlock(&wire->lock);
    return rt_launch_failure(wire->segment, error);
}

rt_status rt_wire_open(rt_wire **made, rt_segment *segment, rt_wire_config *config,
                       rt_error *error) {
    int32_t world = segment->program->world;
    rt_wire *wire = calloc(1, sizeof *wire);
    *made = wire;
    if (!wire)
        return rt_error_set(error, RT_UNAVAILABLE, "no memory to talk to other ranks");
    wire->mirror = (rt_mirror){mirror_arrived, mirror_made, mirror_failed, mirror_logits};
    wire->segment = segment;
    wire->config = *config;
    wire->clock = rt_pulse_clock(true);
    wire->began = rt_now();
    wire->hub.fd = -1;
    for (int g = 0; g < RT_WIRE_GUESTS; ++g)
        wire->guest[g].fd = -1;
    pthread_mutex_init(&wire->lock, NULL);
    pthread_cond_init(&wire->changed, NULL);
    wire->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wire->wake < 0)
        return rt_error_set(error, RT_UNAVAILABLE, "no descriptor to talk to other ranks: %s",
                            strerror(errno));
    for (int32_t r = 0; r < world; ++r)
        if (r != config->rank)
            atomic_store(&rt_segment_area(segment, r)->pid, -1);
    int32_t *tokens = rt_segment_tokens(segment);
    int64_t count = segment->job->sequences * segment->job->max_new;
    for (int64_t i = 0; config->rank != 0 && i < count; ++i)
        tokens[i] = NO_TOKEN;
    segment->mirror = &wire->mirror;
    bool hub = config->rank == 0;
    RT_TRY(hub ? rt_wire_hub_open(wire, error) : rt_wire_peer_open(wire, error));
    RT_TRY(wire_start(wire, error));
    if (hub)
        return wire_meet(wire, error);
    config->blob_bytes = wire->config.blob_bytes;
    memcpy(config->blob, wire->config.blob, sizeof config->blob);
    return RT_OK;
}

/* This host's times as the hub's clock has them. */
static void times_shift(rt_wire *wire) {
    const rt_segment *segment = wire->segment;
    const rt_job *job = segment->job;
    int rank = wire->config.rank;
    const rt_area *area = rt_segment_area(segment, rank);
    double *ends = rt_segment_array(segment, rank, segment->area_ends);
    rt_op_time *times = rt_segment_array(segment, rank, segment->area_times);
    rt_event *events = rt_segment_array(segment, rank, segment->area_events);
    int32_t ops = segment->program->role[segment->program->places[rank].role].op_count;
    for (int64_t i = 0; i < job->waves * (1 + job->max_new); ++i)
        ends[i] += ends[i] > 0 ? wire->offset : 0;
    for (int32_t op = 0; job->times && op < ops; ++op) {
        times[op].begin += (double)times[op].count * wire->offset;
        times[op].end += (double)times[op].count * wire->offset;
    }
    for (int64_t e = 0; e < area->events; ++e) {
        events[e].begin += wire->offset;
        events[e].end += wire->offset;
    }
}

/* What was measured of links to this rank: entries of other ranks are zero here. */
static rt_status say_links(rt_wire *wire) {
    const rt_segment *segment = wire->segment;
    const rt_link_time *times = (const rt_link_time *)(segment->base + segment->links);
    int64_t size = sizeof *times, count = segment->links_bytes / size;
    for (int64_t l = 0; l < count; ++l)
        if (times[l].rate > 0)
            RT_TRY(say_data(wire, RT_WIRE_LINKS, l * size, &times[l], size));
    return RT_OK;
}

static rt_status say_results(rt_wire *wire) {
    const rt_segment *segment = wire->segment;
    const rt_job *job = segment->job;
    const rt_area *area = rt_segment_area(segment, wire->config.rank);
    const char *arrays = (const char *)area + sizeof *area;
    int64_t bytes =
        (job->trace ? segment->area_events : segment->area_stride) - (int64_t)sizeof *area;
    const rt_wire_end end = {area->weight_bytes, area->events, area->events_dropped};
    if (wire->offset != 0)
        times_shift(wire);
    RT_TRY(say_data(wire, RT_WIRE_AREA, 0, arrays, bytes));
    if (job->trace)
        RT_TRY(say_data(wire, RT_WIRE_AREA, bytes, arrays + bytes,
                        area->events * (int64_t)sizeof(rt_event)));
    RT_TRY(say_links(wire));
    say_tokens(wire, 0, job->sequences * job->max_new, 1);
    RT_TRY(say_logits(wire));
    say(wire, RT_WIRE_END, &end, sizeof end);
    return RT_OK;
}

rt_status rt_wire_finish(rt_wire *wire) {
    if (wire->config.rank != 0)
        RT_TRY(say_results(wire));
    wire->finished = true;
    wake(wire);
    pthread_mutex_lock(&wire->lock);
    while (!wire->go && !rt_segment_failed(wire->segment))
        wait_changed(wire);
    pthread_mutex_unlock(&wire->lock);
    return wire->go ? RT_OK : RT_ABORTED;
}

bool rt_wire_lost(const rt_wire *wire) {
    return wire->lost;
}

void rt_wire_close(rt_wire *wire) {
    if (!wire)
        return;
    wire->closing = true;
    wake(wire);
    if (wire->running)
        pthread_join(wire->thread, NULL);
    wire->segment->mirror = NULL;
    rt_wire_unlisten(wire);
    for (int32_t r = 0; wire->peer && r < wire->segment->program->world; ++r)
        rt_wire_peer_close(&wire->peer[r]);
    for (int g = 0; g < RT_WIRE_GUESTS; ++g)
        if (wire->guest[g].fd >= 0)
            close(wire->guest[g].fd);
    rt_wire_peer_close(&wire->hub);
    rt_wire_buffer_free(&wire->said);
    if (wire->wake >= 0)
        close(wire->wake);
    pthread_cond_destroy(&wire->changed);
    pthread_mutex_destroy(&wire->lock);
    free(wire->peer);
    free(wire->polls);
    free(wire->polled);
    free(wire);
}
