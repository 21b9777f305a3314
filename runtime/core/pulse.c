/* pulse: see pulse.h. */
#include "core/pulse.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int64_t rt_pulse_slice(int64_t limit_ms) {
    return limit_ms && limit_ms < 4 * RT_PULSE_SLICE_MS ? (limit_ms + 3) / 4 : RT_PULSE_SLICE_MS;
}

double rt_pulse_idle(double elapsed, int64_t limit_ms) {
    const double most = (double)limit_ms * 0.4e-3;
    return elapsed < most ? elapsed : most;
}

/* Named by pid, not as "mine": others read it too. */
int32_t rt_pulse_clock(bool thread) {
    clockid_t clock;
    if (!thread)
        return rt_pulse_clock_of((int32_t)getpid());
    return pthread_getcpuclockid(pthread_self(), &clock) == 0 ? (int32_t)clock : 0;
}

int32_t rt_pulse_clock_of(int32_t pid) {
    clockid_t clock;
    return clock_getcpuclockid((pid_t)pid, &clock) == 0 ? (int32_t)clock : 0;
}

double rt_pulse_seconds(int32_t clock) {
    struct timespec now;
    if (!clock || clock_gettime((clockid_t)clock, &now) != 0)
        return 0;
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int rt_pulse_open(int32_t pid) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* "PID (NAME) STATE ...", and a name may hold parentheses. */
bool rt_pulse_stopped(int fd) {
    char text[256];
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    if (length <= 0)
        return false;
    text[length] = 0;
    const char *name_end = strrchr(text, ')');
    return name_end && name_end[1] == ' ' && name_end[2] == 'T';
}

bool rt_pulse_stopped_pid(int32_t pid) {
    int fd = rt_pulse_open(pid);
    bool stopped = fd >= 0 && rt_pulse_stopped(fd);
    if (fd >= 0)
        close(fd);
    return stopped;
}
