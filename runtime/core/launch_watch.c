/* launch_watch: see launch_watch.h. Deaths wake it through pidfds; for stops it looks at every slice. */
#include "core/launch_watch.h"
#include "core/identity.h"
#include "core/pulse.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* For ranks to end by themselves after a failure. They own nothing that their death would leave behind. */
enum { GRACE_MS = 100 };

static const char *role_of(const Children *children, int rank) {
    const rt_program *program = children->segment->program;
    return program->role[program->places[rank].role].name;
}

/* A crash is a bug of ours; other signals come from outside. */
static rt_status status_of(int signal) {
    static const int crashes[] = {0, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; ++i)
        if (signal == crashes[i])
            return RT_SOFTWARE;
    return RT_TIMEOUT;
}

/* A process that ended without its work done and without telling why. */
static void child_ended(Children *children, int rank, int wait_status) {
    char text[RT_MESSAGE], doing[160];
    const rt_area *area = rt_segment_area(children->segment, rank);
    if (atomic_load(&area->done) && WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
        return;
    if (rt_identity_refused(children->segment, text, sizeof text)) {
        rt_segment_fail(children->segment, rank, RT_DATA, text);
        return;
    }
    int signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
    rt_segment_doing(children->segment, rank, doing, sizeof doing);
    if (signal)
        snprintf(text, sizeof text, "rank %d (%s) was killed by signal %d (%s) in %s%s", rank,
                 role_of(children, rank), signal, strsignal(signal), doing,
                 signal == SIGKILL || signal == SIGBUS ? "; is the host out of memory?" : "");
    else
        snprintf(text, sizeof text, "rank %d (%s) ended with status %d in %s", rank,
                 role_of(children, rank), WEXITSTATUS(wait_status), doing);
    rt_segment_fail(children->segment, rank, status_of(signal), text);
}

static void child_still(Children *children, int rank, int64_t limit_ms) {
    char text[RT_MESSAGE], doing[160], stop[96] = "";
    int signal = children->child[rank].stop_signal;
    if (signal)
        snprintf(stop, sizeof stop, "stopped by signal %d (%s) in ", signal, strsignal(signal));
    rt_segment_doing(children->segment, rank, doing, sizeof doing);
    snprintf(text, sizeof text,
             "rank %d (%s) made no progress for %lld ms (%s%s); --timeout-ms sets the limit", rank,
             role_of(children, rank), (long long)limit_ms, stop, doing);
    rt_segment_fail(children->segment, rank, RT_TIMEOUT, text);
    kill(children->child[rank].pid, SIGKILL); /* it does not see that the run has failed */
}

void rt_children_kill(Children *children) {
    for (int r = 0; r < children->world; ++r)
        if (children->child[r].pid > 0)
            kill(children->child[r].pid, SIGKILL);
}

static void child_reap(Children *children, int rank, int wait_status) {
    close(children->pidfds[rank].fd);
    children->pidfds[rank] = (struct pollfd){.fd = -1};
    children->child[rank].pid = 0;
    children->alive--;
    child_ended(children, rank, wait_status);
}

/* Note that a rank was stopped or continued since the last look. Who was stopped anew has run meanwhile. */
static void child_look_stop(Child *child, int wait_status) {
    child->stop_signal = WIFSTOPPED(wait_status) ? WSTOPSIG(wait_status) : 0;
    child->idle = 0;
}

/* What peers cannot see: a rank that is stopped while it loads, in the midst of a wait, or at the end; and
 * one that nobody waits for. Waiting as such is judged by who waits. */
static void child_look(Children *children, int rank, double elapsed) {
    Child *child = &children->child[rank];
    const rt_options *options = children->segment->job->options;
    const rt_area *area = rt_segment_area(children->segment, rank);
    uint64_t progress = atomic_load_explicit(&area->progress, memory_order_relaxed);
    bool loading = atomic_load_explicit(&area->step, memory_order_relaxed) == 0;
    bool waits = atomic_load_explicit(&area->waits_for, memory_order_relaxed) != 0;
    if (!child->stop_signal && (waits || progress != child->progress)) {
        child->progress = progress;
        child->idle = 0;
        return;
    }
    double seconds = child->stop_signal ? child->seconds : rt_pulse_seconds(child->clock);
    if (seconds - child->seconds >= RT_PULSE_WORK_S) {
        child->seconds = seconds;
        child->idle = 0;
        return;
    }
    int64_t limit = loading && !child->stop_signal ? options->load_timeout_ms : options->timeout_ms;
    child->idle += rt_pulse_idle(elapsed, limit);
    if (limit && child->idle * 1e3 >= (double)limit)
        child_still(children, rank, limit);
}

/* Milliseconds until the next look: a slice, or less when a rank that is stopped comes to its limit. */
static int children_slice(const Children *children, int64_t limit_ms) {
    int64_t slice = limit_ms ? rt_pulse_slice(limit_ms) : -1;
    for (int r = 0; limit_ms && r < children->world; ++r) {
        const Child *child = &children->child[r];
        int64_t rest = limit_ms - (int64_t)(child->idle * 1e3);
        if (child->pid > 0 && child->stop_signal && rest < slice)
            slice = rest > 0 ? rest : 1;
    }
    return (int)slice;
}

static void children_look(Children *children) {
    double now = rt_now(), elapsed = now - children->checked;
    children->checked = now;
    for (int r = 0; r < children->world; ++r) {
        int wait_status;
        pid_t pid = children->child[r].pid;
        if (pid <= 0)
            continue;
        pid_t got = waitpid(pid, &wait_status, WNOHANG | WUNTRACED | WCONTINUED);
        if (got < 0 && (errno == ECHILD || children->pidfds[r].revents))
            child_reap(children, r,
                       0); /* where children are reaped for us; its work tells how it went */
        else if (got <= 0)
            child_look(children, r, elapsed);
        else if (WIFSTOPPED(wait_status) || WIFCONTINUED(wait_status))
            child_look_stop(&children->child[r], wait_status);
        else
            child_reap(children, r, wait_status);
    }
}

void rt_children_watch(Children *children) {
    const int64_t limit_ms = children->segment->job->options->timeout_ms;
    double deadline = 0;
    bool killed = false;
    children->checked = rt_now();
    while (children->alive > 0) {
        int limit = children_slice(children, limit_ms);
        if (rt_segment_failed(children->segment) && !killed) {
            deadline = deadline > 0 ? deadline : rt_now() + GRACE_MS * 1e-3;
            limit = (int)((deadline - rt_now()) * 1e3);
            if (limit <= 0) {
                rt_children_kill(children);
                killed = true;
                limit = -1;
            }
        }
        poll(children->pidfds, (nfds_t)children->world, killed ? -1 : limit);
        children_look(children);
    }
}
