/* futex: see futex.h. Shared futexes throughout: the same code serves processes and threads. */
#include "host/futex.h"

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

void rt_word_sleep(rt_word *word, uint32_t value, int64_t milliseconds) {
    /* The bit is set on this very count or not at all: an event before it is seen here, one after it sees
     * the bit. */
    uint32_t asleep = value | RT_SLEEP_BIT;
    if (!(value & RT_SLEEP_BIT) &&
        !atomic_compare_exchange_strong_explicit(word, &value, asleep, memory_order_acq_rel,
                                                 memory_order_relaxed) &&
        value != asleep)
        return;
    struct timespec limit = {.tv_sec = milliseconds / 1000,
                             .tv_nsec = milliseconds % 1000 * 1000000};
    syscall(SYS_futex, word, FUTEX_WAIT, asleep, milliseconds < 0 ? NULL : &limit, NULL, 0);
}
