/* mutate_ordered: whether streams and waits order all accesses of a rank to common bytes where one writes. By the
 * closure over all executed operations of a step, pair by pair: slow, simple, and nothing like the proof's clocks. */
#include "mutate.h"

#include <string.h>

typedef struct Executed {
    const Op *op;
    int64_t layer;
} Executed;

static Range bytes_of(const RankSchedule *rank, const Executed *at, int arg) {
    const Buffer *buffer = &rank->buffers.items[at->op->args[arg].value];
    int64_t layer = buffer->per_layer ? at->layer - buffer->first_layer : 0;
    int64_t begin = buffer->offset + layer * buffer->layer_stride;
    return (Range){begin, begin + buffer->bytes};
}

static bool conflict(const RankSchedule *rank, const Executed *a, const Executed *b) {
    const OpArg *x = op_info[a->op->kind].args, *y = op_info[b->op->kind].args;
    for (int i = 0; i < OP_ARGS && x[i].type != ARG_NONE; ++i)
        for (int k = 0; k < OP_ARGS && y[k].type != ARG_NONE; ++k) {
            if (x[i].type == ARG_INT || y[k].type == ARG_INT || a->op->args[i].value < 0 ||
                b->op->args[k].value < 0 || (x[i].type == ARG_READ && y[k].type == ARG_READ))
                continue;
            Range p = bytes_of(rank, a, i), q = bytes_of(rank, b, k);
            if (p.begin < q.end && q.begin < p.end)
                return true;
        }
    return false;
}

static bool rank_is_ordered(Arena *arena, const RankSchedule *rank, int64_t step) {
    LIST_OF(Executed) all = {0};
    WalkCursor cursor = walk_begin(rank, step);
    WalkItem item;
    while (walk_next(&cursor, &item))
        *(Executed *)LIST_PUSH(arena, &all) = (Executed){&rank->ops.items[item.op], item.layer};
    int64_t words = all.count / 64 + 1;
    uint64_t *before = ARENA_ARRAY(arena, all.count * words + 1, uint64_t);
    int64_t *newest = ARENA_ARRAY(arena, rank->ops.count + 1, int64_t); /* 1 + execution */
    int64_t streams[4] = {0};
    for (int64_t i = 0; i < all.count; ++i) {
        const Op *op = all.items[i].op;
        int64_t after[OP_WAITS + 1] = {streams[op->stream]};
        for (int w = 0; w < OP_WAITS && op->waits[w] >= 0; ++w)
            after[w + 1] = newest[op->waits[w]];
        for (int w = 0; w <= OP_WAITS; ++w)
            for (int64_t k = 0; after[w] > 0 && k < words; ++k)
                before[i * words + k] |= before[(after[w] - 1) * words + k];
        for (int w = 0; w <= OP_WAITS; ++w)
            if (after[w] > 0)
                before[i * words + (after[w] - 1) / 64] |= (uint64_t)1 << ((after[w] - 1) % 64);
        streams[op->stream] = newest[op - rank->ops.items] = i + 1;
        for (int64_t k = 0; k < i; ++k)
            if (!(before[i * words + k / 64] >> (k % 64) & 1) &&
                conflict(rank, &all.items[i], &all.items[k]))
                return false;
    }
    return true;
}

bool mutate_is_ordered(Arena *arena, const Schedule *schedule) {
    bool ordered = true;
    for (int64_t r = 0; ordered && r < schedule->world; ++r)
        for (int64_t s = 0; ordered && s < schedule->plan->steps.count; ++s) {
            Arena scratch = {0};
            ordered = rank_is_ordered(&scratch, &schedule->ranks[r], s);
            arena_free(&scratch);
        }
    return ordered;
}
