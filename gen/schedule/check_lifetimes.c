/* check_lifetimes: replays what each operation reads and writes, rank by rank, over the slab.
 * Nothing that is still to be read is overwritten, everything read was written in the step, what
 * is written is read, streams order every pair of conflicting accesses, and events are waited for that
 * can have been recorded. Independent of how memory.c chose offsets: it only looks at where bytes lie. Order is by
 * one clock a stream, as vectors: an operation knows of those that it waits for and of what they knew. Of the accesses of
 * a stream to a cell the last read and the last write stand for all before them, since a stream is in order: who
 * knows that the last is complete knows it of the others. */
#include "schedule/check_replay.h"

#include <string.h>

static const char *name_of(const Replay *replay, int64_t buffer) {
    return replay->rank->buffers.items[buffer].name;
}

static const char *where(Replay *replay, WalkItem item) {
    return check_where(replay->check, replay->rank->rank, replay->step, item);
}

static const char *kind_of(const Replay *replay, int64_t op) {
    return op_info[replay->rank->ops.items[op].kind].name;
}

/* --- order
 * ----------------------------------------------------------------------------------------------- */

/* An event that nothing has recorded yet is none. In a body that repeats an operation may wait for one further down:
 * for the round before, which the first round has not. */
static void check_event(Replay *replay, WalkItem item, int64_t awaited) {
    const Segment *body = replay->segment;
    bool later =
        awaited > item.op && awaited < body->first + body->count && range_length(body->layers) > 1;
    check_count(replay->check, CHECK_EVENTS, 1);
    if (replay->ran[awaited] || later)
        return;
    check_fail(replay->check, CHECK_EVENTS, "an event orders only what comes after it is recorded",
               "%s waits for op %lld %s, which does not come before it in this step",
               where(replay, item), (long long)awaited, kind_of(replay, awaited));
}

/* The clock at which an operation begins: what its stream and its waits have completed. */
static Clock begin_clock(Replay *replay, WalkItem item, const Op *op) {
    Clock clock = replay->streams[op->stream];
    for (int w = 0; w < OP_WAITS && op->waits[w] >= 0; ++w) {
        check_event(replay, item, op->waits[w]);
        for (int s = 0; s < STREAMS; ++s)
            if (replay->executed[op->waits[w]].at[s] > clock.at[s])
                clock.at[s] = replay->executed[op->waits[w]].at[s];
    }
    return clock;
}

/* An access to the cell by another stream that the operation does not know to be complete, or NULL. */
static const Access *unordered(const Access *accesses, const Clock *clock) {
    for (int s = 0; s < STREAMS; ++s)
        if (accesses[s].position > clock->at[s])
            return &accesses[s];
    return NULL;
}

static void check_races(Replay *replay, const Clock *clock, WalkItem item, const Use *use,
                        const Touch *touch) {
    check_count(replay->check, CHECK_RACE, 1);
    for (int64_t c = touch->begin; c < touch->end; ++c) {
        const Cell *cell = &replay->cells[c];
        const Access *write = unordered(cell->writes, clock);
        const Access *other = write || !touch->writes ? write : unordered(cell->reads, clock);
        if (!other)
            continue;
        const char *at = where(replay, item);
        check_name(replay->check, replay->rank->rank, replay->step, other->op);
        check_fail(replay->check, CHECK_RACE, "the operation lacks an event to wait for",
                   "%s uses %s while op %lld %s on another stream may still %s %s, at the same "
                   "bytes",
                   at, name_of(replay, use->buffer), (long long)other->op,
                   kind_of(replay, other->op), write ? "write" : "read",
                   name_of(replay, other->buffer));
        return;
    }
}

/* --- values
 * ---------------------------------------------------------------------------------------------- */

/* A value made for a layer may be read in that layer only, and in its micro-batch always. What
 * is made once outside layers and then added to, as the residual stream is, belongs to all of
 * them. */
static void check_stale(Replay *replay, WalkItem item, int64_t buffer) {
    Check *check = replay->check;
    WalkItem maker = replay->lives[buffer].maker;
    const Op *op = &replay->rank->ops.items[item.op];
    const Op *made = &replay->rank->ops.items[maker.op];
    check_count(check, CHECK_STALE, 1);
    if (op->microbatch != made->microbatch || (maker.layer >= 0 && maker.layer != item.layer))
        check_fail(check, CHECK_STALE, NULL, "%s reads %s, which op %lld %s made for layer %lld",
                   where(replay, item), name_of(replay, buffer), (long long)maker.op,
                   kind_of(replay, maker.op), (long long)maker.layer);
}

