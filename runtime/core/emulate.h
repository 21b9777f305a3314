/* emulate: runs the steps of a program without its arithmetic. The program's functions run as they are and name
 * their operations; each of these goes to a thread of its stream, which waits for the events that the
 * table of operations names, meets the other members where it is a move, and sleeps as long as the operation is
 * predicted to take. So what overlaps, waits and matches is what the program says; only its work is
 * asleep. No data is touched, no token is made.
 *
 * Time is this host's clock, stretched by a scale. An operation is due to end one duration after the due ends of what
 * it had to wait for, not after the moment at which its thread woke: what this host adds to one wake is not
 * added up over a chain of operations, and a thread that is late sleeps less. The due times follow from
 * nothing but what the threads waited for in this run, and the step takes what the clock shows when the last of
 * them is done. */
#pragma once

#include "core/rank.h"
#include "core/emulate_state.h"

/* Run all steps of the job. */
rt_status rt_emulate_run(rt_rank *rank);

/* What the operations of rt.h do instead of working, when rank->emulator is there. */
rt_status rt_emulate_local(rt_rank *rank, int op, int layer);
rt_status rt_emulate_channel(rt_rank *rank, int op, int layer, int channel, rt_emu_kind kind,
                             const rt_collective *args);
rt_status rt_emulate_pair(rt_rank *rank, int op, int layer, int channel, rt_emu_kind kind,
                          const rt_pair_args *args);
rt_status rt_emulate_exchange(rt_rank *rank, int op, int layer, int exchange, rt_emu_kind kind);

/* Print what the runs took, and write DIR/emulation.rta when --out is given. */
rt_status rt_emulate_report(const rt_segment *segment, rt_error *error);
