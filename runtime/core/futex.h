/* futex: the one primitive that ranks wait with. A word counts events modulo 2^30; its bit 31 says that the
 * run is aborted, so that whoever waits on any word learns of it; its bit 30 that somebody sleeps, so that
 * an event that nobody sleeps for costs no system call. Words lie in memory that is shared between
 * processes or threads; the caller owns it. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define RT_ABORT_BIT UINT32_C(0x80000000)
#define RT_SLEEP_BIT UINT32_C(0x40000000)
#define RT_COUNT_MASK UINT32_C(0x3fffffff)

typedef _Atomic uint32_t rt_word;

/* Whether the count of a word's value has come to `target`. */
static inline bool rt_word_reached(uint32_t value, uint32_t target) {
    return ((value - target) & RT_COUNT_MASK) < UINT32_C(0x20000000);
}

static inline uint32_t rt_word_count(uint32_t value) {
    return value & RT_COUNT_MASK;
}

/* Add one to the count, keeping the two bits; releases what was written before. Returns the new value. */
uint32_t rt_word_add(rt_word *word);

/* Wake all who sleep on a word. */
void rt_word_wake(rt_word *word);

/* Set the abort bit and wake all. */
void rt_word_abort(rt_word *word);

/* Sleep while the word's count and abort bit are those of `value`, at most `milliseconds` (negative: without
 * limit). May return early. */
void rt_word_sleep(rt_word *word, uint32_t value, int64_t milliseconds);

/* The same until a time of CLOCK_MONOTONIC, in seconds. */
void rt_word_sleep_until(rt_word *word, uint32_t value, double deadline);

/* A lock for short sections, in shared memory; zero is free. False: not had within `milliseconds`. */
typedef _Atomic uint32_t rt_lock;
bool rt_lock_take(rt_lock *lock, int64_t milliseconds);
void rt_lock_drop(rt_lock *lock);
