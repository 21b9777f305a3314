/* launch_watch: how the launcher looks after the processes of its ranks until all have ended. One that dies,
 * is stopped for the limit, or neither waits nor works for it, takes the run with it. */
#pragma once

#include "core/launch.h"

#include <poll.h>
#include <sys/types.h>

/* What was last seen of a rank. */
typedef struct Child {
    pid_t pid; /* 0: not started, or reaped */
    int32_t clock;
    int32_t stop_signal; /* that has stopped it; 0: none */
    uint64_t progress;
    double seconds; /* of processor time */
    double idle;    /* how long nothing of that has changed, seconds */
} Child;

typedef struct Children {
    rt_segment *segment;
    int world, alive;
    char **environment;    /* ours, and the limit of BLAS threads */
    Child *child;          /* [world] */
    struct pollfd *pidfds; /* [world], fd -1: none */
    double checked;
} Children;

/* Reap until all have ended. Once the run has failed, those that do not end by themselves are killed. */
void rt_children_watch(Children *children);
void rt_children_kill(Children *children);