/* What lies in the bytes that are read: the buffer's value, unless another was written over it or nothing was. */
static void check_bytes(Replay *replay, WalkItem item, const Use *use, const Touch *touch) {
    bool state = replay->rank->buffers.items[use->buffer].class == BUFFER_STATE;
    const Life *life = &replay->lives[use->buffer];
    for (int64_t c = touch->begin; c < touch->end; ++c) {
        const Cell *cell = &replay->cells[c];
        if (cell->holder == use->buffer || (state ? cell->holder < 0 : life->written == 0))
            continue; /* what is written nowhere is refused as a whole */
        const char *at = where(replay, item);
        if (cell->holder < 0) {
            check_fail(replay->check, CHECK_UNWRITTEN, NULL,
                       "%s reads %s, of which nothing has written the part at byte %lld", at,
                       name_of(replay, use->buffer),
                       (long long)(replay->bytes.edges.items[c] -
                                   replay->rank->buffers.items[use->buffer].offset));
            return;
        }
        check_name(replay->check, replay->rank->rank, replay->step, cell->writer);
        check_fail(replay->check, CHECK_CLOBBERED,
                   "both are alive at this point: they must not share bytes",
                   "%s reads %s, but op %lld has since written %s over it", at,
                   name_of(replay, use->buffer), (long long)cell->writer,
                   name_of(replay, cell->holder));
        return;
    }
}

static void check_read(Replay *replay, WalkItem item, const Use *use) {
    Check *check = replay->check;
    Life *life = &replay->lives[use->buffer];
    bool state = replay->rank->buffers.items[use->buffer].class == BUFFER_STATE;
    check_count(check, CHECK_UNWRITTEN, 1);
    check_count(check, CHECK_CLOBBERED, 1);
    if (!state && life->written == 0)
        check_fail(check, CHECK_UNWRITTEN, NULL, "%s reads %s, which nothing has written before",
                   where(replay, item), name_of(replay, use->buffer));
    for (int64_t i = use->first; i < use->first + use->count; ++i)
        if (replay->bytes.touches.items[i].reads)
            check_bytes(replay, item, use, &replay->bytes.touches.items[i]);
    life->read = replay->serial;
    if (!state && life->written > 0)
        check_stale(replay, item, use->buffer);
}

/* Is a value that nobody reads as it should be? Scratch, state, and counts of an exchange within
 * one rank, which only a move would read. */
static bool may_be_unread(const Replay *replay, int64_t buffer) {
    const Buffer *of = &replay->rank->buffers.items[buffer];
    const Op *op = &replay->rank->ops.items[replay->lives[buffer].writer.op];
    if (of->class == BUFFER_WORKSPACE || of->class == BUFFER_STATE)
        return true;
    if (op->kind != OP_pack && op->kind != OP_expert_ffn)
        return false;
    int64_t counts =
        op->args[op_arg((OpKind)op->kind, op->kind == OP_pack ? "returns" : "out_counts")].value;
    return counts == buffer &&
           replay->check->schedule->exchanges.items[check_arg(op, "exchange")].local;
}

static void check_unread(Replay *replay, int64_t buffer) {
    const Life *life = &replay->lives[buffer];
    check_count(replay->check, CHECK_UNREAD, 1);
    if (life->written > life->read && !may_be_unread(replay, buffer))
        check_fail(replay->check, CHECK_UNREAD, "an operation that uses it is missing",
                   "%s writes %s, which nothing reads before it is written again or the step ends",
                   where(replay, life->writer), name_of(replay, buffer));
}

/* Does the operation receive other bytes of a buffer that was last received into? Then both are one value. */
static bool joins_received(const Replay *replay, const Op *op, int64_t buffer) {
    if (op->kind != OP_recv || replay->lives[buffer].written == 0)
        return false;
    const Op *last = &replay->rank->ops.items[replay->lives[buffer].writer.op];
    if (last->kind != OP_recv || last == op || last->microbatch != op->microbatch)
        return false;
    int arg = op_arg(OP_recv, "buffer");
    int64_t begin = op->args[arg].delta, before = last->args[arg].delta;
    return begin >= before + check_arg(last, "bytes") || before >= begin + check_arg(op, "bytes");
}

