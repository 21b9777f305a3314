/* launch: how ranks come to run: as processes that this one spawns, as threads, as the rank that the launcher
 * spawned, or at a place that torchrun, mpirun or srun gave. All run the same rt_rank_run. */
#pragma once

#include "core/rank.h"

/* A place in a world given by another launcher. */
typedef struct rt_seat {
    int64_t rank, world;
    int64_t local, locals; /* among the ranks of this host, how many these are; -1: not told */
    const char *launcher;
    char key[160];        /* equal for the ranks of one launch, different between launches */
    const char *key_name; /* the variable that it is taken from */
    char host[256];       /* of rank 0, "": not told */
    int64_t port;         /* on that host, -1: not told */
} rt_seat;

/* Map a segment for all ranks and run them; returns when all have ended. On failure `error` holds the first
 * failing rank's message. The segment stays mapped for reading results. */
rt_status rt_launch_spawn(rt_segment *segment, char **argv, rt_error *error);
rt_status rt_launch_threads(rt_segment *segment, rt_error *error);

/* Be rank `rank` of the launcher whose segment is open as `fd`. Messages are the launcher's to print. */
rt_status rt_launch_child(rt_segment *segment, int rank, int fd, rt_error *error);

/* Find a seat in the environment; seat->rank is -1 when there is none. RT_DATA: the world has another
 * size than the program's; `alone` is the transport that needs no launcher. */
rt_status rt_seat_find(rt_seat *seat, int world, const char *alone, rt_error *error);
/* RT_DATA: the world of a seat spans hosts. */
rt_status rt_seat_shared(const rt_seat *seat, rt_error *error);
/* Be the rank of this seat. */
rt_status rt_launch_seat(rt_segment *segment, const rt_seat *seat, rt_error *error);

/* Start a process that ends this one, the launcher, if that is stopped for --timeout-ms, and ends with it. */
rt_status rt_guard_start(const rt_segment *segment, rt_error *error);

/* Run the ranks that belong to this process on this host, as the options and the environment say. */
rt_status rt_launch_here(rt_segment *segment, char **argv, bool *leader, rt_error *error);

/* Create the context of a rank, run it, free it. */
rt_status rt_launch_rank(rt_segment *segment, int rank);
/* Take over the first failure of the ranks, if there is one. */
rt_status rt_launch_failure(const rt_segment *segment, rt_error *error);
