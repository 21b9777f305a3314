/* events: what an operation must wait for on other streams. Two operations conflict when their byte
 * ranges overlap and one writes; a wait is added unless an earlier one implies it (vector clocks over
 * the streams). An event means the most recent record of an operation, so that a body needs to be
 * looked at twice only: once after what came before it, once after itself. */
#include "schedule/lower.h"

#include <assert.h>
#include <string.h>

enum { STREAMS = 4 };

typedef struct Access {
    int64_t begin, end; /* bytes in the slab */
    bool writes;
} Access;

/* An executed operation of the twice-unrolled step. */
typedef struct Executed {
    int64_t op;
    int64_t clock[STREAMS]; /* positions known complete when it starts, per stream */
} Executed;

typedef struct Events {
    RankSchedule *rank;
    Access *access; /* [ops][OP_ARGS] */
    Executed *executed;
    int64_t count;
    int64_t known[STREAMS][STREAMS]; /* stream s knows position known[s][t] of stream t complete */
} Events;

/* Bytes of a buffer in the rank of the role that needs most: its range must stand for all. */
static int64_t widest(const Schedule *schedule, const Role *role, int64_t buffer) {
    int64_t bytes = 0;
    for (int64_t r = 0; r < role->ranks.count; ++r) {
        const Buffer *each = &schedule->ranks[role->ranks.items[r]].buffers.items[buffer];
        bytes = each->bytes > bytes ? each->bytes : bytes;
    }
    return bytes;
}

static void collect_accesses(Arena *arena, const Schedule *schedule, const Role *role,
                             Events *events) {
    const RankSchedule *rank = events->rank;
    int64_t *bytes_of = ARENA_ARRAY(arena, rank->buffers.count + 1, int64_t);
    for (int64_t b = 0; b < rank->buffers.count; ++b)
        bytes_of[b] = widest(schedule, role, b);
    events->access = ARENA_ARRAY(arena, rank->ops.count * OP_ARGS + 1, Access);
    for (int64_t i = 0; i < rank->ops.count; ++i) {
        const Op *op = &rank->ops.items[i];
        const OpArg *args = op_info[op->kind].args;
        for (int a = 0; a < OP_ARGS && args[a].type != ARG_NONE; ++a) {
            if (args[a].type == ARG_INT || op->args[a].value < 0)
                continue;
            const Buffer *buffer = &rank->buffers.items[op->args[a].value];
            int64_t bytes = buffer->per_layer ? buffer->layer_stride * buffer->layers
                                              : bytes_of[op->args[a].value];
            events->access[i * OP_ARGS + a] =
                (Access){buffer->offset, buffer->offset + bytes, args[a].type != ARG_READ};
        }
    }
}

static bool conflict(const Events *events, int64_t a, int64_t b) {
    const Access *x = &events->access[a * OP_ARGS], *y = &events->access[b * OP_ARGS];
    for (int i = 0; i < OP_ARGS; ++i)
        for (int j = 0; x[i].end > x[i].begin && j < OP_ARGS; ++j)
            if ((x[i].writes || y[j].writes) && x[i].begin < y[j].end && y[j].begin < x[i].end)
                return true;
    return false;
}

static void add_wait(Op *op, int64_t waited) {
    for (int i = 0; i < OP_WAITS; ++i) {
        if (op->waits[i] == waited)
            return;
        if (op->waits[i] < 0) {
            op->waits[i] = waited;
            return;
        }
    }
    assert(!"an operation waits for more events than there is room for");
}

static void execute(Events *events, int64_t index) {
    RankSchedule *rank = events->rank;
    Op *op = &rank->ops.items[index];
    int64_t *known = events->known[op->stream];
    for (int64_t i = events->count - 1; i >= 0; --i) {
        const Executed *before = &events->executed[i];
        int64_t stream = rank->ops.items[before->op].stream;
        if (stream == op->stream || i <= known[stream] || !conflict(events, index, before->op))
            continue;
        add_wait(op, before->op);
        rank->ops.items[before->op].records = true;
        for (int t = 0; t < STREAMS; ++t)
            if (before->clock[t] > known[t])
                known[t] = before->clock[t];
        known[stream] = i;
    }
    Executed *now = &events->executed[events->count];
    now->op = index;
    memcpy(now->clock, known, sizeof now->clock);
    now->clock[op->stream] = events->count++;
    known[op->stream] = now->clock[op->stream];
}

static void role_events(Arena *arena, Schedule *schedule, const Role *role) {
    RankSchedule *rank = &schedule->ranks[role->ranks.items[0]];
    Events events = {.rank = rank};
    collect_accesses(arena, schedule, role, &events);
    for (int64_t s = 0; s < schedule->plan->steps.count; ++s) {
        events.executed = ARENA_ARRAY(arena, 2 * rank->ops.count + 1, Executed);
        events.count = 0;
        memset(events.known, -1, sizeof events.known);
        for (int64_t i = 0; i < rank->steps[s].segments.count; ++i) {
            const Segment *segment = &rank->steps[s].segments.items[i];
            int times = segment->layers.end - segment->layers.begin > 1 ? 2 : 1;
            for (int t = 0; t < times; ++t)
                for (int64_t k = 0; k < segment->count; ++k)
                    execute(&events, segment->first + k);
        }
    }
    for (int64_t r = 1; r < role->ranks.count; ++r) {
        RankSchedule *other = &schedule->ranks[role->ranks.items[r]];
        for (int64_t i = 0; i < rank->ops.count; ++i) {
            memcpy(other->ops.items[i].waits, rank->ops.items[i].waits,
                   sizeof rank->ops.items[i].waits);
            other->ops.items[i].records = rank->ops.items[i].records;
        }
    }
}

void schedule_events(Arena *arena, Schedule *schedule) {
    for (int64_t i = 0; i < schedule->roles.count; ++i)
        role_events(arena, schedule, &schedule->roles.items[i]);
}
