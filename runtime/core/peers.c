/* peers: see peers.h. */
#include "core/peers.h"
#include "core/identity.h"
#include "core/pulse.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *role_of(const rt_rank *self, int32_t rank) {
    return self->program->role[self->program->places[rank].role].name;
}

/* Dead is whose pidfd says so, also while its parent has not taken note. */
static bool peer_dead(rt_peer *peer, const rt_area *area, int32_t pid) {
    bool dead = false;
    if (peer->pidfd < 0) {
        peer->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        dead = peer->pidfd < 0 && errno == ESRCH;
    }
    if (peer->pidfd >= 0) {
        struct pollfd end = {.fd = peer->pidfd, .events = POLLIN};
        dead = poll(&end, 1, 0) == 1;
    }
    return dead && !atomic_load_explicit(&area->done, memory_order_acquire);
}

/* Whether it has done nothing for the limit because a signal has stopped it, whatever it does or waits for. */
static bool peer_stopped(rt_peer *peer, const rt_area *area, int32_t pid, double elapsed,
                         int64_t limit_ms) {
    uint64_t progress = atomic_load_explicit(&area->progress, memory_order_relaxed);
    int32_t clock = atomic_load_explicit(&area->clock, memory_order_relaxed);
    double seconds = progress == peer->progress ? rt_pulse_seconds(clock) : peer->seconds;
    if (progress != peer->progress || seconds - peer->seconds >= RT_PULSE_WORK_S) {
        peer->progress = progress;
        peer->seconds = seconds;
        peer->idle = 0;
        return false;
    }
    peer->idle += rt_pulse_idle(elapsed, limit_ms);
    if (peer->idle * 1e3 < (double)limit_ms)
        return false;
    if (rt_pulse_stopped_pid(pid))
        return true;
    peer->idle *= 0.9; /* it waits: look again after a while */
    return false;
}

rt_status rt_peers_look(rt_rank *rank, int32_t count) {
    const int64_t limit_ms = rank->job->options->timeout_ms;
    double now = rt_now(), elapsed = now - rank->peers_checked;
    char other[RT_MESSAGE];
    rank->peers_checked = now;
    if (rt_identity_refused(rank->segment, other, sizeof other))
        return rt_fail(rank, RT_DATA, "%s", other);
    for (int32_t i = 0; i < count; ++i) {
        int32_t id = rank->closure[i];
        const rt_area *area = rt_segment_area(rank->segment, id);
        int32_t pid = atomic_load_explicit(&area->pid, memory_order_acquire);
        char doing[160];
        if (pid <= 0)
            continue;
        bool dead = peer_dead(&rank->peers[id], area, pid);
        if (!dead && !(limit_ms && peer_stopped(&rank->peers[id], area, pid, elapsed, limit_ms)))
            continue;
        rt_segment_doing(rank->segment, id, doing, sizeof doing);
        if (dead)
            return rt_fail(rank, RT_TIMEOUT, "rank %d (%s) ended before its work was done, in %s",
                           id, role_of(rank, id), doing);
        rt_status status = rt_fail(rank, RT_TIMEOUT,
                                   "rank %d (%s) made no progress for %lld ms (stopped by a "
                                   "signal in %s); --timeout-ms sets the limit",
                                   id, role_of(rank, id), (long long)limit_ms, doing);
        kill(pid, SIGKILL); /* it cannot see that the run has failed */
        return status;
    }
    return RT_OK;
}
