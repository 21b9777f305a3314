/* launch_spawn: every rank as a process of its own: this binary again, with the segment's descriptor. The
 * launcher watches the processes (see launch_watch.h), and a guard the launcher. */
#include "core/backend.h"
#include "core/stream.h"
#include "core/identity.h"
#include "core/launch_watch.h"
#include "core/pulse.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

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
    children->child[rank] = (Child){.pid = pid, .clock = rt_pulse_clock_of((int32_t)pid)};
    children->alive++;
    children->pidfds[rank].fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (children->pidfds[rank].fd < 0)
        return rt_error_set(error, RT_UNAVAILABLE, "cannot watch rank %d: %s", rank,
                            strerror(errno));
    return RT_OK;
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
    char threads[RT_BACKEND_TEXT];
    children->environment = environment_with(rt_backend_environment(world, threads));
    char **child_argv = calloc((size_t)argc + 3, sizeof *child_argv);
    children->child = calloc((size_t)world, sizeof *children->child);
    children->pidfds = calloc((size_t)world, sizeof *children->pidfds);
    rt_status status = RT_OK;
    if (!child_argv || !children->environment || !children->child || !children->pidfds) {
        status = rt_error_set(error, RT_UNAVAILABLE, "no memory for %d ranks", world);
        goto done;
    }
    memcpy(child_argv, argv, (size_t)argc * sizeof *child_argv);
    for (int r = 0; r < world; ++r)
        children->pidfds[r] = (struct pollfd){.fd = -1, .events = POLLIN};
    for (int r = 0; status == RT_OK && r < world; ++r)
        status = child_spawn(children, r, fd, child_argv, argc, error);
    if (status != RT_OK) {
        rt_children_kill(children);
        for (int r = 0; r < world; ++r)
            if (children->child[r].pid > 0)
                waitpid(children->child[r].pid, NULL, 0);
        goto done;
    }
    rt_children_watch(children);
    status = rt_launch_failure(children->segment, error);
done:
    for (int r = 0; children->pidfds && r < world; ++r)
        if (children->pidfds[r].fd >= 0)
            close(children->pidfds[r].fd);
    free(child_argv);
    free(children->environment);
    free(children->child);
    free(children->pidfds);
    return status;
}

rt_status rt_launch_spawn(rt_segment *segment, char **argv, rt_error *error) {
    RT_TRY(rt_guard_start(segment, error)); /* first: it shall hold nothing of the run */
    /* not close-on-exec: the ranks inherit it */
    int fd = memfd_create("ranks", 0);
    if (fd < 0)
        return rt_error_set(error, RT_UNAVAILABLE, "shared memory: %s", strerror(errno));
    rt_status status = rt_segment_map(segment, fd, true, error);
    if (status == RT_OK)
        status = rt_stream_begin(segment, error);
    if (status == RT_OK) {
        Children children = {.segment = segment, .world = segment->program->world};
        status = children_run(&children, fd, argv, error);
    }
    close(fd);
    return status;
}

rt_status rt_launch_child(rt_segment *segment, int rank, int fd, rt_error *error) {
    bool ready;
    RT_TRY(rt_identity_check(segment->program, fd, rank, &ready, error));
    RT_TRY(rt_segment_map(segment, fd, false, error));
    close(fd);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return rt_error_set(error, RT_UNAVAILABLE, "cannot watch the launcher: %s",
                            strerror(errno));
    if (getppid() != rt_segment_header(segment)->launcher)
        return RT_ABORTED; /* it died before the signal was asked for */
    rt_backend_limit(segment->program->world);
    return rt_launch_rank(segment, rank);
}
