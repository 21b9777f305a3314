/* launch_guard: a process that watches the launcher, as the launcher watches the ranks. A launcher that dies
 * takes all with it; one that is stopped would keep them for ever. The guard holds nothing of the run: no
 * segment, no file but the launcher's state in /proc. It goes with the launcher, by its parent-death signal, so that
 * this is guarded to its very end. */
#include "core/launch.h"
#include "core/pulse.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* Between fork and end, in a process that may have had threads: no memory is allocated here. */
static void guard_run(pid_t launcher, int64_t limit_ms, const char *message, size_t length) {
    int stat = rt_pulse_open((int32_t)launcher);
    int32_t clock = rt_pulse_clock_of((int32_t)launcher);
    struct timespec slice = {.tv_nsec = rt_pulse_slice(limit_ms) * 1000000};
    double checked = rt_now(), idle = 0, seconds = 0;
    while (stat >= 0 && idle * 1e3 < (double)limit_ms) {
        nanosleep(&slice, NULL);
        double now = rt_now(), used = rt_pulse_seconds(clock);
        bool still = used == seconds && rt_pulse_stopped(stat);
        idle = still ? idle + rt_pulse_idle(now - checked, limit_ms) : 0;
        checked = now;
        seconds = used;
    }
    if (stat < 0)
        return;
    if (write(STDERR_FILENO, message, length) < 0)
        errno = 0; /* nobody is left to tell */
    kill(launcher, SIGKILL);
}

rt_status rt_guard_start(const rt_segment *segment, rt_error *error) {
    const int64_t limit_ms = segment->job->options->timeout_ms;
    pid_t launcher = getpid();
    char message[RT_MESSAGE];
    if (!limit_ms)
        return RT_OK;
    int length = snprintf(message, sizeof message,
                          "%s: the launcher made no progress for %lld ms (stopped by a signal); "
                          "--timeout-ms sets the limit\n",
                          segment->program->name, (long long)limit_ms);
    if (length < 0 || length >= (int)sizeof message)
        length = (int)sizeof message - 1;
    pid_t guard = fork();
    if (guard < 0)
        return rt_error_set(error, RT_UNAVAILABLE, "cannot watch the launcher: %s",
                            strerror(errno));
    if (guard == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == launcher)
            guard_run(launcher, limit_ms, message, (size_t)length);
        _exit(0);
    }
    return RT_OK;
}
