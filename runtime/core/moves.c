/* moves: the moves of rt.h up to where bytes are copied: each is recorded, or emulated, begun, its arguments are checked,
 * the backend does it (core/backend.h), it ends. */
#include "core/backend.h"
#include "core/emulate.h"
#include "core/record.h"

/* --- collectives ---------------------------------------------------------------------------------------- */

static rt_status collective(rt_rank *rank, rt_call call, rt_emu_kind emulated, int op, int layer,
                            int channel, const rt_collective *args) {
    rt_members m;
    RT_TRY(rt_recorded(rank, call, op, layer, channel, -1, -1, args));
    if (rank->emulator)
        return rt_emulate_channel(rank, op, layer, channel, emulated, args);
    RT_TRY(rt_op_begin(rank, op, layer));
    RT_TRY(rt_members_find(&m, rank, op, layer, channel));
    RT_TRY(rt_members_check(&m, args));
    return rt_op_end(rank, op, layer, rt_backend_collective(&m, call, args));
}

rt_status rt_all_reduce(rt_rank *rank, int op, int layer, int channel, const rt_collective *args) {
    return collective(rank, RT_CALL_ALL_REDUCE, RT_EMU_ALL_REDUCE, op, layer, channel, args);
}

rt_status rt_reduce_scatter(rt_rank *rank, int op, int layer, int channel,
                            const rt_collective *args) {
    return collective(rank, RT_CALL_REDUCE_SCATTER, RT_EMU_REDUCE_SCATTER, op, layer, channel,
                      args);
}

rt_status rt_all_gather(rt_rank *rank, int op, int layer, int channel, const rt_collective *args) {
    return collective(rank, RT_CALL_ALL_GATHER, RT_EMU_ALL_GATHER, op, layer, channel, args);
}

/* --- transfers and pairs -------------------------------------------------------------------------------- */

rt_status rt_transfer(rt_rank *rank, int op, int layer, int channel, const rt_transfer_args *args) {
    rt_members m;
    RT_TRY(rt_recorded(rank, RT_CALL_TRANSFER, op, layer, channel, -1, -1, args));
    if (rank->emulator)
        return rt_emulate_channel(rank, op, layer, channel, RT_EMU_TRANSFER,
                                  &(rt_collective){.units = args->units,
                                                   .unit_bytes = args->unit_bytes,
                                                   .type = args->type});
    RT_TRY(rt_op_begin(rank, op, layer));
    RT_TRY(rt_members_find(&m, rank, op, layer, channel));
    RT_TRY(rt_members_check_transfer(&m, args));
    return rt_op_end(rank, op, layer, rt_backend_transfer(&m, args));
}

static rt_status pair(rt_rank *rank, int op, int layer, int channel, bool sends,
                      const rt_pair_args *args) {
    rt_members m;
    RT_TRY(
        rt_recorded(rank, sends ? RT_CALL_SEND : RT_CALL_RECV, op, layer, channel, -1, -1, args));
    if (rank->emulator)
        return rt_emulate_pair(rank, op, layer, channel, sends ? RT_EMU_SEND : RT_EMU_RECV, args);
    RT_TRY(rt_op_begin(rank, op, layer));
    RT_TRY(rt_members_find(&m, rank, op, layer, channel));
    RT_TRY(rt_members_check_pair(&m, args));
    return rt_op_end(rank, op, layer, rt_backend_pair(&m, sends, args));
}

rt_status rt_send(rt_rank *rank, int op, int layer, int channel, const rt_pair_args *args) {
    return pair(rank, op, layer, channel, true, args);
}

rt_status rt_recv(rt_rank *rank, int op, int layer, int channel, const rt_pair_args *args) {
    return pair(rank, op, layer, channel, false, args);
}

/* --- exchanges ------------------------------------------------------------------------------------------ */

static rt_status move_rows(rt_rank *rank, int op, int layer, int channel, int exchange,
                           Flow *flow) {
    if (rank->emulator)
        return rt_emulate_exchange(rank, op, layer, exchange,
                                   flow->back ? RT_EMU_COMBINE : RT_EMU_DISPATCH);
    RT_TRY(rt_op_begin(rank, op, layer));
    RT_TRY(flow_find(flow, rank, op, layer, channel, exchange));
    return rt_op_end(rank, op, layer, rt_backend_exchange(flow));
}

rt_status rt_dispatch(rt_rank *rank, int op, int layer, int channel, int exchange,
                      const rt_dispatch_args *args) {
    RT_TRY(rt_recorded(rank, RT_CALL_DISPATCH, op, layer, channel, exchange, -1, args));
    Flow flow = {.send_rows = args->send_rows,
                 .send_meta = args->send_meta,
                 .send_counts_at = args->send_counts,
                 .recv_rows = args->recv_rows,
                 .recv_meta = args->recv_meta,
                 .recv_counts_at = args->recv_counts,
                 .known_counts_at = -1,
                 .relay_rows = args->relay_rows,
                 .relay_meta = args->relay_meta};
    return move_rows(rank, op, layer, channel, exchange, &flow);
}

rt_status rt_combine(rt_rank *rank, int op, int layer, int channel, int exchange,
                     const rt_combine_args *args) {
    RT_TRY(rt_recorded(rank, RT_CALL_COMBINE, op, layer, channel, exchange, -1, args));
    Flow flow = {.back = true,
                 .send_rows = args->send_rows,
                 .send_meta = -1,
                 .send_counts_at = args->send_counts,
                 .recv_rows = args->recv_rows,
                 .recv_meta = -1,
                 .recv_counts_at = -1,
                 .known_counts_at = args->recv_counts,
                 .relay_rows = args->relay_rows,
                 .relay_meta = -1};
    return move_rows(rank, op, layer, channel, exchange, &flow);
}
