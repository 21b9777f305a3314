/* wire_peer: a rank that is not the hub. It looks for the hub until it is let in or its time is over; whoever answers there
 * must have the secret, as the hub asks of it. */
#include "core/wire_state.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 100 };

/* --- before the thread runs: one step after the other ----------------------------------------------------- */

/* Wait for bytes until a time (0: for ever); false: none came. */
static bool await(int fd, short events, double deadline) {
    for (;;) {
        double left = deadline > 0 ? (deadline - rt_now()) * 1e3 : 1000;
        struct pollfd ready = {.fd = fd, .events = events};
        int got = left > 0 ? poll(&ready, 1, left < 1000 ? (int)left + 1 : 1000) : 0;
        if (got > 0)
            return true;
        if ((got < 0 && errno != EINTR) || (deadline > 0 && rt_now() >= deadline))
            return false;
    }
}

static bool read_all(rt_wire_peer *hub, void *to, size_t size, double deadline) {
    while (hub->in.length - hub->in.at < size) {
        if (!await(hub->fd, POLLIN, deadline) || rt_wire_read(hub->fd, &hub->in) < 0)
            return false;
    }
    memcpy(to, hub->in.data + hub->in.at, size);
    hub->in.at += size;
    return true;
}

static bool write_all(rt_wire_peer *hub, double deadline) {
    while (hub->out.at < hub->out.length)
        if (!await(hub->fd, POLLOUT, deadline) || !rt_wire_write(hub->fd, &hub->out))
            return false;
    return true;
}

/* Prove that we have the secret, and see that the other has. *refused: it did not take the proof. */
static bool prove(rt_wire *wire, bool *refused, char *why, size_t size) {
    rt_wire_peer *hub = &wire->hub;
    double deadline = rt_now() + RT_WIRE_PROOF_MS * 1e-3;
    rt_wire_hello hello;
    rt_wire_proof proof = {.magic = RT_WIRE_MAGIC,
                           .rank = wire->config.rank,
                           .world = wire->segment->program->world,
                           .key = wire->config.key};
    rt_wire_answer answer, expected;
    *refused = false;
    if (!read_all(hub, &hello, sizeof hello, deadline) ||
        memcmp(hello.magic, RT_WIRE_MAGIC, sizeof hello.magic) != 0) {
        snprintf(why, size, "what listens there is no rank 0 of this version");
        return false;
    }
    if (!rt_wire_random(proof.nonce, sizeof proof.nonce)) {
        snprintf(why, size, "the system has no random numbers");
        return false;
    }
    rt_wire_proof_mac(&wire->config.secret, &hello, &proof, proof.mac);
    rt_wire_answer_mac(&wire->config.secret, &hello, &proof, expected.mac);
    char *room = rt_wire_room(&hub->out, sizeof proof);
    if (room) {
        memcpy(room, &proof, sizeof proof);
        hub->out.length += sizeof proof;
    }
    if (!room || !write_all(hub, deadline) || !read_all(hub, &answer, sizeof answer, deadline)) {
        *refused = true;
        snprintf(why, size,
                 "what listens there refused this process: do both have the same secret, and is it "
                 "the same launch?");
        return false;
    }
    if (!rt_same_bytes(answer.mac, expected.mac, sizeof answer.mac)) {
        *refused = true;
        snprintf(why, size, "what listens there has not got the secret");
        return false;
    }
    return true;
}

static void clock_take(rt_wire *wire, const char *body, double *best) {
    rt_wire_clock clock;
    double now = rt_now();
    memcpy(&clock, body, sizeof clock);
    if (now - clock.asked < *best) {
        *best = now - clock.asked;
        wire->offset = clock.told - (clock.asked + now) / 2;
    }
}

static bool clock_ask(rt_wire *wire) {
    const rt_wire_clock clock = {.asked = rt_now()};
    return rt_wire_put(&wire->hub.out, RT_WIRE_CLOCK, &clock, sizeof clock) &&
           write_all(&wire->hub, rt_now() + RT_WIRE_PROOF_MS * 1e-3);
}