/* Does the operation make the results of other slots than the one that wrote last? Then both are one value. */
static bool joins_results(const Replay *replay, const Op *op, int64_t buffer) {
    if (op->kind != OP_expert_ffn || replay->lives[buffer].written == 0)
        return false;
    const Op *last = &replay->rank->ops.items[replay->lives[buffer].writer.op];
    int64_t begin = check_arg(op, "first"), end = begin + check_arg(op, "slots");
    return last->kind == OP_expert_ffn && last->microbatch == op->microbatch &&
           (begin >= check_arg(last, "first") + check_arg(last, "slots") ||
            end <= check_arg(last, "first"));
}

/* --- operations
 * ------------------------------------------------------------------------------------------- */

static void note_use(Replay *replay, WalkItem item, const Op *op, int64_t position,
                     const Use *use) {
    Life *life = &replay->lives[use->buffer];
    Access access = {position, (int32_t)item.op, (int32_t)use->buffer};
    for (int64_t i = use->first; i < use->first + use->count; ++i) {
        const Touch *touch = &replay->bytes.touches.items[i];
        for (int64_t c = touch->begin; c < touch->end; ++c) {
            Cell *cell = &replay->cells[c];
            if (touch->reads)
                cell->reads[op->stream] = access;
            if (!touch->writes)
                continue;
            cell->writes[op->stream] = access;
            cell->holder = use->buffer;
            cell->writer = item.op;
        }
    }
    if (use->type != ARG_READ) {
        life->written = replay->serial;
        life->writer = item;
        if (use->type == ARG_WRITE) {
            life->made = replay->serial;
            life->maker = item;
        }
    }
    if (use->type == ARG_READ_WRITE) /* what it makes of the value is still to be read */
        life->read = replay->serial - 1;
}

static void look_at_use(Replay *replay, const Clock *clock, WalkItem item, const Op *op,
                        const Use *use) {
    for (int64_t i = use->first; i < use->first + use->count; ++i)
        check_races(replay, clock, item, use, &replay->bytes.touches.items[i]);
    if (use->type != ARG_WRITE)
        check_read(replay, item, use);
    else if (replay->lives[use->buffer].written < replay->serial &&
             !joins_received(replay, op, use->buffer) && !joins_results(replay, op, use->buffer))
        check_unread(replay, use->buffer);
}

static void replay_op(Replay *replay, WalkItem item) {
    const Op *op = &replay->rank->ops.items[item.op];
    const Use *uses = replay->bytes.uses.items + replay->bytes.first_use[item.op];
    int64_t count = replay->bytes.use_count[item.op];
    Clock clock = begin_clock(replay, item, op);
    ++replay->serial;
    for (int64_t i = 0; i < count; ++i)
        look_at_use(replay, &clock, item, op, &uses[i]);
    for (int64_t i = 0; i < count; ++i)
        note_use(replay, item, op, clock.at[op->stream] + 1, &uses[i]);
    ++clock.at[op->stream];
    replay->streams[op->stream] = clock;
    replay->executed[item.op] = clock;
    replay->ran[item.op] = true;
}

static void replay_segment(Replay *replay, const Segment *segment) {
    replay_enter(replay, segment);
    for (int64_t layer = segment->layers.begin; layer < segment->layers.end; ++layer) {
        for (int64_t id = segment->first; id < segment->first + segment->count; ++id)
            replay_op(replay, (WalkItem){id, op_layer(&replay->rank->ops.items[id], layer)});
        int64_t left = segment->layers.end - 1 - layer;
        if (left > 0 && !replay->check->flat && replay_recurs(replay)) {
            replay_skip(replay, left);
            return;
        }
    }
}

void check_lifetimes(Check *check) {
    for (int64_t r = 0; r < check->schedule->world; ++r) {
        const RankSchedule *rank = &check->schedule->ranks[r];
        for (int64_t step = 0; step < check->plan->steps.count; ++step) {
            ArenaMark mark = arena_mark(check->scratch);
            Replay replay = replay_begin(check, rank, step);
            for (int64_t g = 0; g < rank->steps[step].segments.count; ++g)
                replay_segment(&replay, &rank->steps[step].segments.items[g]);
            for (int64_t i = 0; i < rank->buffers.count; ++i)
                check_unread(&replay, i);
            arena_rewind(check->scratch, mark);
        }
    }
}
