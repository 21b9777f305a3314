/* Transfers between the two ranks of a channel, in both directions, of no bytes, through slots and through slabs;
 * part of the program of rt_moves.h, whose buffers it uses. Faults: "size", "layer", "both", "other", "world",
 * "none", "past", "never", see spoil. */
#pragma once

#include "core/segment.h"

enum { PAIR_GUARD = 0x5a, TRANSFERS = 13 };

/* End of the channel that sends, and how much. Equal ones follow each other, so that a slot or a slab that is
 * written again too early shows. */
static const struct {
    int from;
    int64_t bytes;
} transfers[TRANSFERS] = {
    {0, 700},
    {1, 3000},
    {0, 0},
    {1, 0},
    {0, RT_SLOT_BYTES},
    {0, RT_SLOT_BYTES},
    {0, RT_SLOT_BYTES},
    {0, 4},
    {1, RT_SLOT_BYTES + 1},
    {0, 40000},
    {0, 40001},
    {1, 40000},
    {0, 12},
};

static int64_t transferred(int from, int64_t *count) {
    int64_t bytes = 0;
    *count = 0;
    for (int i = 0; i < TRANSFERS; ++i) {
        bytes += transfers[i].from == from ? transfers[i].bytes : 0;
        *count += transfers[i].from == from;
    }
    return bytes;
}

static unsigned char transfer_byte(int channel, int layer, int t, int64_t i) {
    return (unsigned char)(channel * 101 + layer * 37 + t * 11 + i * 7 + i / 256);
}

/* What a rank that is to fail does instead of transfer 0 (small) or 9 (large), in the first layer that it decodes. */
static rt_status spoil(rt_rank *rank, int channel, int t, bool *send, int *layer,
                       rt_pair_args *args) {
    const char *fault = fault_of(rank);
    bool small = strstr(fault, "small") != NULL;
    if (!*fault || !rank->step->decode || rank->wave > 0 || *layer != 0 || t != (small ? 0 : 9))
        return RT_OK;
    if (strncmp(fault, "size", 4) == 0)
        args->bytes += 1;
    if (strncmp(fault, "layer", 5) == 0)
        *layer += 1;
    if (strncmp(fault, "both", 4) == 0)
        *send = !*send;
    if (strncmp(fault, "other", 5) == 0)
        return rt_send(rank, OP_SEND, *layer, channel == 2 ? 3 : 2, args);
    if (strncmp(fault, "world", 5) == 0)
        return rt_send(rank, OP_SEND, *layer, 0, args);
    if (strncmp(fault, "none", 4) == 0)
        return rt_recv(rank, OP_RECV, *layer, 5, args);
    if (strncmp(fault, "past", 4) == 0)
        args->buffer = SLAB - 1;
    if (strncmp(fault, "never", 5) == 0)
        nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 500000000}, NULL);
    return RT_OK;
}

/* The two ends have their bytes at different places. */
static rt_status check_transfer(rt_rank *rank, int layer, int channel, int t) {
    int end = channels[channel].ranks[1] == rank->id, at_layer = layer;
    bool send = transfers[t].from == end;
    int64_t bytes = transfers[t].bytes;
    rt_pair_args args = {AT_BUFFER + 64 * end, bytes};
    unsigned char *buffer = moves_at(rank, args.buffer);
    for (int64_t i = 0; i < bytes; ++i)
        buffer[i] = send ? transfer_byte(channel, layer, t, i) : 0;
    buffer[bytes] = PAIR_GUARD;
    RT_TRY(spoil(rank, channel, t, &send, &at_layer, &args));
    if (send) {
        MOVE(rt_send(rank, OP_SEND, at_layer, channel, &args));
        memset(buffer, 0xff, (size_t)bytes); /* it is the sender's again */
        return RT_OK;
    }
    MOVE(rt_recv(rank, OP_RECV, at_layer, channel, &args));
    for (int64_t i = 0; i < bytes; ++i)
        EXPECT(buffer[i] == transfer_byte(channel, layer, t, i));
    EXPECT(buffer[bytes] == PAIR_GUARD);
    return RT_OK;
}

static rt_status check_pairs(rt_rank *rank, int layer) {
    for (int t = 0; t < TRANSFERS; ++t)
        RT_TRY(check_transfer(rank, layer, rank->id % 2 ? 2 : 3, t));
    return RT_OK;
}
