/* rt_moves: a program of 4 ranks, written by hand, that makes all moves with uneven and empty parts and checks what
 * arrives. RT_TEST_FAULT=KIND:RANK in the environment makes a rank fail in the first decode step; busy lasts
 * RT_TEST_SECONDS. It knows nothing of the tests that run it. */
#pragma once

#include "core/rank.h"

enum {
    WORLD = 4,
    LAYERS = 3,
    EXCHANGES = 8,
    ROW = 12,
    META = 8,
    BATCH = 3,
    PROMPT = 4,
    CONTEXT = 16,
    VOCABULARY = 97,
    UNITS = 1300,      /* more than a block of the summation */
    MOST_UNITS = 5000, /* shares too big for a slot */
    UNIT = 12,
    KINDS = 11
};

/* slab offsets; windows hold at most 64 rows */
enum {
    AT_BUFFER = 0,
    AT_SEND = 65536,
    AT_SEND_META = AT_SEND + 64 * ROW,
    AT_RECV = AT_SEND_META + 64 * META,
    AT_RECV_META = AT_RECV + 64 * ROW,
    AT_SEND_COUNTS = AT_RECV_META + 64 * META,
    AT_RECV_COUNTS = AT_SEND_COUNTS + 32,
    AT_IDS = AT_RECV_COUNTS + 32,
    AT_POSITIONS = AT_IDS + 4 * BATCH * PROMPT,
    AT_NEXT = AT_POSITIONS + 4 * BATCH * PROMPT,
    AT_STATE = AT_NEXT + 4 * BATCH + 4,
    AT_WEIGHT = AT_STATE + 64,
    SLAB = AT_WEIGHT + 2 * 64
};

enum {
    OP_BEGIN,
    OP_SUM,
    OP_SCATTER,
    OP_GATHER,
    OP_SUM16,
    OP_CHECK,
    OP_DISPATCH,
    OP_COMBINE,
    OP_FINISH,
    OP_SEND,
    OP_RECV,
    OP_STAGE,
    OPS
};

extern const rt_program moves_program;

/* The next token is a sum over the sequence's last token and position, so that a wrong request table shows. */
int32_t moves_next(int32_t id, int32_t position);

/* What a rank does and sends in one step, by the formulas of the documentation, written out anew. */
void moves_operations(int rank, int64_t counts[KINDS]);
int64_t moves_bytes(int from, int to);
