/* A stage of transfers among all ranks: swaps and sums of what is sent at the same time, two sums of one piece, a
 * copy of what changes in its sender; through slots and through slabs, in float32 and bfloat16. Part of the program
 * of rt_moves.h, whose buffers it uses. Faults: "room", "units", "list", see check_stage. */
#pragma once

static int64_t stage_units(int layer) {
    return layer == LAYERS - 1 ? 3000 : 61;
}

static int64_t stage_at(int layer, int piece) {
    return stage_units(layer) * piece / STAGE_PIECES * UNIT;
}

static int64_t stage_bytes(int from, int to) {
    int64_t bytes = 0;
    for (int i = 0; i < STAGE_ITEMS; ++i)
        for (int layer = 0; layer < LAYERS; ++layer)
            if (stage_items[i].from == from && stage_items[i].to == to)
                bytes +=
                    stage_at(layer, stage_items[i].end) - stage_at(layer, stage_items[i].begin);
    return bytes;
}

static float stage_expected(int rank, int layer, int piece, int64_t i) {
    float sum = element(rank, layer, i);
    for (int t = 0; t < STAGE_ITEMS; ++t) {
        const rt_transfer_item *item = &stage_items[t];
        if (item->to == rank && item->begin <= piece && piece < item->end)
            sum = (item->sum ? sum : 0) + element(item->from, layer, i);
    }
    return sum;
}

static rt_status check_stage(rt_rank *rank, int layer) {
    const bool halves = layer == 1;
    const int64_t size = halves ? 2 : 4, units = stage_units(layer);
    const char *fault = layer == 0 || layer == LAYERS - 1 ? fault_of(rank) : "";
    rt_transfer_args args = {AT_BUFFER, units,      UNIT,
                             AT_ROOM,   STAGE_ROOM, halves ? RT_BF16 : RT_F32};
    float *floats = moves_at(rank, AT_BUFFER);
    uint16_t *shorts = moves_at(rank, AT_BUFFER);
    for (int64_t i = 0; i < units * UNIT / size; ++i) {
        if (halves)
            shorts[i] = rt_to_bf16(element(rank->id, layer, i));
        else
            floats[i] = element(rank->id, layer, i);
    }
    if (strncmp(fault, "room", 4) == 0 && layer > 0)
        args.arrivals = 100;
    if (strncmp(fault, "units", 5) == 0)
        --args.units;
    int channel = strncmp(fault, "list", 4) == 0 ? 0 : STAGE_CHANNEL;
    MOVE(rt_transfer(rank, OP_STAGE, layer, channel, &args));
    for (int piece = 0; piece < STAGE_PIECES; ++piece)
        for (int64_t i = stage_at(layer, piece) / size; i < stage_at(layer, piece + 1) / size; ++i)
            EXPECT((halves ? rt_from_bf16(shorts[i]) : floats[i]) ==
                   stage_expected(rank->id, layer, piece, i));
    return RT_OK;
}