static void welcome_take(rt_wire *wire, const rt_wire_join *mine, const char *body) {
    rt_wire_welcome welcome;
    memcpy(&welcome, body, sizeof welcome);
    rt_segment_header(wire->segment)->run = welcome.run;
    if (memcmp(welcome.boot, mine->boot, sizeof welcome.boot) == 0)
        wire->offset = 0; /* one clock */
    if (welcome.blob_bytes >= 0 && welcome.blob_bytes <= RT_WIRE_BLOB) {
        wire->config.blob_bytes = (size_t)welcome.blob_bytes;
        memcpy(wire->config.blob, welcome.blob, sizeof welcome.blob);
    }
}

static bool say_failure(rt_wire *wire) {
    const rt_wire_failed failed = rt_wire_failure(wire);
    wire->told_failure = true;
    return rt_wire_put(&wire->hub.out, RT_WIRE_FAILED, &failed, sizeof failed);
}

/* Say who we are; back when all have joined. */
static rt_status join(rt_wire *wire, rt_error *error) {
    rt_wire_peer *hub = &wire->hub;
    rt_wire_limit(wire, hub->fd);
    const rt_wire_join mine = rt_wire_join_of(wire);
    const bool failed = rt_segment_failed(
        wire->segment); /* before it met anyone: it says why, and hears that all know */
    double best = INFINITY;
    int asked = 1;
    if (!rt_wire_put(&hub->out, RT_WIRE_JOIN, &mine, sizeof mine) ||
        (failed && !say_failure(wire)) || !clock_ask(wire))
        return rt_error_set(error, RT_TIMEOUT, "rank %d lost its connection to rank 0",
                            wire->config.rank);
    for (;;) {
        rt_wire_type type;
        const char *body;
        size_t size;
        rt_wire_failed refused;
        int got = rt_wire_next(&hub->in, &type, &body, &size);
        if (got == 0 && await(hub->fd, POLLIN, 0) && rt_wire_read(hub->fd, &hub->in) >= 0)
            continue;
        if (got <= 0 && failed)
            return RT_ABORTED;
        if (got <= 0)
            return rt_error_set(error, RT_TIMEOUT, "rank %d: rank 0 ended before all had come",
                                wire->config.rank);
        if (type == RT_WIRE_CLOCK) {
            clock_take(wire, body, &best);
            if (asked++ < RT_WIRE_CLOCKS && !clock_ask(wire))
                continue; /* the end shows when reading */
        } else if (type == RT_WIRE_WELCOME) {
            welcome_take(wire, &mine, body);
            return RT_OK;
        } else if (type == RT_WIRE_REFUSED) {
            memcpy(&refused, body, sizeof refused);
            refused.text[sizeof refused.text - 1] = 0;
            return rt_error_set(error, RT_DATA, "%s", refused.text);
        } else if (!rt_wire_apply(wire->segment, false, 0, type, body, size)) {
            return rt_error_set(error, RT_SOFTWARE, "rank 0 says what no rank 0 says");
        }
        if (failed ? type == RT_WIRE_FAILED : rt_segment_failed(wire->segment))
            return RT_ABORTED; /* rank 0 tells */
    }
}

rt_status rt_wire_peer_open(rt_wire *wire, rt_error *error) {
    int64_t limit = wire->segment->job->options->load_timeout_ms;
    double deadline = limit ? wire->began + (double)limit * 1e-3 : 0;
    char why[320] = "";
    int refusals = 0;
    for (;;) {
        bool refused = false;
        wire->hub.fd = rt_wire_connect(wire, deadline, why, sizeof why);
        if (wire->hub.fd >= 0 && prove(wire, &refused, why, sizeof why))
            return join(wire, error);
        rt_wire_peer_close(&wire->hub);
        refusals += refused;
        if (refusals >= RT_WIRE_REFUSALS || (deadline > 0 && rt_now() >= deadline))
            return rt_error_set(error, refused ? RT_DATA : RT_TIMEOUT,
                                "rank %d did not reach rank 0 within %.0f ms: %s; "
                                "--load-timeout-ms sets the limit",
                                wire->config.rank, (rt_now() - wire->began) * 1e3, why);
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000}, NULL);
    }
}

/* --- the thread ------------------------------------------------------------------------------------------- */

