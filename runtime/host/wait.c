/* wait: see wait.h. Owns nothing; scratch lies in the rank. */
#include "host/wait.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>

/* Turns are given away before sleeping: a few microseconds when nobody takes them, less than a sleep costs. */
enum { WAIT_SLICE_MS = 100, WAIT_TURNS = 16 };

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

/* Progress of the ranks in the closure; *culprit: one that waits for nobody, or -1. */
static uint64_t closure_progress(rt_rank *self, int32_t count, int32_t *culprit) {
    uint64_t sum = (uint64_t)count; /* a closure that changes is progress too */
    *culprit = -1;
    for (int32_t i = 0; i < count; ++i) {
        const rt_area *area = rt_segment_area(self->segment, self->closure[i]);
        sum += atomic_load_explicit(&area->progress, memory_order_relaxed);
        if (*culprit < 0 && !atomic_load_explicit(&area->waits_for, memory_order_relaxed))
            *culprit = self->closure[i];
    }
    return sum;
}

/* Started by others' launchers, a dead peer is noticed here or nowhere. */
static rt_status closure_alive(rt_rank *self, int32_t count) {
    for (int32_t i = 0; self->watch_pids && i < count; ++i) {
        const rt_area *area = rt_segment_area(self->segment, self->closure[i]);
        int32_t pid = atomic_load_explicit(&area->pid, memory_order_relaxed);
        if (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH)
            return rt_fail(self, RT_SOFTWARE, "rank %d ended before its work was done",
                           self->closure[i]);
    }
    return RT_OK;
}

static rt_status wait_give_up(rt_rank *self, int32_t count, int32_t culprit) {
    char doing[160];
    if (culprit < 0)
        return rt_fail(self, RT_TIMEOUT, "%d ranks wait for each other for %lld ms; one is rank %d",
                       count + 1, (long long)self->limit_ms, self->closure[0]);
    rt_segment_doing(self->segment, culprit, doing, sizeof doing);
    const rt_area *area = rt_segment_area(self->segment, culprit);
    if (atomic_load_explicit(&area->done, memory_order_relaxed))
        snprintf(doing, sizeof doing, "it has finished");
    else if (!atomic_load_explicit(&area->pid, memory_order_relaxed))
        snprintf(doing, sizeof doing, "it has not started");
    return rt_fail(self, RT_TIMEOUT,
                   "rank %d made no progress for %lld ms (%s); --timeout-ms sets "
                   "the limit",
                   culprit, (long long)self->limit_ms, doing);
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
    double changed = rt_now(), checked = changed;
    uint64_t progress = UINT64_MAX;
    int64_t slice = self->limit_ms && self->limit_ms < 4 * WAIT_SLICE_MS ? (self->limit_ms + 3) / 4
                                                                         : WAIT_SLICE_MS;
    for (;;) {
        rt_word_sleep(wait->word, *value, self->limit_ms || self->watch_pids ? slice : -1);
        if (wait_over(wait, value))
            return RT_OK;
        double now = rt_now();
        if ((now - checked) * 1e3 < (double)slice)
            continue;
        checked = now;
        int32_t culprit, count = closure_find(self, wait->waits_for);
        uint64_t sum = closure_progress(self, count, &culprit);
        changed = sum != progress ? now : changed;
        progress = sum;
        RT_TRY(closure_alive(self, count));
        if (self->limit_ms && (now - changed) * 1e3 >= (double)self->limit_ms)
            return wait_give_up(self, count, culprit);
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
