/* record: what an emitted program wrote down of the calls that one of its ranks made (runtime/rt_format.h), and
 * whether these are the calls of the schedule. The reader takes the file as hostile data; the comparison
 * (record_check.c) goes through the folded schedule by itself: it shares no code with lowering, emission
 * or the proofs, so that a mistake there shows. All lies in the caller's arena. */
#pragma once

#include "schedule/schedule.h"

/* Numbers of an entry, within the file as it was read. */
typedef struct RecordWords {
    const int64_t *at;
    int64_t count;
} RecordWords;

typedef struct RecordOp {
    int64_t kind, microbatch, stream, records;
    const char *kind_name, *part;
    RecordWords waits;
} RecordOp;

typedef struct RecordChannel {
    int64_t id, pieces;
    const char *name;
    RecordWords ranks, own, transfers; /* own: pairs or nothing; transfers: fives */
} RecordChannel;

typedef struct RecordExchange {
    int64_t id, exact, chunk, in_flight, top_k, row_bytes, meta_bytes, there_hops, back_hops;
    const char *name;
    RecordWords sources, targets; /* pairs: rank, rows or slots */
} RecordExchange;

typedef struct RecordStep {
    const char *name;
    int64_t decode, tokens;
} RecordStep;

typedef struct RecordKernel {
    int64_t kind, longs, ints;
} RecordKernel;

/* A piece of a table of numbers. */
typedef struct RecordTable {
    const char *name;
    int64_t first;
    RecordWords numbers;
} RecordTable;

/* A slice of a tensor; what numbers[] are, record_weights.c says. */
enum { RECORD_WEIGHT_NUMBERS = 14 };
typedef struct RecordWeight {
    const char *name;
    const int64_t *numbers; /* [RECORD_WEIGHT_NUMBERS] */
} RecordWeight;

/* One call. In the order of rt_call: function, operation, layer, channel, exchange, kernel. */
typedef struct RecordCall {
    int64_t function, op, layer, channel, exchange, kernel;
    RecordWords args;
} RecordCall;

typedef struct RecordRun {
    int64_t step, wave, made;
    int64_t first, count; /* of calls */
} RecordRun;

typedef struct Record {
    const char *path;
    const char *digest, *schedule; /* of plan.json and schedule.json, 16 hexadecimal digits */
    uint64_t run;                  /* equal in all records of one run */
    int64_t rank, world, role, index, node, gpu;
    int64_t status; /* of the rank's end: 0 well, -1 it came to none */
    int64_t waves, decode;
    bool emulated;
    int64_t slab_bytes, zero_offset, zero_bytes;
    const char *name, *role_name;
    int64_t bounds[6]; /* batch, prompt, context, vocabulary, copies, element type */
    LIST_OF(const char *) kinds;
    LIST_OF(RecordKernel) kernels;
    LIST_OF(RecordStep) steps;
    LIST_OF(RecordOp) ops;
    LIST_OF(RecordChannel) channels;
    LIST_OF(RecordExchange) exchanges;
    LIST_OF(RecordWords) hops; /* exchange, back, index, stage, from, to, source, target */
    LIST_OF(RecordWeight) weights;
    LIST_OF(RecordTable) tables;
    LIST_OF(RecordRun) runs;
    RecordCall *calls;
    int64_t call_count;
} Record;

/* Read one rank's record. E0840 where it is damaged or of another version; E0901 to E0903. */
Status record_read(Arena *arena, const char *path, Record *record, Diag *diag);

/* The first thing in which a record is not what the schedule says. */
typedef struct RecordDifference {
    const char *code; /* E0841 another program, E0842 a call, E0843 a table; NULL: all is equal */
    const char *text; /* "rank 3, call 17 (decode): ..." */
    int64_t call;     /* number in the record, -1: in the tables */
    int64_t op;       /* the operation whose statement made the call, -1: none */
} RecordDifference;

/* What a record is compared with. */
typedef struct RecordExpected {
    const Plan *plan;
    const char *digest; /* of the plan */
    const Schedule *schedule;
    const char *schedule_digest; /* of its text */
    const Schedule
        *holdings; /* who has the slices of weights: a schedule with holdings; NULL: not compared */
} RecordExpected;

/* Compare a record with what is expected of `rank`. A rank that failed may stop anywhere; what it did before must
 * be equal. */
RecordDifference record_check(Arena *arena, const RecordExpected *expected, int64_t rank,
                              const Record *record);
