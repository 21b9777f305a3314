/* futex: see futex.h. Shared futexes throughout: the same code serves processes and threads. */
#include "core/futex.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

uint32_t rt_word_add(rt_word *word) {
    uint32_t old = atomic_load_explicit(word, memory_order_relaxed), next;
    do { /* not fetch_add: the count must not run over into the bits */
        next = (old & ~RT_COUNT_MASK) | ((old + 1) & RT_COUNT_MASK);
    } while (!atomic_compare_exchange_weak_explicit(word, &old, next, memory_order_acq_rel,
                                                    memory_order_relaxed));
    return next;
}

static void futex_wake(rt_word *word) {
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void rt_word_wake(rt_word *word) {
    uint32_t old = atomic_load_explicit(word, memory_order_relaxed);
    if (old & RT_SLEEP_BIT) {
        atomic_fetch_and_explicit(word, ~RT_SLEEP_BIT, memory_order_acq_rel);
        futex_wake(word);
    }
}

void rt_word_abort(rt_word *word) {
    atomic_fetch_or_explicit(word, RT_ABORT_BIT, memory_order_acq_rel);
    futex_wake(word);
}

/* Say on the word that somebody sleeps. The bit is set on this very count or not at all: an event before it is
 * seen here, one after it sees the bit. */
static bool note_sleeper(rt_word *word, uint32_t value) {
    uint32_t asleep = value | RT_SLEEP_BIT;
    return (value & RT_SLEEP_BIT) ||
           atomic_compare_exchange_strong_explicit(word, &value, asleep, memory_order_acq_rel,
                                                   memory_order_relaxed) ||
           value == asleep;
}

void rt_word_sleep(rt_word *word, uint32_t value, int64_t milliseconds) {
    if (!note_sleeper(word, value))
        return;
    struct timespec limit = {.tv_sec = milliseconds / 1000,
                             .tv_nsec = milliseconds % 1000 * 1000000};
    syscall(SYS_futex, word, FUTEX_WAIT, value | RT_SLEEP_BIT, milliseconds < 0 ? NULL : &limit,
            NULL, 0);
}

void rt_word_sleep_until(rt_word *word, uint32_t value, double deadline) {
    if (!note_sleeper(word, value))
        return;
    struct timespec limit = {.tv_sec = (time_t)deadline};
    limit.tv_nsec = (long)((deadline - (double)limit.tv_sec) * 1e9);
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value | RT_SLEEP_BIT, &limit, NULL,
            FUTEX_BITSET_MATCH_ANY);
}

/* Free, held, held with somebody waiting (Drepper, "Futexes are tricky", 2011). */
enum { LOCK_FREE, LOCK_HELD, LOCK_WAITED };

bool rt_lock_take(rt_lock *lock, int64_t milliseconds) {
    uint32_t seen = LOCK_FREE;
    struct timespec limit = {.tv_sec = milliseconds / 1000,
                             .tv_nsec = milliseconds % 1000 * 1000000};
    if (atomic_compare_exchange_strong_explicit(lock, &seen, LOCK_HELD, memory_order_acquire,
                                                memory_order_relaxed))
        return true;
    while (atomic_exchange_explicit(lock, LOCK_WAITED, memory_order_acquire) != LOCK_FREE)
        if (syscall(SYS_futex, lock, FUTEX_WAIT, LOCK_WAITED, &limit, NULL, 0) != 0 &&
            errno == ETIMEDOUT)
            return false;
    return true;
}

void rt_lock_drop(rt_lock *lock) {
    if (atomic_exchange_explicit(lock, LOCK_FREE, memory_order_release) == LOCK_WAITED)
        syscall(SYS_futex, lock, FUTEX_WAKE, 1, NULL, NULL, 0);
}
