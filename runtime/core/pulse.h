/* pulse: whether a rank, or the launcher, lives and works, seen from outside. Who computes uses processor
 * time, however slowly; who is stopped or sleeps uses none. It knows processes and clocks, no segment. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Processor time that counts as work, seconds: more than a sleeper's wakes cost within a limit, less than the
 * smallest share that a working rank gets of a crowded host. */
#define RT_PULSE_WORK_S 1e-3

/* How often who waits looks after those whom it waits for. */
enum { RT_PULSE_SLICE_MS = 50 };

/* The interval of looks for a limit, milliseconds. */
int64_t rt_pulse_slice(int64_t limit_ms);

/* Seconds without progress that a look adds which comes `elapsed` seconds after the last one: no more than a part
 * of the limit, for the watch itself may have been stopped, with all others or alone, and then knows nothing. */
double rt_pulse_idle(double elapsed, int64_t limit_ms);

/* The processor clock of the calling process, with all its threads, or of the calling thread alone. */
int32_t rt_pulse_clock(bool thread);

/* The processor clock of another process; 0: there is none. */
int32_t rt_pulse_clock_of(int32_t pid);

/* What a clock shows, seconds; 0 for one that is gone. */
double rt_pulse_seconds(int32_t clock);

/* Whether a process is stopped by a signal; a debugger's stops do not count. `fd`: of its /proc/PID/stat. */
bool rt_pulse_stopped(int fd);
bool rt_pulse_stopped_pid(int32_t pid);
int rt_pulse_open(int32_t pid);
