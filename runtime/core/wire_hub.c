/* wire_hub: rank 0's side: it lets in who has the secret, sees that all are ranks of one run, each with a device of its own,
 * passes on what concerns others, and notices at once whose connection ends. One thread, which never waits for a single
 * connection: whoever is silent, slow or talks nonsense costs the others nothing. */
#include "core/wire_state.h"
#include "core/identity.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPTS = 16 /* of a turn */ };

static int32_t world_of(const rt_wire *wire) {
    return wire->segment->program->world;
}

static const char *role_of(const rt_wire *wire, int32_t rank) {
    const rt_program *program = wire->segment->program;
    return program->role[program->places[rank].role].name;
}

static void notify(rt_wire *wire) {
    pthread_mutex_lock(&wire->lock);
    pthread_cond_broadcast(&wire->changed);
    pthread_mutex_unlock(&wire->lock);
}

static void say_refused(rt_wire_peer *peer, int32_t rank, rt_status status, const char *text) {
    rt_wire_failed refused = {.rank = rank, .status = (int32_t)status};
    snprintf(refused.text, sizeof refused.text, "%s", text);
    if (rt_wire_put(&peer->out, RT_WIRE_REFUSED, &refused, sizeof refused))
        rt_wire_write(peer->fd, &peer->out);
}

static void fail_run(rt_wire *wire, int32_t rank, rt_status status, const char *text) {
    rt_segment_fail(wire->segment, rank, status, text);
    notify(wire);
}

/* --- guests ----------------------------------------------------------------------------------------------- */

static void guest_close(rt_wire_guest *guest) {
    close(guest->fd);
    guest->fd = -1;
}

/* The place of a new guest: where the oldest was, if all are taken. */
static rt_wire_guest *guest_place(rt_wire *wire) {
    rt_wire_guest *oldest = &wire->guest[0];
    for (int g = 0; g < RT_WIRE_GUESTS; ++g) {
        if (wire->guest[g].fd < 0)
            return &wire->guest[g];
        if (wire->guest[g].since < oldest->since)
            oldest = &wire->guest[g];
    }
    guest_close(oldest);
    return oldest;
}

static void guests_accept(rt_wire *wire, int listener, double now) {
    for (int i = 0; i < ACCEPTS; ++i) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        rt_wire_guest *guest = guest_place(wire);
        *guest = (rt_wire_guest){.fd = fd, .since = now};
        memcpy(guest->hello.magic, RT_WIRE_MAGIC, sizeof guest->hello.magic);
        bool good = (wire->config.secret.size || rt_wire_loopback(fd)) &&
                    rt_wire_random(guest->hello.nonce, sizeof guest->hello.nonce) &&
                    send(fd, &guest->hello, sizeof guest->hello, MSG_DONTWAIT | MSG_NOSIGNAL) ==
                        (ssize_t)sizeof guest->hello;
        if (!good)
            guest_close(guest);
    }
}

/* Who has proved to have the secret, and to be of this launch, becomes a peer, if its rank is free. */
static void guest_enter(rt_wire *wire, rt_wire_guest *guest) {
    int32_t rank = guest->proof.rank, world = world_of(wire);
    rt_wire_answer answer;
    rt_wire_peer refused = {.fd = guest->fd};
    char text[RT_MESSAGE];
    bool known = guest->proof.world == world && rank > 0 && rank < world;
    rt_wire_peer *peer =
        known && wire->peer[rank].fd < 0 && !wire->peer[rank].joined ? &wire->peer[rank] : &refused;
    rt_wire_answer_mac(&wire->config.secret, &guest->hello, &guest->proof, answer.mac);
    char *room = rt_wire_room(&peer->out, sizeof answer);
    if (!room) {
        guest_close(guest);
        return;
    }
    memcpy(room, &answer, sizeof answer);
    peer->out.length += sizeof answer;
    peer->fd = guest->fd;
    guest->fd = -1;
    peer->heard = rt_now();
    rt_wire_limit(wire, peer->fd);
    if (peer != &refused) {
        if (rt_segment_failed(wire->segment)) {
            rt_wire_failed failed = rt_wire_failure(wire);
            rt_wire_put(&peer->out, RT_WIRE_FAILED, &failed, sizeof failed);
        }
        return;
    }
    if (!known)
        snprintf(text, sizeof text, "rank %d of %d ranks came to a run of %d", rank,
                 guest->proof.world, world);
    else
        snprintf(text, sizeof text,
                 "two processes say that they are rank %d; the first is on host %s, this one came "
                 "later",
                 rank, wire->peer[rank].join.host);
    say_refused(&refused, rank, RT_DATA, text);
    rt_wire_peer_close(&refused);
}

