/* check_lifetimes: replays what each operation reads and writes, rank by rank, over the slab.
 * Nothing that is still to be read is overwritten, everything read was written in the step, what
 * is written is read, and streams order every pair of conflicting accesses. Independent of how
 * memory.c chose offsets: it only looks at where buffers lie. Order is by one clock a stream, as
 * vectors: an operation knows of those that it waits for and of what they knew. */
#include "schedule/check_rules.h"

#include <string.h>

enum { STREAMS = 4 };

typedef struct Clock {
    int64_t at[STREAMS]; /* operations of each stream that are known to be complete */
} Clock;

/* An access: the position of its operation on its stream, 0: none; and what the operation was. */
typedef struct Access {
    int64_t position;
    WalkItem item;
} Access;

/* What happened to a buffer in this step. */
typedef struct Life {
    int64_t begin, end;     /* bytes in the slab */
    int64_t written, read;  /* serial number of the last write and read; 0: never */
    Access writes[STREAMS]; /* the last one on each stream */
    Access reads[STREAMS];  /* the last one on each stream */
    WalkItem writer;        /* of the last write */
    WalkItem maker;         /* of the last write that did not read: it made the value */
    IntList overlapping;    /* other buffers that share bytes and live in this step */
} Life;

typedef struct Replay {
    Check *check;
    const RankSchedule *rank;
    int64_t step;
    Life *lives;     /* [buffers] */
    Clock *executed; /* [ops] clock at the end of the last execution */
    Clock streams[STREAMS];
    int64_t serial;
} Replay;

static bool lives_in(const Buffer *buffer, int64_t step) {
    return buffer->class != BUFFER_WEIGHT && (buffer->step < 0 || buffer->step == step);
}

static Replay replay_begin(Check *check, const RankSchedule *rank, int64_t step) {
    int64_t count = rank->buffers.count;
    Replay replay = {.check = check,
                     .rank = rank,
                     .step = step,
                     .lives = ARENA_ARRAY(check->scratch, count, Life),
                     .executed = ARENA_ARRAY(check->scratch, rank->ops.count, Clock)};
    for (int64_t i = 0; i < count; ++i) {
        const Buffer *buffer = &rank->buffers.items[i];
        replay.lives[i].begin = buffer->offset;
        replay.lives[i].end = buffer->offset + ledger_buffer_bytes(buffer);
    }
    for (int64_t i = 0; i < count; ++i)
        for (int64_t k = 0; k < count && lives_in(&rank->buffers.items[i], step); ++k)
            if (k != i && lives_in(&rank->buffers.items[k], step) &&
                replay.lives[k].begin < replay.lives[i].end &&
                replay.lives[i].begin < replay.lives[k].end)
                *(int64_t *)LIST_PUSH(check->scratch, &replay.lives[i].overlapping) = k;
    return replay;
}

static const char *name_of(const Replay *replay, int64_t buffer) {
    return replay->rank->buffers.items[buffer].name;
}

/* The clock at which an operation begins: what its stream and its waits have completed. */
static Clock begin_clock(const Replay *replay, const Op *op) {
    Clock clock = replay->streams[op->stream];
    for (int w = 0; w < OP_WAITS && op->waits[w] >= 0; ++w)
        for (int s = 0; s < STREAMS; ++s)
            if (replay->executed[op->waits[w]].at[s] > clock.at[s])
                clock.at[s] = replay->executed[op->waits[w]].at[s];
    return clock;
}

static void race_with(Replay *replay, const Clock *clock, WalkItem item, int64_t buffer,
                      const Access *accesses, int64_t other, const char *did) {
    Check *check = replay->check;
    for (int s = 0; s < STREAMS; ++s) {
        if (accesses[s].position <= clock->at[s])
            continue;
        check_fail(check, CHECK_RACE, "the operation lacks an event to wait for",
                   "%s uses %s while op %lld %s on another stream may still %s %s, at the same "
                   "bytes",
                   check_where(check, replay->rank->rank, replay->step, item),
                   name_of(replay, buffer), (long long)accesses[s].item.op,
                   op_info[check_op(check, replay->rank->rank, accesses[s].item.op)->kind].name,
                   did, name_of(replay, other));
    }
}

static void check_races(Replay *replay, const Clock *clock, WalkItem item, int64_t buffer,
                        bool writes) {
    const Life *life = &replay->lives[buffer];
    if (life->begin == life->end)
        return; /* a rank without rows */
    check_count(replay->check, CHECK_RACE, 1);
    for (int64_t i = -1; i < life->overlapping.count; ++i) {
        int64_t other = i < 0 ? buffer : life->overlapping.items[i];
        race_with(replay, clock, item, buffer, replay->lives[other].writes, other, "write");
        if (writes)
            race_with(replay, clock, item, buffer, replay->lives[other].reads, other, "read");
    }
}

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
                   check_where(check, replay->rank->rank, replay->step, item),
                   name_of(replay, buffer), (long long)maker.op, op_info[made->kind].name,
                   (long long)maker.layer);
}

