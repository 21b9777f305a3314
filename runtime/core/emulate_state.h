/* emulate_state: what the ranks of an emulated run share, in the segment: who has come to which move, which moves
 * are under way, when all began. Its layout follows from program and job alone. All of it but the words
 * and what is atomic is read and written under one lock.
 *
 *   header | runs | ends | late | places | lanes | flows          and apart: a word a rank, a word a lane
 *
 * Times are those of CLOCK_MONOTONIC, in seconds of this host (scaled), but for what is said to be the cluster's.
 * A lane is a stream of a rank. A place is where the members of a move meet: one a channel, two an
 * exchange (dispatch and combine). */
#pragma once

#include "core/rank.h"

typedef struct rt_emu_header {
    rt_lock lock;
    int32_t flows;
    double base; /* what flowed up to here is settled */
} rt_emu_header;

/* One run of a step by all ranks. */
typedef struct rt_emu_run {
    double begin;  /* of all ranks */
    double scale;  /* seconds of this host for one of the cluster */
    double before; /* seconds of the cluster that earlier runs took */
} rt_emu_run;

typedef enum rt_emu_kind {
    RT_EMU_ALL_REDUCE,
    RT_EMU_REDUCE_SCATTER,
    RT_EMU_ALL_GATHER,
    RT_EMU_TRANSFER,
    RT_EMU_SEND,
    RT_EMU_RECV,
    RT_EMU_DISPATCH,
    RT_EMU_COMBINE,
} rt_emu_kind;

/* What a rank brings to a place. */
typedef struct rt_emu_bring {
    rt_emu_kind kind;
    int32_t rank, lane, op, layer, move; /* move: of the figures */
    int32_t type;
    int64_t units, unit_bytes;
} rt_emu_bring;

typedef struct rt_emu_place {
    int32_t members, arrived;
    int32_t first_lane;   /* 1 + lane that came last, the others through their `next` */
    bool under_way;       /* all have come */
    rt_emu_bring brought; /* by the first who came */
    double ready;         /* due time of the last who came */
    double begun, end;    /* when all had come; due time of the end as far as known */
} rt_emu_place;

typedef enum rt_emu_doing {
    RT_EMU_IDLE,
    RT_EMU_EVENT,    /* waits for an operation of another stream */
    RT_EMU_MEMBERS,  /* waits for the other members of a move */
    RT_EMU_UNDER_WAY /* an operation takes its time */
} rt_emu_doing;

typedef struct rt_emu_lane {
    _Atomic int32_t doing; /* rt_emu_doing */
    _Atomic int32_t op, layer, place;
    int32_t next;      /* 1 + lane at the same place; 0 ends */
    bool released;     /* the move is over: */
    double begun, end; /* as of the place */
} rt_emu_lane;

/* A move whose bytes flow, or will, or did lately. */
typedef struct rt_emu_flow {
    int32_t place; /* -1: its members went on, `end` is settled */
    int32_t move;
    double enters, end;
    double done; /* share that has flowed at header.base */
} rt_emu_flow;

int32_t rt_emulation_streams(const rt_program *program);
int64_t rt_emulation_bytes(const rt_job *job);
int64_t rt_emulation_words(const rt_program *program);
int64_t rt_emulation_runs(const rt_job *job);

/* Addresses in a mapped segment. */
typedef struct rt_emu {
    const rt_segment *segment;
    int32_t streams, places, flow_limit;
    int64_t runs;
    rt_emu_header *header;
    rt_emu_run *run; /* [runs] */
    double *end,
        *late; /* [world][runs] seconds of the cluster: of the last operation; behind its due time */
    rt_emu_place *place; /* [channels + 2 exchanges] */
    rt_emu_lane *lane;   /* [world x streams] */
    rt_emu_flow *flow;   /* [flow_limit] */
    double *scratch;     /* this process's, for who holds the lock: [2 resources + 2 flow_limit] */
} rt_emu;

rt_emu rt_emulation_at(const rt_segment *segment);
const rt_step *rt_emulation_step(const rt_job *job, int64_t run);

/* Members of a place, by rank; false: not one. */
bool rt_emulation_member(const rt_program *program, int32_t place, int32_t rank);
const char *rt_emulation_place_name(const rt_program *program, int32_t place, const char **part);

static inline rt_word *rt_emulation_rank_word(const rt_emu *emu, int32_t rank) {
    return &rt_segment_word(emu->segment, (int64_t)rank * (1 + emu->streams))->arrived;
}
static inline rt_word *rt_emulation_lane_word(const rt_emu *emu, int32_t lane) {
    int64_t rank = lane / emu->streams;
    return &rt_segment_word(emu->segment, lane + rank + 1)->arrived;
}

/* RT_ABORTED when the run has failed meanwhile. */
rt_status rt_emulation_lock(rt_rank *rank, rt_emu *emu);
void rt_emulation_unlock(rt_emu *emu);

/* The lane looks anew at what it waits for. */
static inline void rt_emulation_wake(rt_emu *emu, int32_t lane) {
    rt_word *word = rt_emulation_lane_word(emu, lane);
    rt_word_add(word);
    rt_word_wake(word);
}

/* --- emulate_share.c: rates of the moves under way; with the lock held --------------------------------- */

/* A move begins to flow at `enters`; the ends of all places are known anew. */
void rt_emulation_flow(rt_emu *emu, int32_t place, int32_t move, double enters, double scale);
/* The members of a place go on: what happens later changes its end no more. */
void rt_emulation_settle(rt_emu *emu, int32_t place);

/* --- emulate_meet.c: moves ------------------------------------------------------------------------------ */

/* Take part in a move that is due at *due; returns when it is over, with its due end there, and in *begun when
 * all had come. */
rt_status rt_emulation_meet(rt_rank *rank, rt_emu *emu, int32_t place, const rt_emu_bring *bring,
                            double scale, double *due, double *begun);
/* Sleep until a due time; RT_ABORTED when the run has failed. */
rt_status rt_emulation_sleep(rt_emu *emu, int32_t lane, double due);