static void guest_hear(rt_wire *wire, rt_wire_guest *guest) {
    unsigned char mac[RT_SHA256_BYTES];
    ssize_t got = recv(guest->fd, (char *)&guest->proof + guest->got,
                       sizeof guest->proof - guest->got, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    guest->got += got > 0 ? (size_t)got : 0;
    bool early = guest->got < sizeof guest->proof.magic ||
                 memcmp(guest->proof.magic, RT_WIRE_MAGIC, sizeof guest->proof.magic) == 0;
    if (got <= 0 || !early) {
        guest_close(guest);
        return;
    }
    if (guest->got < sizeof guest->proof)
        return;
    rt_wire_proof_mac(&wire->config.secret, &guest->hello, &guest->proof, mac);
    bool right = rt_same_bytes(mac, guest->proof.mac, sizeof mac);
    if (right && guest->proof.key == wire->config.key) {
        guest_enter(wire, guest);
        return;
    }
    wire->refused_proofs++;
    guest_close(guest);
}

static void guests_expire(rt_wire *wire, double now) {
    for (int g = 0; g < RT_WIRE_GUESTS; ++g)
        if (wire->guest[g].fd >= 0 && (now - wire->guest[g].since) * 1e3 > RT_WIRE_PROOF_MS)
            guest_close(&wire->guest[g]);
}

/* --- joining ---------------------------------------------------------------------------------------------- */

static const rt_wire_join *join_of(const rt_wire *wire, int32_t rank) {
    return rank == 0 ? &wire->hub.join : &wire->peer[rank].join;
}

/* Two ranks with one device, of those that have joined; NCCL would wait for ever, or say so in its own words. */
static bool one_device(const rt_wire *wire, int32_t rank, char *text, size_t size) {
    const rt_wire_join *join = join_of(wire, rank);
    for (int32_t r = 0; r < world_of(wire); ++r) {
        const rt_wire_join *other = join_of(wire, r);
        if (r == rank || (r > 0 && !wire->peer[r].joined) || !*join->device ||
            memcmp(join->boot, other->boot, sizeof join->boot) != 0 ||
            strncmp(join->device, other->device, sizeof join->device) != 0)
            continue;
        snprintf(text, size,
                 "ranks %d and %d were given one GPU (%.63s on host %.63s): NCCL needs one for "
                 "each rank; start as many ranks on a host as it has GPUs, or run all ranks on one "
                 "GPU with --transport loopback",
                 r < rank ? r : rank, r < rank ? rank : r, join->device, join->host);
        return true;
    }
    return false;
}

static void welcome_all(rt_wire *wire) {
    rt_wire_welcome welcome = {.run = rt_segment_header(wire->segment)->run,
                               .blob_bytes = (int32_t)wire->config.blob_bytes};
    memcpy(welcome.boot, wire->hub.join.boot, sizeof welcome.boot);
    memcpy(welcome.blob, wire->config.blob, wire->config.blob_bytes);
    for (int32_t r = 1; r < world_of(wire); ++r)
        rt_wire_put(&wire->peer[r].out, RT_WIRE_WELCOME, &welcome, sizeof welcome);
    wire->met = true;
    notify(wire);
}

static void join_take(rt_wire *wire, int32_t rank, const char *body) {
    rt_wire_peer *peer = &wire->peer[rank];
    rt_header *header = rt_segment_header(wire->segment);
    char text[RT_MESSAGE];
    memcpy(&peer->join, body, sizeof peer->join);
    peer->join.host[RT_WIRE_NAME - 1] = peer->join.device[RT_WIRE_NAME - 1] = 0;
    rt_error_plain(peer->join.host);
    rt_error_plain(peer->join.device);
    peer->joined = true;
    if (memcmp(&peer->join.identity, &header->identity, sizeof header->identity) != 0) {
        header->other = peer->join.identity;
        atomic_store(&header->refused, rank + 1);
        rt_identity_refused(wire->segment, text, sizeof text);
        fail_run(wire, rank, RT_DATA, text);
    } else if (peer->join.tokens != wire->hub.join.tokens ||
               peer->join.links != wire->hub.join.links) {
        snprintf(text, sizeof text,
                 "rank %d (host %.63s) was started with another command line, or reads another "
                 "token file, than rank 0",
                 rank, peer->join.host);
        fail_run(wire, rank, RT_DATA, text);
    } else if (one_device(wire, rank, text, sizeof text)) {
        fail_run(wire, rank, RT_DATA, text);
    } else if (++wire->joined == world_of(wire)) {
        welcome_all(wire);
    }
}

/* "3, 5 to 7 and 9" */
static void missing_ranks(const rt_wire *wire, char *text, size_t size) {
    size_t used = 0;
    *text = 0;
    for (int32_t r = 1; r < world_of(wire) && used + 32 < size; ++r) {
        int32_t first = r;
        if (wire->peer[r].joined)
            continue;
        while (r + 1 < world_of(wire) && !wire->peer[r + 1].joined)
            ++r;
        used += (size_t)snprintf(text + used, size - used, "%s%d", used ? ", " : "", first);
        if (r > first)
            used += (size_t)snprintf(text + used, size - used, " to %d", r);
    }
}

static void watch_joining(rt_wire *wire, double now) {
    int64_t limit = wire->segment->job->options->load_timeout_ms;
    char missing[256], refused[96] = "", text[RT_MESSAGE];
    if (wire->met || !limit || (now - wire->began) * 1e3 < (double)limit ||
        rt_segment_failed(wire->segment))
        return;
    missing_ranks(wire, missing, sizeof missing);
    if (wire->refused_proofs)
        snprintf(refused, sizeof refused, " (%d connections had another secret or launch)",
                 wire->refused_proofs);
    snprintf(text, sizeof text,
             "rank 0 (%s): of %d ranks, %s did not come within %lld ms%s; are they started, and do "
             "they reach this host? --load-timeout-ms sets the limit",
             role_of(wire, 0), world_of(wire), missing, (long long)limit, refused);
    fail_run(wire, 0, RT_TIMEOUT, text);
}

/* --- peers ------------------------------------------------------------------------------------------------ */

static void owe_others(rt_wire *wire, int32_t from, uint32_t times) {
    for (int32_t r = 1; r < world_of(wire); ++r)
        if (r != from)
            wire->peer[r].owes += times;
}

static void tell_others(rt_wire *wire, int32_t from, rt_wire_type type, const void *body,
                        size_t size) {
    for (int32_t r = 1; r < world_of(wire); ++r) {
        rt_wire_peer *peer = &wire->peer[r];
        bool late = type == RT_WIRE_PULSE && peer->out.length - peer->out.at > RT_WIRE_QUEUE;
        if (r != from && peer->fd >= 0 && !late)
            rt_wire_put(&peer->out, type, body, size);
    }
}

/* One message of a rank; false: it is none of its. */
static bool peer_take(rt_wire *wire, int32_t rank, rt_wire_type type, const char *body,
                      size_t size) {
    rt_wire_peer *peer = &wire->peer[rank];
    if (type == RT_WIRE_JOIN && !peer->joined) {
        join_take(wire, rank, body);
        return true;
    }
    if (type == RT_WIRE_CLOCK) {
        rt_wire_clock clock;
        memcpy(&clock, body, sizeof clock);
        clock.told = rt_now();
        return rt_wire_put(&peer->out, RT_WIRE_CLOCK, &clock, sizeof clock);
    }
    if (!peer->joined || !rt_wire_apply(wire->segment, true, rank, type, body, size))
        return false;
    if (type == RT_WIRE_ARRIVED) {
        rt_wire_arrived arrived;
        memcpy(&arrived, body, sizeof arrived);
        owe_others(wire, rank, arrived.times);
    }
    if (type == RT_WIRE_MADE)
        tell_others(wire, rank, type, body, size);
    peer->ended = peer->ended || type == RT_WIRE_END;
    return true;
}

static void peer_gone(rt_wire *wire, int32_t rank) {
    rt_wire_peer *peer = &wire->peer[rank];
    char text[RT_MESSAGE], doing[160];
    bool ended = peer->ended, joined = peer->joined;
    rt_wire_peer_close(peer);
    peer->ended = ended && joined;
    if (ended || !joined)
        return; /* who had not joined may come again */
    rt_segment_doing(wire->segment, rank, doing, sizeof doing);
    snprintf(text, sizeof text,
             "rank %d (%s) ended before its work was done, last seen in %s: its connection from "
             "host %s is closed",
             rank, role_of(wire, rank), wire->met ? doing : "joining", peer->join.host);
    fail_run(wire, rank, RT_TIMEOUT, text);
}

static void peer_hear(rt_wire *wire, int32_t rank) {
    rt_wire_peer *peer = &wire->peer[rank];
    rt_wire_type type;
    const char *body;
    size_t size;
    int there = rt_wire_read(peer->fd, &peer->in), got = 0;
    char text[128];
    peer->heard = there > 0 ? rt_now() : peer->heard;
    while (there > 0 && (got = rt_wire_next(&peer->in, &type, &body, &size)) > 0)
        if (!peer_take(wire, rank, type, body, size)) {
            got = -1;
            break;
        }
    if (got < 0) {
        snprintf(text, sizeof text, "rank %d says what no rank of this program says", rank);
        if (peer->joined)
            fail_run(wire, rank, RT_SOFTWARE, text);
        peer->ended = true;
    }
    if (got < 0 || there < 0)
        peer_gone(wire, rank);
}

/* --- this process's rank ---------------------------------------------------------------------------------- */

static void own_say(rt_wire *wire) {
    rt_wire_type type;
    const char *body;
    size_t size;
    pthread_mutex_lock(&wire->lock);
    while (rt_wire_next(&wire->said, &type, &body, &size) > 0) {
        if (type == RT_WIRE_ARRIVED)
            owe_others(wire, 0, 1);
        else
            tell_others(wire, 0, type, body, size);
    }
    pthread_mutex_unlock(&wire->lock);
    if (atomic_load(&rt_segment_header(wire->segment)->hung_up) && !wire->told_hang_up) {
        wire->told_hang_up = true;
        tell_others(wire, 0, RT_WIRE_HUNG_UP, NULL, 0);
    }
    if (rt_segment_failed(wire->segment) && !wire->told_failure) {
        rt_wire_failed failed = rt_wire_failure(wire);
        wire->told_failure = true;
        tell_others(wire, 0, RT_WIRE_FAILED, &failed, sizeof failed);
        notify(wire);
    }
    for (int32_t r = 1; r < world_of(wire); ++r) {
        rt_wire_peer *peer = &wire->peer[r];
        const rt_wire_arrived arrived = {peer->owes};
        if (peer->owes && peer->fd >= 0 &&
            rt_wire_put(&peer->out, RT_WIRE_ARRIVED, &arrived, sizeof arrived))
            peer->owes = 0;
    }
}

/* What changed since it was told last, to all. */
static void pulses_tell(rt_wire *wire, double now) {
    rt_wire_pulse list[RT_WIRE_PULSES];
    int count = 0;
    if (!wire->met || (now - wire->pulsed) * 1e3 < (double)rt_wire_interval(wire))
        return;
    wire->pulsed = now;
    for (int32_t r = 0; r < world_of(wire); ++r) {
        rt_wire_pulse pulse = rt_wire_pulse_of(wire, r);
        rt_wire_pulse *told = r == 0 ? &wire->hub.pulse : &wire->peer[r].pulse;
        if (memcmp(&pulse, told, sizeof pulse) != 0)
            list[count++] = *told = pulse;
        if (count == RT_WIRE_PULSES || (count && r + 1 == world_of(wire))) {
            tell_others(wire, 0, RT_WIRE_PULSE, list, (size_t)count * sizeof *list);
            count = 0;
        }
    }
}

/* When all have brought their results, all may go. */
static void watch_results(rt_wire *wire, double now) {
    int64_t limit = wire->segment->job->options->load_timeout_ms;
    char text[RT_MESSAGE];
    if (!wire->finished || wire->go || rt_segment_failed(wire->segment))
        return;
    bool all = true;
    for (int32_t r = 1; r < world_of(wire); ++r) {
        const rt_wire_peer *peer = &wire->peer[r];
        all = all && peer->ended;
        if (peer->ended || !limit || (now - peer->heard) * 1e3 < (double)limit)
            continue;
        snprintf(text, sizeof text,
                 "rank %d (%s) on host %s sent no results for %lld ms; --load-timeout-ms sets the "
                 "limit",
                 r, role_of(wire, r), peer->join.host, (long long)limit);
        fail_run(wire, r, RT_TIMEOUT, text);
        return;
    }
    if (!all)
        return;
    const rt_wire_end end = {0};
    tell_others(wire, 0, RT_WIRE_END, &end, sizeof end);
    wire->go = true;
    notify(wire);
}

/* --- the thread ------------------------------------------------------------------------------------------- */

/* At the end: what is said goes out, then each peer is waited for to close, for its own words may be under way. */
static bool hub_over(rt_wire *wire, double now) {
    bool open = false;
    if (!wire->closing)
        return false;
    wire->closing_at = wire->closing_at > 0 ? wire->closing_at : now;
    for (int32_t r = 1; r < world_of(wire); ++r) {
        rt_wire_peer *peer = &wire->peer[r];
        if (peer->fd >= 0 && peer->out.at == peer->out.length)
            shutdown(peer->fd, SHUT_WR);
        open = open || peer->fd >= 0 || (!wire->met && !peer->joined);
    }
    return !open || (now - wire->closing_at) * 1e3 > RT_WIRE_LINGER_MS;
}

/* Who is polled: polled[i] is a rank, or -1 - guest, or world + listener. */
static int polls_fill(rt_wire *wire) {
    int32_t world = world_of(wire);
    int count = 1;
    wire->polls[0] = (struct pollfd){.fd = wire->wake, .events = POLLIN};
    for (int32_t r = 1; r < world; ++r) {
        const rt_wire_peer *peer = &wire->peer[r];
        if (peer->fd < 0)
            continue;
        bool more = peer->out.at < peer->out.length;
        wire->polled[count] = r;
        wire->polls[count++] =
            (struct pollfd){.fd = peer->fd, .events = (short)(POLLIN | (more ? POLLOUT : 0))};
    }
    for (int g = 0; g < RT_WIRE_GUESTS; ++g)
        if (wire->guest[g].fd >= 0) {
            wire->polled[count] = -1 - g;
            wire->polls[count++] = (struct pollfd){.fd = wire->guest[g].fd, .events = POLLIN};
        }
    for (int l = 0; l < wire->listeners; ++l) {
        wire->polled[count] = world + l;
        wire->polls[count++] = (struct pollfd){.fd = wire->listener[l], .events = POLLIN};
    }
    return count;
}

static void polled_take(rt_wire *wire, int count, double now) {
    int32_t world = world_of(wire);
    eventfd_t woken;
    if (wire->polls[0].revents)
        eventfd_read(wire->wake, &woken);
    for (int i = 1; i < count; ++i) {
        int which = wire->polled[i], fd = wire->polls[i].fd;
        if (!wire->polls[i].revents)
            continue;
        if (which >= world)
            guests_accept(wire, fd, now);
        else if (which < 0 && wire->guest[-1 - which].fd == fd)
            guest_hear(wire, &wire->guest[-1 - which]);
        else if (which > 0 && wire->peer[which].fd == fd && wire->polls[i].revents != POLLOUT)
            peer_hear(wire, which);
    }
}

void *rt_wire_hub_run(void *argument) {
    rt_wire *wire = argument;
    for (;;) {
        double now = rt_now();
        guests_expire(wire, now);
        watch_joining(wire, now);
        own_say(wire);
        pulses_tell(wire, now);
        watch_results(wire, now);
        for (int32_t r = 1; r < world_of(wire); ++r) {
            rt_wire_peer *peer = &wire->peer[r];
            if (peer->fd >= 0 && !rt_wire_write(peer->fd, &peer->out))
                peer_gone(wire, r);
        }
        rt_wire_watch_stuck(wire, now);
        if (hub_over(wire, now))
            return NULL;
        int count = polls_fill(wire), wait = (int)rt_wire_interval(wire);
        poll(wire->polls, (nfds_t)count, wire->closing ? wait / 4 : wait);
        polled_take(wire, count, rt_now());
    }
}

rt_status rt_wire_hub_open(rt_wire *wire, rt_error *error) {
    size_t world = (size_t)world_of(wire);
    size_t polls = world + RT_WIRE_GUESTS + RT_WIRE_LISTENERS + 1;
    wire->peer = calloc(world, sizeof *wire->peer);
    wire->polls = calloc(polls, sizeof *wire->polls);
    wire->polled = calloc(polls, sizeof *wire->polled);
    if (!wire->peer || !wire->polls || !wire->polled)
        return rt_error_set(error, RT_UNAVAILABLE, "no memory for %zu connections", world);
    for (size_t r = 0; r < world; ++r)
        wire->peer[r].fd = -1;
    wire->hub.join = rt_wire_join_of(wire);
    wire->joined = 1;
    return rt_wire_listen(wire, error);
}
