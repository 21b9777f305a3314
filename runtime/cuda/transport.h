/* transport: what carries bytes between the slabs of ranks on devices: loopback or nccl. core/moves.c records, checks and
 * begins a move and asks the backend, which asks the table of the transport; the table's functions put work on the stream
 * of the operation (rt_device_stream) and return, as kernels do. A transport knows no step and no graph. */
#pragma once

#include "core/flow.h"
#include "core/members.h"

typedef struct rt_moves {
    const char *name;
    bool captures; /* its moves may lie in a graph, but for exact exchanges */

    /* Of a process: run the ranks that belong to it until they have ended (core/backend.h). */
    rt_status (*launch)(rt_segment *segment, char **argv, bool *leader, rt_error *error);

    /* Of a rank. open: the slabs of all ranks of the process are there, nothing is on their streams. close: also of a rank
     * that was not opened; its own streams are idle then, unless the process is stuck (rt_process), but peers may still
     * come to what it has for them: that is freed by `end`, when all ranks of the process have ended. NULL: nothing to do. */
    rt_status (*open)(rt_rank *rank);
    void (*close)(rt_rank *rank);
    void (*end)(rt_process *process);

    /* The moves, as the functions of core/backend.h; they count rank->bytes. */
    rt_status (*collective)(const rt_members *members, rt_call call, const rt_collective *args);
    rt_status (*transfer)(const rt_members *members, const rt_transfer_args *args);
    rt_status (*pair)(const rt_members *members, bool sends, const rt_pair_args *args);
    rt_status (*exchange)(Flow *flow);

    /* Measure links (core/backend.h). NULL: there are none. */
    rt_status (*preflight)(rt_rank *rank);

    /* Asked again and again while the rank waits for its device: errors that show late, told with rt_fail. NULL: none do. */
    rt_status (*poll)(rt_rank *rank);
    /* The run has failed: give up what is on the streams, so that they come to their end. NULL: they do so by themselves. */
    void (*abort)(rt_rank *rank);
    /* Which channel an operation that does not end is of, and where its other members are; text[0] is 0. True: one of them
     * waits elsewhere, and knows more. NULL: nothing. */
    bool (*about)(const rt_rank *rank, int op, char *text, size_t size);
} rt_moves;

extern const rt_moves rt_moves_loopback, rt_moves_nccl;
