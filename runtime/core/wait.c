/* wait: see wait.h. Owns nothing; scratch lies in the rank. */
#include "core/wait.h"
#include "core/peers.h"
#include "core/pulse.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>

/* Turns are given away before sleeping: a few microseconds when nobody takes them, less than a sleep costs. */
enum { WAIT_TURNS = 16 };

/* Push the ranks that `rank` waits for and that are not in the closure yet. */
static int32_t closure_follow(rt_rank *self, int32_t count, int32_t waits_for) {
    const rt_program *program = self->program;
    const int32_t peer = -waits_for - 1;
    const rt_channel *channel = NULL;
    int32_t members = waits_for < 0 ? 1 : program->world;
    if (waits_for > 0 && waits_for <= program->channels) {
        channel = &program->channel[waits_for - 1];
        members = channel->members;
    }
    for (int32_t i = 0; i < members; ++i) {
        int32_t rank = waits_for < 0 ? peer : channel ? channel->ranks[i] : i;
        if (!self->seen[rank]) {
            self->seen[rank] = true;
            self->closure[count++] = rank;
        }
    }
    return count;
}

/* All ranks that this wait depends on, without this one. */
static int32_t closure_find(rt_rank *self, int32_t waits_for) {
    memset(self->seen, 0, (size_t)self->program->world * sizeof *self->seen);
    self->seen[self->id] = true;
    int32_t count = closure_follow(self, 0, waits_for);
    for (int32_t i = 0; i < count; ++i) {
        const rt_area *area = rt_segment_area(self->segment, self->closure[i]);
        int32_t next = atomic_load_explicit(&area->waits_for, memory_order_relaxed);
        if (next)
            count = closure_follow(self, count, next);
    }
    return count;
}

/* Who waits for its device holds others up as who computes does. */
static bool holds_up(const rt_rank *self, int32_t waits_for) {
    return !waits_for || waits_for == RT_WAITS_FOR_DEVICE(self->program);
}

/* What the ranks of a closure have done, and how long that has not changed. */
typedef struct Watch {
    uint64_t progress;
    double seconds; /* processor time of those who wait for nobody */
    double checked, idle;
    int32_t culprit; /* one that waits for nobody, or -1 */
} Watch;

/* Whoever waits works not, however often it wakes: of those only progress counts. */
static void watch_look(rt_rank *self, Watch *watch, int32_t count, double now) {
    uint64_t progress = (uint64_t)count; /* a closure that changes is progress too */
    double seconds = 0;
    watch->culprit = -1;
    for (int32_t i = 0; i < count; ++i) {
        const rt_area *area = rt_segment_area(self->segment, self->closure[i]);
        progress += atomic_load_explicit(&area->progress, memory_order_relaxed);
        int32_t waits_for = atomic_load_explicit(&area->waits_for, memory_order_relaxed);
        if (!waits_for)
            seconds += rt_pulse_seconds(atomic_load_explicit(&area->clock, memory_order_relaxed)) +
                       (double)atomic_load_explicit(&area->worked_us, memory_order_relaxed) * 1e-6;
        if (watch->culprit < 0 && holds_up(self, waits_for))
            watch->culprit = self->closure[i];
    }
    double worked = seconds - watch->seconds;
    if (progress != watch->progress || worked < 0 || worked >= RT_PULSE_WORK_S) {
        watch->progress = progress;
        watch->seconds = seconds;
        watch->idle = 0;
    } else {
        watch->idle += rt_pulse_idle(now - watch->checked, self->limit_ms);
    }
    watch->checked = now;
}

rt_status rt_wait_check(rt_rank *rank) {
    atomic_fetch_add_explicit(&rank->area->progress, 1, memory_order_relaxed);
    double now = rank->watch_pids ? rt_now() : 0;
    if (now - rank->peers_checked > RT_PULSE_SLICE_MS * 1e-3) {
        RT_TRY(rt_peers_look(rank, closure_find(rank, rank->program->channels + 1)));
    }
    return rt_segment_failed(rank->segment) ? RT_ABORTED : RT_OK;
}

/* A rank of the closure that a signal has stopped, perhaps in the midst of waiting; -1: none. */
static int32_t closure_stopped(const rt_rank *self, int32_t count) {
    for (int32_t i = 0; i < count; ++i) {
        const rt_area *area = rt_segment_area(self->segment, self->closure[i]);
        int32_t pid = atomic_load_explicit(&area->pid, memory_order_relaxed);
        if (pid > 0 && rt_pulse_stopped_pid(pid))
            return self->closure[i];
    }
    return -1;
}

