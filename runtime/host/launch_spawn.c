/* launch_spawn: every rank as a process of its own: this binary again, with the segment's descriptor. The
 * launcher watches the processes through pidfds; one that dies takes the run with it. */
#include "host/launch.h"
#include "host/blas.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GRACE_MS = 2000 /* for ranks to end by themselves after a failure */ };

extern char **environ;

typedef struct Children {
    rt_segment *segment;
    int world, alive;
    char **environment;    /* ours, and the limit of BLAS threads */
    pid_t *pids;           /* [world], 0: not started or reaped */
    struct pollfd *pidfds; /* [world], fd -1: none */
} Children;

static rt_status child_spawn(Children *children, int rank, int fd, char **argv, int argc,
                             rt_error *error) {
    char rank_text[32], fd_text[32];
    snprintf(rank_text, sizeof rank_text, "--rank=%d", rank);
    snprintf(fd_text, sizeof fd_text, "--segment-fd=%d", fd);
    argv[argc] = rank_text;
    argv[argc + 1] = fd_text;
    argv[argc + 2] = NULL;
    pid_t pid;
    int failed = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, children->environment);
    if (failed)
        return rt_error_set(error, RT_UNAVAILABLE, "cannot start rank %d: %s", rank,
                            strerror(failed));
    children->pids[rank] = pid;
    children->alive++;
    children->pidfds[rank].fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (children->pidfds[rank].fd < 0)
        return rt_error_set(error, RT_UNAVAILABLE, "cannot watch rank %d: %s", rank,
                            strerror(errno));
    return RT_OK;
}

/* A process that ended without its work done and without telling why. */
static void child_ended(Children *children, int rank, int wait_status) {
    const rt_program *program = children->segment->program;
    char text[RT_MESSAGE], doing[160], end[128];
    const rt_area *area = rt_segment_area(children->segment, rank);
    if (atomic_load(&area->done) && WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
        return;
    int signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
    if (signal)
        snprintf(end, sizeof end, "signal %d (%s)%s", signal, strsignal(signal),
                 signal == SIGKILL || signal == SIGBUS ? "; is the host out of memory?" : "");
    else
        snprintf(end, sizeof end, "status %d before its work was done", WEXITSTATUS(wait_status));
    rt_segment_doing(children->segment, rank, doing, sizeof doing);
    snprintf(text, sizeof text, "rank %d (%s): %s: ended with %s", rank,
             program->role[program->places[rank].role].name, doing, end);
    rt_segment_fail(children->segment, rank, RT_SOFTWARE, text);
}

static void children_kill(Children *children) {
    for (int r = 0; r < children->world; ++r)
        if (children->pids[r] > 0)
            kill(children->pids[r], SIGKILL);
}

/* Reap until all have ended; once the run has failed, the rest gets GRACE_MS. */
static void children_watch(Children *children) {
    double deadline = 0;
    bool killed = false;
    while (children->alive > 0) {
        int limit = -1;
        if (rt_segment_failed(children->segment) && !killed) {
            deadline = deadline > 0 ? deadline : rt_now() + GRACE_MS * 1e-3;
            limit = (int)((deadline - rt_now()) * 1e3);
            if (limit <= 0) {
                children_kill(children);
                killed = true;
                limit = -1;
            }
        }
        if (poll(children->pidfds, (nfds_t)children->world, limit) <= 0)
            continue;
        for (int r = 0; r < children->world; ++r) {
            int wait_status;
            if (!children->pidfds[r].revents || waitpid(children->pids[r], &wait_status, 0) < 0)
                continue;
            close(children->pidfds[r].fd);
            children->pidfds[r].fd = -1;
            children->pidfds[r].revents = 0;
            children->pids[r] = 0;
            children->alive--;
            child_ended(children, r, wait_status);
        }
    }
}

/* Our environment with room for one more entry; the texts stay where they are. */
static char **environment_with(char *entry) {
    size_t count = 0;
    while (environ[count])
        count++;
    char **copy = calloc(count + 2, sizeof *copy);
    if (!copy)
        return NULL;
    memcpy(copy, environ, count * sizeof *copy);
    copy[count] = entry;
    return copy;
}

static rt_status children_run(Children *children, int fd, char **argv, rt_error *error) {
    int argc = 0, world = children->world;
    while (argv[argc])
        argc++;
    char blas[RT_BLAS_TEXT];
    children->environment = environment_with(rt_blas_environment(world, blas));
    char **child_argv = calloc((size_t)argc + 3, sizeof *child_argv);
    children->pids = calloc((size_t)world, sizeof *children->pids);
    children->pidfds = calloc((size_t)world, sizeof *children->pidfds);
    rt_status status = RT_OK;
    if (!child_argv || !children->environment || !children->pids || !children->pidfds) {
        status = rt_error_set(error, RT_UNAVAILABLE, "no memory for %d ranks", world);
        goto done;
    }
    memcpy(child_argv, argv, (size_t)argc * sizeof *child_argv);
    for (int r = 0; r < world; ++r)
        children->pidfds[r] = (struct pollfd){.fd = -1, .events = POLLIN};
    for (int r = 0; status == RT_OK && r < world; ++r)
        status = child_spawn(children, r, fd, child_argv, argc, error);
    if (status != RT_OK) {
        children_kill(children);
        for (int r = 0; r < world; ++r)
            if (children->pids[r] > 0)
                waitpid(children->pids[r], NULL, 0);
        goto done;
    }
    children_watch(children);
    status = rt_launch_failure(children->segment, error);
done:
    for (int r = 0; children->pidfds && r < world; ++r)
        if (children->pidfds[r].fd >= 0)
            close(children->pidfds[r].fd);
    free(child_argv);
    free(children->environment);
    free(children->pids);
    free(children->pidfds);
    return status;
}

rt_status rt_launch_spawn(rt_segment *segment, char **argv, rt_error *error) {
    /* not close-on-exec: the ranks inherit it */
    int fd = memfd_create("ranks", 0);
    if (fd < 0)
        return rt_error_set(error, RT_UNAVAILABLE, "shared memory: %s", strerror(errno));
    rt_status status = rt_segment_map(segment, fd, true, error);
    if (status == RT_OK) {
        Children children = {.segment = segment, .world = segment->program->world};
        status = children_run(&children, fd, argv, error);
    }
    close(fd);
    return status;
}

rt_status rt_launch_child(rt_segment *segment, int rank, int fd, rt_error *error) {
    RT_TRY(rt_segment_map(segment, fd, false, error));
    close(fd);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return rt_error_set(error, RT_UNAVAILABLE, "cannot watch the launcher: %s",
                            strerror(errno));
    if (getppid() != rt_segment_header(segment)->launcher)
        return RT_ABORTED; /* it died before the signal was asked for */
    rt_blas_limit(segment->program->world);
    return rt_launch_rank(segment, rank);
}
