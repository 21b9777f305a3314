/* memory: where every buffer lies in the slab. Offsets are equal for all ranks of a role (so that a peer's
 * address is known), sized for the rank that needs most. Weights, cache and workspace lie side by side
 * and keep their offsets in all steps; activations of a step are laid over each other by lifetime, all
 * steps over the same region. */
#include "schedule/lower.h"

#include <stdlib.h>

enum { ALIGNMENT = 256 };

static int64_t align(int64_t bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* A buffer of a step: bytes, and the operations [first, last] during which it holds a value. */
typedef struct Life {
    int64_t buffer, bytes, offset, first, last;
} Life;

static void touch(Life *life, int64_t first, int64_t last) {
    if (life->first < 0 || first < life->first)
        life->first = first;
    if (last > life->last)
        life->last = last;
}

/* In a segment that repeats, a buffer whose first access is not a plain write carries a value over the
 * edge of the body: it lives through the whole segment. */
static void live_in_segment(const RankSchedule *rank, const Segment *segment, Life *lives,
                            const int64_t *life_of, bool *seen) {
    int64_t end = segment->first + segment->count;
    bool repeats = segment->layers.end - segment->layers.begin > 1;
    for (int64_t b = 0; b < rank->buffers.count; ++b)
        seen[b] = false;
    for (int64_t i = segment->first; i < end; ++i) {
        const Op *op = &rank->ops.items[i];
        const OpArg *args = op_info[op->kind].args;
        for (int a = 0; a < OP_ARGS && args[a].type != ARG_NONE; ++a) {
            int64_t buffer = op->args[a].value;
            if (args[a].type == ARG_INT || buffer < 0 || life_of[buffer] < 0)
                continue;
            Life *life = &lives[life_of[buffer]];
            touch(life, i, i);
            if (repeats && !seen[buffer] && args[a].type != ARG_WRITE)
                touch(life, segment->first, end - 1);
            seen[buffer] = true;
        }
    }
}

static int larger_first(const void *a, const void *b) {
    const Life *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x->buffer < y->buffer ? -1 : x->buffer > y->buffer;
}

/* Does the operation write a buffer that `reader` reads? */
static bool feeds(const Op *op, const Op *reader) {
    const OpArg *from = op_info[op->kind].args, *to = op_info[reader->kind].args;
    for (int i = 0; i < OP_ARGS && to[i].type != ARG_NONE; ++i)
        for (int j = 0; to[i].type == ARG_READ && reader->args[i].value >= 0 && j < OP_ARGS &&
                        from[j].type != ARG_NONE;
             ++j)
            if ((from[j].type == ARG_WRITE || from[j].type == ARG_READ_WRITE) &&
                op->args[j].value == reader->args[i].value)
                return true;
    return false;
}

/* First operation after which a move may begin: the last before it in program order that writes one of its
 * inputs. In a segment that repeats, an input written further down comes from the round before. */
static int64_t earliest_start(const RankSchedule *rank, int64_t step, const Segment *segment,
                              int64_t move) {
    const Op *op = &rank->ops.items[move];
    int64_t begin = rank->steps[step].segments.items[0].first;
    if (segment->layers.end - segment->layers.begin > 1)
        for (int64_t i = move + 1; i < segment->first + segment->count; ++i)
            if (feeds(&rank->ops.items[i], op))
                return begin;
    for (int64_t i = move - 1; i >= begin; --i)
        if (feeds(&rank->ops.items[i], op))
            return i;
    return begin;
}

/* The operation before the first one in the segment that reads what a move writes: until then the move need not have
 * ended. The move itself where nothing does. */
static int64_t latest_end(const RankSchedule *rank, const Segment *segment, int64_t move) {
    for (int64_t i = move + 1; i < segment->first + segment->count; ++i)
        if (feeds(&rank->ops.items[move], &rank->ops.items[i]))
            return i - 1;
    return move;
}

/* A move on another stream may begin as soon as its inputs are there, long before its turn in program order:
 * what it receives into must be free from then on, or else sharing the bytes would make it wait. What it sends stays
 * until something needs what it received, or else the work beside it would wait for it. */
static void live_for_overlap(const RankSchedule *rank, int64_t step, const Segment *segment,
                             Life *lives, const int64_t *life_of) {
    bool repeats = segment->layers.end - segment->layers.begin > 1;
    for (int64_t i = segment->first; i < segment->first + segment->count; ++i) {
        const Op *op = &rank->ops.items[i];
        const OpArg *args = op_info[op->kind].args;
        if (op->stream == 0)
            continue;
        int64_t start = earliest_start(rank, step, segment, i);
        int64_t end = latest_end(rank, segment, i);
        for (int a = 0; a < OP_ARGS && args[a].type != ARG_NONE; ++a) {
            if (args[a].type == ARG_INT || op->args[a].value < 0 || life_of[op->args[a].value] < 0)
                continue;
            Life *life = &lives[life_of[op->args[a].value]];
            if (args[a].type == ARG_READ)
                touch(life, i, end);
            if (args[a].type != ARG_WRITE)
                continue;
            touch(life, start, i);
            if (repeats && start < segment->first)
                touch(life, start, segment->first + segment->count - 1);
        }
    }
}

/* Lowest offset at which a life fits beside those already placed (first fit, largest first). */
static int64_t first_fit(const Life *lives, int64_t placed, const Life *life, int64_t base) {
    int64_t offset = base;
    for (bool moved = true; moved;) {
        moved = false;
        for (int64_t i = 0; i < placed; ++i) {
            const Life *other = &lives[i];
            bool together = other->first <= life->last && life->first <= other->last;
            if (together && other->bytes && offset < other->offset + other->bytes &&
                other->offset < offset + life->bytes) {
                offset = align(other->offset + other->bytes);
                moved = true;
            }
        }
    }
    return offset;
}

/* Lay out the activations of a step from `base` on; returns their end. `bytes` are the role's. */
static int64_t layout_step(Arena *arena, const RankSchedule *rank, int64_t step,
                           const int64_t *bytes, int64_t *offsets, int64_t base) {
    int64_t count = 0, end = base;
    Life *lives = ARENA_ARRAY(arena, rank->buffers.count + 1, Life);
    int64_t *life_of = ARENA_ARRAY(arena, rank->buffers.count + 1, int64_t);
    bool *seen = ARENA_ARRAY(arena, rank->buffers.count + 1, bool);
    for (int64_t b = 0; b < rank->buffers.count; ++b) {
        life_of[b] = -1;
        if (rank->buffers.items[b].step != step)
            continue;
        life_of[b] = count;
        lives[count++] = (Life){.buffer = b, .bytes = bytes[b], .first = -1, .last = -1};
    }
    for (int64_t i = 0; i < rank->steps[step].segments.count; ++i) {
        live_in_segment(rank, &rank->steps[step].segments.items[i], lives, life_of, seen);
        live_for_overlap(rank, step, &rank->steps[step].segments.items[i], lives, life_of);
    }
    qsort(lives, (size_t)count, sizeof *lives, larger_first);
    for (int64_t i = 0; i < count; ++i) {
        lives[i].offset = first_fit(lives, i, &lives[i], base);
        offsets[lives[i].buffer] = lives[i].offset;
        if (lives[i].offset + lives[i].bytes > end)
            end = lives[i].offset + lives[i].bytes;
    }
    return align(end);
}

/* Buffers of one class, one after the other; those of each layer `stride` apart. */
static int64_t layout_class(const RankSchedule *rank, BufferClass class, const int64_t *bytes,
                            int64_t *offsets, int64_t *strides, int64_t offset) {
    for (int64_t b = 0; b < rank->buffers.count; ++b) {
        const Buffer *buffer = &rank->buffers.items[b];
        if (buffer->class != (int64_t) class)
            continue;
        offsets[b] = offset;
        strides[b] = buffer->per_layer ? align(bytes[b]) : 0;
        offset += buffer->per_layer ? strides[b] * buffer->layers : align(bytes[b]);
    }
    return offset;
}

static void layout_role(Arena *arena, Schedule *schedule, Role *role) {
    RankSchedule *first = &schedule->ranks[role->ranks.items[0]];
    int64_t count = first->buffers.count;
    int64_t *bytes = ARENA_ARRAY(arena, count + 1, int64_t);
    int64_t *offsets = ARENA_ARRAY(arena, count + 1, int64_t);
    int64_t *strides = ARENA_ARRAY(arena, count + 1, int64_t);
    for (int64_t r = 0; r < role->ranks.count; ++r)
        for (int64_t b = 0; b < count; ++b) {
            int64_t needed = schedule->ranks[role->ranks.items[r]].buffers.items[b].bytes;
            bytes[b] = needed > bytes[b] ? needed : bytes[b];
        }
    int64_t end = layout_class(first, BUFFER_WEIGHT, bytes, offsets, strides, 0);
    role->state_offset = end;
    end = layout_class(first, BUFFER_STATE, bytes, offsets, strides, end);
    role->state_bytes = end - role->state_offset;
    int64_t base = layout_class(first, BUFFER_WORKSPACE, bytes, offsets, strides, end);
    end = base;
    for (int64_t s = 0; s < schedule->plan->steps.count; ++s) {
        int64_t step_end = layout_step(arena, first, s, bytes, offsets, base);
        end = step_end > end ? step_end : end;
    }
    role->slab_bytes = end;
    for (int64_t r = 0; r < role->ranks.count; ++r) {
        RankSchedule *rank = &schedule->ranks[role->ranks.items[r]];
        for (int64_t b = 0; b < count; ++b) {
            rank->buffers.items[b].offset = offsets[b];
            rank->buffers.items[b].layer_stride = strides[b];
        }
        rank->slab_bytes = role->slab_bytes;
        rank->state_offset = role->state_offset;
        rank->state_bytes = role->state_bytes;
    }
}

void schedule_layout(Arena *arena, Schedule *schedule) {
    for (int64_t i = 0; i < schedule->roles.count; ++i)
        layout_role(arena, schedule, &schedule->roles.items[i]);
}