static void check_read(Replay *replay, WalkItem item, int64_t buffer) {
    Check *check = replay->check;
    Life *life = &replay->lives[buffer];
    bool state = replay->rank->buffers.items[buffer].class == BUFFER_STATE;
    check_count(check, CHECK_UNWRITTEN, 1);
    check_count(check, CHECK_CLOBBERED, 1);
    if (!state && life->written == 0)
        check_fail(check, CHECK_UNWRITTEN, NULL, "%s reads %s, which nothing has written before",
                   check_where(check, replay->rank->rank, replay->step, item),
                   name_of(replay, buffer));
    for (int64_t i = 0; i < life->overlapping.count; ++i) {
        const Life *other = &replay->lives[life->overlapping.items[i]];
        if (other->written > 0 && other->written >= life->written)
            check_fail(
                check, CHECK_CLOBBERED, "both are alive at this point: they must not share bytes",
                "%s reads %s, but op %lld has since written %s over it",
                check_where(check, replay->rank->rank, replay->step, item), name_of(replay, buffer),
                (long long)other->writer.op, name_of(replay, life->overlapping.items[i]));
    }
    life->read = replay->serial;
    if (!state && life->written > 0)
        check_stale(replay, item, buffer);
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
                   check_where(replay->check, replay->rank->rank, replay->step, life->writer),
                   name_of(replay, buffer));
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

static void note_access(Replay *replay, WalkItem item, const Op *op, int64_t position,
                        int64_t buffer, ArgType type) {
    Life *life = &replay->lives[buffer];
    Access access = {position, item};
    if (type != ARG_WRITE)
        life->reads[op->stream] = access;
    if (type != ARG_READ) {
        life->writes[op->stream] = access;
        life->written = replay->serial;
        life->writer = item;
        if (type == ARG_WRITE)
            life->maker = item;
    }
    if (type == ARG_READ_WRITE) /* what it makes of the value is still to be read */
        life->read = replay->serial - 1;
}

/* Arguments of one operation that share bytes though their buffers differ, where one is written. */
static void check_aliases(Replay *replay, WalkItem item, int a) {
    const Op *op = &replay->rank->ops.items[item.op];
    const OpArg *args = op_info[op->kind].args;
    for (int b = 0; b < OP_ARGS && args[b].type != ARG_NONE; ++b) {
        int64_t x = op->args[a].value, y = op->args[b].value;
        if (args[b].type == ARG_INT || y < 0 || x == y || args[a].type == ARG_READ)
            continue;
        const IntList *list = &replay->lives[x].overlapping;
        for (int64_t i = 0; i < list->count; ++i)
            if (list->items[i] == y)
                check_fail(replay->check, CHECK_CLOBBERED, NULL,
                           "%s: arguments %s and %s share bytes, and one is written",
                           check_where(replay->check, replay->rank->rank, replay->step, item),
                           args[a].name, args[b].name);
    }
}

/* An argument that is written where another is read is an update of that value, not a new one. */
static ArgType access_type(const Op *op, int arg) {
    const OpArg *args = op_info[op->kind].args;
    for (int i = 0; args[arg].type == ARG_WRITE && i < OP_ARGS && args[i].type != ARG_NONE; ++i)
        if (args[i].type == ARG_READ && op->args[i].value == op->args[arg].value &&
            op->args[i].delta == op->args[arg].delta)
            return ARG_READ_WRITE;
    return args[arg].type;
}

static void replay_op(Replay *replay, WalkItem item) {
    const Op *op = &replay->rank->ops.items[item.op];
    const OpArg *args = op_info[op->kind].args;
    Clock clock = begin_clock(replay, op);
    ++replay->serial;
    for (int pass = 0; pass < 2; ++pass) {
        for (int a = 0; a < OP_ARGS && args[a].type != ARG_NONE; ++a) {
            int64_t buffer = op->args[a].value;
            if (args[a].type == ARG_INT || buffer < 0 ||
                replay->rank->buffers.items[buffer].class == BUFFER_WEIGHT)
                continue;
            ArgType type = access_type(op, a);
            if (pass == 0) {
                check_races(replay, &clock, item, buffer, type != ARG_READ);
                check_aliases(replay, item, a);
                if (type != ARG_WRITE)
                    check_read(replay, item, buffer);
                else if (replay->lives[buffer].written < replay->serial &&
                         !joins_received(replay, op, buffer))
                    check_unread(replay, buffer);
            } else {
                note_access(replay, item, op, clock.at[op->stream] + 1, buffer, type);
            }
        }
    }
    ++clock.at[op->stream];
    replay->streams[op->stream] = clock;
    replay->executed[item.op] = clock;
}

void check_lifetimes(Check *check) {
    for (int64_t r = 0; r < check->schedule->world; ++r) {
        const RankSchedule *rank = &check->schedule->ranks[r];
        for (int64_t step = 0; step < check->plan->steps.count; ++step) {
            ArenaMark mark = arena_mark(check->scratch);
            Replay replay = replay_begin(check, rank, step);
            WalkCursor cursor = walk_begin(rank, step);
            WalkItem item;
            while (walk_next(&cursor, &item))
                replay_op(&replay, item);
            for (int64_t i = 0; i < rank->buffers.count; ++i)
                check_unread(&replay, i);
            arena_rewind(check->scratch, mark);
        }
    }
}
