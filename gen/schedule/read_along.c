/* read_along: see read_along.h. Lists of members lie in the caller's arena. */
#include "schedule/read_along.h"

const Op *along_next(const RankSchedule *rank, int64_t step, Along *at) {
    const RankStep *of = &rank->steps[step];
    for (; at->segment < of->segments.count; ++at->segment, at->round = 0) {
        const Segment *segment = &of->segments.items[at->segment];
        int64_t rounds = segment->layers.end - segment->layers.begin;
        for (; at->round < rounds; ++at->round, at->index = 0)
            if (at->index < segment->count) {
                at->op = segment->first + at->index++;
                const Op *op = &rank->ops.items[at->op];
                at->layer = op->per_layer ? segment->layers.begin + at->round - op->lag : -1;
                return op;
            }
    }
    return NULL;
}

int64_t along_places(const Schedule *schedule) {
    return schedule->channels.count + 2 * schedule->exchanges.count;
}

int64_t along_place(const Schedule *schedule, const Op *op) {
    if (op_info[op->kind].class == OPCLASS_EXCHANGE)
        return schedule->channels.count + 2 * op->exchange + (op->kind == OP_combine);
    return op->channel;
}

const char *along_name(const Schedule *schedule, int64_t place) {
    int64_t channels = schedule->channels.count;
    return place < channels ? schedule->channels.items[place].name
                            : schedule->exchanges.items[(place - channels) / 2].name;
}

static IntList ends_of(Arena *arena, const Exchange *exchange) {
    IntList ranks = {0};
    int64_t s = 0, t = 0;
    while (s < exchange->sources.count || t < exchange->targets.count) {
        int64_t a = s < exchange->sources.count ? exchange->sources.items[s].rank : INT64_MAX;
        int64_t b = t < exchange->targets.count ? exchange->targets.items[t].rank : INT64_MAX;
        *(int64_t *)LIST_PUSH(arena, &ranks) = a < b ? a : b;
        s += a <= b;
        t += b <= a;
    }
    return ranks;
}

IntList *along_members(Arena *arena, const Schedule *schedule) {
    IntList *members = ARENA_ARRAY(arena, along_places(schedule) + 1, IntList), *next = members;
    for (int64_t c = 0; c < schedule->channels.count; ++c)
        *next++ = schedule->channels.items[c].ranks;
    for (int64_t e = 0; e < schedule->exchanges.count; ++e, next += 2)
        next[0] = next[1] = ends_of(arena, &schedule->exchanges.items[e]);
    return members;
}

static int64_t number(const Op *op, const char *name) {
    return op->args[op_arg((OpKind)op->kind, name)].value;
}

int64_t along_bytes(const Schedule *schedule, const Op *op) {
    if (op_info[op->kind].class == OPCLASS_PAIR)
        return number(op, "bytes");
    if (op_info[op->kind].class == OPCLASS_COLLECTIVE)
        return number(op, "units") * number(op, "unit_bytes");
    const Exchange *exchange = &schedule->exchanges.items[op->exchange];
    int64_t rows = 0, back = 0, top_k = schedule->top_k;
    for (int64_t s = 0; s < exchange->sources.count; ++s)
        rows += exchange->sources.items[s].rows.end - exchange->sources.items[s].rows.begin;
    for (int64_t t = 0; t < exchange->targets.count; ++t)
        back += exchange->targets.items[t].slots < top_k ? exchange->targets.items[t].slots : top_k;
    return rows * (op->kind == OP_combine ? back : exchange->targets.count) * schedule->row_bytes;
}

int64_t along_reach(const Op *op, int argument) {
    if (op_info[op->kind].class == OPCLASS_PAIR)
        return number(op, "bytes");
    if (op_info[op->kind].class != OPCLASS_COLLECTIVE)
        return 0;
    if (argument == op_arg((OpKind)op->kind, "buffer"))
        return number(op, "units") * number(op, "unit_bytes");
    return number(op, "arrivals");
}

int64_t along_unit(const Op *op) {
    return op_info[op->kind].class == OPCLASS_COLLECTIVE ? number(op, "unit_bytes") : 0;
}

Range along_bytes_of(const Schedule *schedule, const Role *role, int64_t buffer) {
    Range all = {INT64_MAX, 0};
    for (int64_t r = 0; r < role->ranks.count; ++r) {
        const Buffer *each = &schedule->ranks[role->ranks.items[r]].buffers.items[buffer];
        int64_t bytes = each->per_layer ? each->layer_stride * each->layers : each->bytes;
        all.begin = each->offset < all.begin ? each->offset : all.begin;
        all.end = each->offset + bytes > all.end ? each->offset + bytes : all.end;
    }
    return all;
}

bool along_share(Range a, Range b) {
    int64_t begin = a.begin > b.begin ? a.begin : b.begin, end = a.end < b.end ? a.end : b.end;
    return begin < end;
}