static rt_status wait_give_up(rt_rank *self, int32_t count, int32_t culprit) {
    char doing[160];
    int32_t stopped = closure_stopped(self, count);
    culprit = stopped >= 0 ? stopped : culprit;
    if (culprit < 0)
        return rt_fail(self, RT_TIMEOUT, "%d ranks wait for each other for %lld ms; one is rank %d",
                       count + 1, (long long)self->limit_ms, self->closure[0]);
    rt_segment_doing(self->segment, culprit, doing, sizeof doing);
    const rt_area *area = rt_segment_area(self->segment, culprit);
    int32_t pid = atomic_load_explicit(&area->pid, memory_order_relaxed);
    if (atomic_load_explicit(&area->done, memory_order_relaxed))
        snprintf(doing, sizeof doing, "it has finished");
    else if (!pid)
        snprintf(doing, sizeof doing, "it has not started");
    rt_status status =
        rt_fail(self, RT_TIMEOUT,
                "rank %d (%s) made no progress for %lld ms (%s%s); --timeout-ms sets the limit",
                culprit, self->program->role[self->program->places[culprit].role].name,
                (long long)self->limit_ms, stopped >= 0 ? "stopped by a signal in " : "", doing);
    if (stopped >= 0 && self->watch_pids)
        kill(pid, SIGKILL); /* it cannot see that the run has failed */
    return status;
}

/* The word that a wait is for, and the count. */
typedef struct Wait {
    rt_word *word;
    uint32_t target;
    int32_t waits_for; /* as in rt_area */
} Wait;

/* Whether the wait is over; *value: of its word, with the abort bit if that is why. */
static bool wait_over(const Wait *wait, uint32_t *value) {
    *value = atomic_load_explicit(wait->word, memory_order_acquire);
    return (*value & RT_ABORT_BIT) || rt_word_reached(*value, wait->target);
}

static rt_status wait_asleep(rt_rank *self, const Wait *wait, uint32_t *value) {
    Watch watch = {.progress = UINT64_MAX, .checked = rt_now()};
    const int64_t slice = rt_pulse_slice(self->limit_ms);
    for (;;) {
        rt_word_sleep(wait->word, *value, self->limit_ms || self->watch_pids ? slice : -1);
        if (wait_over(wait, value))
            return RT_OK;
        double now = rt_now();
        if ((now - watch.checked) * 1e3 < (double)slice)
            continue;
        int32_t count = closure_find(self, wait->waits_for);
        watch_look(self, &watch, count, now);
        if (self->watch_pids)
            RT_TRY(rt_peers_look(self, count));
        if (self->limit_ms && watch.idle * 1e3 >= (double)self->limit_ms)
            return wait_give_up(self, count, watch.culprit);
    }
}

/* Where ranks outnumber processors, the others often come in the turns given away: then nobody has slept, and
 * nobody is woken. */
static rt_status wait_run(rt_rank *self, const Wait *wait) {
    uint32_t value;
    bool over = wait_over(wait, &value);
    if (over)
        return value & RT_ABORT_BIT ? RT_ABORTED : RT_OK;
    rt_status status = RT_OK;
    double begin = rt_now();
    atomic_store_explicit(&self->area->waits_for, wait->waits_for, memory_order_relaxed);
    for (int turn = 0; !over && turn < WAIT_TURNS; ++turn) {
        sched_yield();
        over = wait_over(wait, &value);
    }
    if (!over)
        status = wait_asleep(self, wait, &value);
    atomic_store_explicit(&self->area->waits_for, 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&self->area->progress, 1, memory_order_relaxed);
    self->waited += rt_now() - begin;
    return status == RT_OK && (value & RT_ABORT_BIT) ? RT_ABORTED : status;
}

rt_status rt_wait_barrier(rt_rank *rank, int channel) {
    bool world = channel == rank->program->channels;
    uint32_t members =
        (uint32_t)(world ? rank->program->world : rank->program->channel[channel].members);
    rt_word *word = &rt_segment_barrier(rank->segment, channel)->arrived;
    uint32_t target = rt_word_count(rank->arrivals[channel] + members);
    rank->arrivals[channel] = target;
    uint32_t value = rt_word_add(word);
    if (world && rank->segment->mirror)
        rank->segment->mirror->arrived(rank->segment->mirror);
    if (value & RT_ABORT_BIT)
        return RT_ABORTED;
    if (rt_word_reached(value, target)) {
        rt_word_wake(word);
        return RT_OK;
    }
    return wait_run(rank, &(Wait){.word = word, .target = target, .waits_for = channel + 1});
}

rt_status rt_wait_peer(rt_rank *rank, rt_word *word, uint32_t target, int peer) {
    return wait_run(
        rank, &(Wait){.word = word, .target = rt_word_count(target), .waits_for = -(peer + 1)});
}

rt_status rt_wait_world(rt_rank *rank, rt_word *word, uint32_t target) {
    return wait_run(rank, &(Wait){.word = word,
                                  .target = rt_word_count(target),
                                  .waits_for = rank->program->channels + 1});
}
