/* launch_here: which of the ways of launch.h a process of one host goes: the rank that it was spawned as, threads, a seat
 * that another launcher gave, or a process for each rank. */
#include "core/launch.h"

rt_status rt_launch_here(rt_segment *segment, char **argv, bool *leader, rt_error *error) {
    const rt_options *options = segment->job->options;
    rt_seat seat = {.rank = -1};
    if (options->master || options->rendezvous || options->secret_file)
        return rt_error_set(error, RT_USAGE,
                            "--master, --rendezvous and --secret-file are for ranks on several "
                            "hosts; these share the memory of one");
    *leader = options->rank < 0;
    if (options->rank >= 0 && options->rank < segment->program->world)
        return rt_launch_child(segment, (int)options->rank, (int)options->segment_fd, error);
    if (options->transport == RT_TRANSPORT_THREADS)
        return rt_launch_threads(segment, error);
    if (options->transport == RT_TRANSPORT_AUTO)
        RT_TRY(rt_seat_find(&seat, segment->program->world, "shm", error));
    if (seat.rank >= 0)
        RT_TRY(rt_seat_shared(&seat, error));
    *leader = seat.rank <= 0;
    return seat.rank >= 0 ? rt_launch_seat(segment, &seat, error)
                          : rt_launch_spawn(segment, argv, error);
}
