/* futex: the one primitive that ranks wait with. A word counts events modulo 2^31; its bit 31 says that the
 * run is aborted, so that whoever waits on any word learns of it. Words lie in memory that is shared
 * between processes or threads; the caller owns it. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define RT_ABORT_BIT UINT32_C(0x80000000)

typedef _Atomic uint32_t rt_word;

/* Whether the count of a word's value has come to `target`. */
static inline bool rt_word_reached(uint32_t value, uint32_t target) {
    return ((value - target) & ~RT_ABORT_BIT) < UINT32_C(0x40000000);
}

static inline uint32_t rt_word_count(uint32_t value) {
    return value & ~RT_ABORT_BIT;
}

/* Add one to the count, keeping the abort bit; releases what was written before. Returns the new value. */
uint32_t rt_word_add(rt_word *word);

/* Set the abort bit and wake all. */
void rt_word_abort(rt_word *word);

void rt_futex_wake(rt_word *word);

/* Sleep while the word has this value, at most `milliseconds` (negative: without limit). */
void rt_futex_wait(rt_word *word, uint32_t value, int64_t milliseconds);
