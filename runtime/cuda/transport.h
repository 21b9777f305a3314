/* transport: what carries bytes between the slabs of ranks on devices: loopback or nccl. core/moves.c records, checks and
 * begins a move and asks the backend, which asks the table of the transport; the table's functions put work on the stream
 * of the operation (rt_device_stream) and return, as kernels do. A transport knows no step and no graph. */
#pragma once

#include "core/rank.h"

struct rt_members; /* core/ranges.h: a channel as one of its members sees it */
struct Flow;       /* core/flow.h: a direction of an exchange as one of its ranks sees it */

typedef struct rt_moves {
    const char *name;
    bool captures; /* its moves may lie in a graph, but for exact exchanges */

    /* Of a process: run the ranks that belong to it until they have ended (core/backend.h). */
    rt_status (*launch)(rt_segment *segment, char **argv, bool *leader, rt_error *error);

    /* Of a rank. open: the slabs of all ranks of the process are there, nothing is on their streams. close: also of a rank
     * that was not opened; all streams of the process are idle then, unless it is stuck (rt_process). */
    rt_status (*open)(rt_rank *rank);
    void (*close)(rt_rank *rank);

    /* The moves, checked; they count rank->bytes. `kind`: all_reduce, reduce_scatter or all_gather. */
    rt_status (*collective)(const struct rt_members *members, rt_call kind,
                            const rt_collective *args);
    rt_status (*transfer)(const struct rt_members *members, const rt_transfer_args *args);
    rt_status (*pair)(const struct rt_members *members, bool sends, const rt_pair_args *args);
    rt_status (*exchange)(struct Flow *flow);

    /* Asked again and again while the rank waits for its device: errors that show late, told with rt_fail. NULL: none do. */
    rt_status (*poll)(rt_rank *rank);
    /* The run has failed: give up what is on the streams, so that they come to their end. NULL: they do so by themselves. */
    void (*abort)(rt_rank *rank);
} rt_moves;

extern const rt_moves rt_moves_loopback, rt_moves_nccl;