/* What the rank said goes out, unless too much waits already. */
static bool peer_say(rt_wire *wire) {
    rt_wire_buffer *said = &wire->said;
    rt_wire_buffer *out = &wire->hub.out;
    bool good = true;
    pthread_mutex_lock(&wire->lock);
    if (out->at == out->length && said->length > said->at) {
        rt_wire_buffer empty = *out;
        empty.at = empty.length = 0;
        *out = *said;
        *said = empty;
        pthread_cond_broadcast(&wire->changed);
    }
    pthread_mutex_unlock(&wire->lock);
    if (rt_segment_failed(wire->segment) && !wire->told_failure) {
        rt_wire_failed failed = rt_wire_failure(wire);
        wire->told_failure = true;
        if (failed.rank == wire->config.rank)
            good = rt_wire_put(out, RT_WIRE_FAILED, &failed, sizeof failed);
    }
    return good;
}

static void peer_pulse(rt_wire *wire, double now) {
    rt_wire_buffer *out = &wire->hub.out;
    if ((now - wire->pulsed) * 1e3 < (double)rt_wire_interval(wire) || out->at < out->length)
        return;
    rt_wire_pulse pulse = rt_wire_pulse_of(wire, wire->config.rank);
    wire->pulsed = now;
    if (memcmp(&pulse, &wire->hub.pulse, sizeof pulse) != 0 &&
        rt_wire_put(out, RT_WIRE_PULSE, &pulse, sizeof pulse))
        wire->hub.pulse = pulse;
}

/* Take in all that is there; false: the hub is gone, or is none. */
static bool peer_hear(rt_wire *wire) {
    rt_wire_type type;
    const char *body;
    size_t size;
    int got, there;
    do { /* something may have come with the welcome */
        while ((got = rt_wire_next(&wire->hub.in, &type, &body, &size)) > 0) {
            if (!rt_wire_apply(wire->segment, false, 0, type, body, size))
                return false;
            if (type != RT_WIRE_END)
                continue;
            pthread_mutex_lock(&wire->lock);
            wire->go = true;
            pthread_cond_broadcast(&wire->changed);
            pthread_mutex_unlock(&wire->lock);
        }
        there = got < 0 ? -1 : rt_wire_read(wire->hub.fd, &wire->hub.in);
    } while (there > 0);
    return there == 0;
}

static void hub_gone(rt_wire *wire) {
    const rt_program *program = wire->segment->program;
    char text[RT_MESSAGE];
    snprintf(text, sizeof text,
             "rank 0 (%s) ended before the work was done: its connection to rank %d is closed",
             program->role[program->places[0].role].name, wire->config.rank);
    wire->lost = !wire->go && !rt_segment_failed(wire->segment);
    if (!wire->go)
        rt_segment_fail(wire->segment, 0, RT_TIMEOUT, text);
    pthread_mutex_lock(&wire->lock);
    pthread_cond_broadcast(&wire->changed);
    pthread_mutex_unlock(&wire->lock);
}

/* Whether all is said, and the hub has heard it: it closes when it knows of the failure. */
static bool peer_over(rt_wire *wire, double now) {
    if (!wire->closing)
        return false;
    wire->closing_at = wire->closing_at > 0 ? wire->closing_at : now;
    bool empty = wire->hub.out.at == wire->hub.out.length;
    return (wire->go && empty) || (now - wire->closing_at) * 1e3 > RT_WIRE_LINGER_MS;
}

void *rt_wire_peer_run(void *argument) {
    rt_wire *wire = argument;
    bool there = peer_hear(wire);
    for (;;) {
        double now = rt_now();
        there = there && peer_say(wire);
        if (there)
            peer_pulse(wire, now);
        there = there && rt_wire_write(wire->hub.fd, &wire->hub.out);
        if (!there && wire->hub.fd >= 0) {
            rt_wire_peer_close(&wire->hub);
            hub_gone(wire);
        }
        rt_wire_watch_stuck(wire, now);
        if (peer_over(wire, now) || (!there && wire->closing))
            return NULL;
        struct pollfd polls[2] = {{.fd = wire->wake, .events = POLLIN},
                                  {.fd = wire->hub.fd, .events = POLLIN}};
        if (wire->hub.out.at < wire->hub.out.length)
            polls[1].events |= POLLOUT;
        poll(polls, 2, (int)rt_wire_interval(wire));
        eventfd_t woken;
        if (polls[0].revents)
            eventfd_read(wire->wake, &woken);
        if (there && polls[1].revents)
            there = peer_hear(wire);
    }
}
