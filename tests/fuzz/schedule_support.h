/* schedule_support: what the targets of schedules and certificates ask of a schedule that was read: the proof's
 * walk, and a replay that knows no certificate. */
#pragma once

#include "fuzz.h"

#include "schedule/certificate.h"
#include "schedule/walk.h"

/* Larger ones may take their time and memory. */
static inline int fuzz_is_small(const Schedule *schedule) {
    double executed = 0, buffers = 0;
    for (int64_t r = 0; r < schedule->world; ++r) {
        buffers += (double)schedule->ranks[r].buffers.count;
        for (int64_t s = 0; s < schedule->steps.count; ++s)
            for (int64_t i = 0; i < schedule->ranks[r].steps[s].segments.count; ++i) {
                const Segment *segment = &schedule->ranks[r].steps[s].segments.items[i];
                executed += (double)(segment->layers.end - segment->layers.begin) *
                            (double)(segment->count + 1);
            }
    }
    return executed < 0x1p15 && buffers < 0x1p12;
}

/* Whether all ranks come to their end in all steps, by the proof's walk. */
static inline int fuzz_walks(const Schedule *schedule) {
    int ends = 1;
    for (int64_t s = 0; s < schedule->steps.count && ends; ++s) {
        Arena scratch = {0};
        const WalkVisitor visitor = {0};
        WalkStuck stuck;
        ends = walk_run(schedule, s, &visitor, &scratch, &stuck);
        arena_free(&scratch);
    }
    return ends;
}

/* --- a replay by whole buffers, without any certificate ------------------------------------------------- */

enum { FUZZ_STREAMS = 4 };

typedef struct FuzzClock {
    int64_t at[FUZZ_STREAMS];
} FuzzClock;

typedef struct FuzzBuffer {
    int64_t begin, end, written; /* written: when, 0: never */
    FuzzClock writes, reads;     /* last ones of each stream */
} FuzzBuffer;

static inline int fuzz_before(const FuzzClock *uses, const FuzzClock *known) {
    int before = 1;
    for (int s = 0; s < FUZZ_STREAMS; ++s)
        before = before && uses->at[s] <= known->at[s];
    return before;
}

/* One argument that is read, or else written, at a moment: nothing that overlaps is in the way. */
static inline int fuzz_use(const RankSchedule *rank, int64_t step, FuzzBuffer *buffers, int64_t b,
                           int reads, int64_t moment, const FuzzClock *known) {
    const Buffer *of = &rank->buffers.items[b];
    int good = 1, lasts = of->class == BUFFER_WEIGHT || of->class == BUFFER_STATE;
    if (reads && !lasts)
        good = buffers[b].written > 0 && buffers[b].written < moment;
    for (int64_t o = 0; o < rank->buffers.count; ++o) {
        if ((rank->buffers.items[o].step >= 0 && rank->buffers.items[o].step != step) ||
            buffers[o].begin >= buffers[b].end || buffers[b].begin >= buffers[o].end)
            continue;
        good = good && fuzz_before(&buffers[o].writes, known) &&
               (reads || fuzz_before(&buffers[o].reads, known)) &&
               (!reads || o == b || buffers[o].written <= buffers[b].written);
    }
    return good;
}

static inline void fuzz_note(FuzzBuffer *buffer, const Op *op, int reads, int64_t moment,
                             const FuzzClock *known) {
    FuzzClock *uses = reads ? &buffer->reads : &buffer->writes;
    uses->at[op->stream] = known->at[op->stream];
    buffer->written = reads ? buffer->written : moment;
}

/* All arguments that are read, then all that are written. */
static inline int fuzz_use_all(const RankSchedule *rank, int64_t step, FuzzBuffer *buffers,
                               const Op *op, int64_t moment, const FuzzClock *known) {
    const OpArg *args = op_info[op->kind].args;
    int good = 1;
    for (int pass = 0; pass < 2; ++pass)
        for (int a = 0; a < OP_ARGS && args[a].type != ARG_NONE; ++a) {
            int64_t b = op->args[a].value;
            if (args[a].type == ARG_INT || b < 0 || args[a].type == (pass ? ARG_READ : ARG_WRITE))
                continue;
            good = good && fuzz_use(rank, step, buffers, b, !pass, moment, known);
            fuzz_note(&buffers[b], op, !pass, moment, known);
        }
    return good;
}

static inline int fuzz_replays(const Schedule *schedule, const Role *role, int64_t step,
                               Arena *scratch) {
    const RankSchedule *rank = &schedule->ranks[role->ranks.items[0]];
    FuzzBuffer *buffers = ARENA_ARRAY(scratch, rank->buffers.count + 1, FuzzBuffer);
    FuzzClock *executed = ARENA_ARRAY(scratch, rank->ops.count + 1, FuzzClock);
    FuzzClock streams[FUZZ_STREAMS] = {0};
    for (int64_t b = 0; b < rank->buffers.count; ++b)
        for (int64_t r = 0; r < role->ranks.count; ++r) {
            const Buffer *of = &schedule->ranks[role->ranks.items[r]].buffers.items[b];
            int64_t bytes = of->per_layer ? of->layer_stride * of->layers : of->bytes;
            buffers[b].begin = of->offset;
            buffers[b].end =
                of->offset + bytes > buffers[b].end ? of->offset + bytes : buffers[b].end;
        }
    WalkCursor cursor = walk_begin(rank, step);
    WalkItem item;
    int good = 1;
    for (int64_t moment = 1; good && walk_next(&cursor, &item); ++moment) {
        const Op *op = &rank->ops.items[item.op];
        FuzzClock known = streams[op->stream];
        for (int w = 0; w < OP_WAITS && op->waits[w] >= 0; ++w)
            for (int s = 0; s < FUZZ_STREAMS; ++s)
                if (executed[op->waits[w]].at[s] > known.at[s])
                    known.at[s] = executed[op->waits[w]].at[s];
        ++known.at[op->stream];
        good = fuzz_use_all(rank, step, buffers, op, moment, &known);
        executed[item.op] = streams[op->stream] = known;
    }
    return good;
}

/* Whether, in all roles and steps, what is read was written, nothing was written over it, and no stream is still at it. */
static inline int fuzz_lives(const Schedule *schedule) {
    int good = 1;
    for (int64_t s = 0; s < schedule->steps.count; ++s)
        for (int64_t r = 0; r < schedule->roles.count && good; ++r) {
            Arena scratch = {0};
            good = fuzz_replays(schedule, &schedule->roles.items[r], s, &scratch);
            arena_free(&scratch);
        }
    return good;
}
