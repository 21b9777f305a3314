/* check_cells: see check_cells.h. Touches are listed in bytes first; once all are known, bytes become cells. */
#include "schedule/check_cells.h"

#include <stdlib.h>
#include <string.h>

/* An argument that is written where another is read is an update of that value, not a new one. */
static ArgType access_type(const Op *op, int arg) {
    const OpArg *args = op_info[op->kind].args;
    for (int i = 0; args[arg].type == ARG_WRITE && i < OP_ARGS && args[i].type != ARG_NONE; ++i)
        if (args[i].type == ARG_READ && op->args[i].value == op->args[arg].value &&
            op->args[i].delta == op->args[arg].delta)
            return ARG_READ_WRITE;
    return args[arg].type;
}

static void add_touch(Check *check, Cells *cells, int64_t begin, int64_t end, bool reads,
                      bool writes) {
    if (begin < end)
        *(Touch *)LIST_PUSH(check->scratch, &cells->touches) = (Touch){begin, end, reads, writes};
}

/* --- what moves touch of their payload, from byte `base` on
 * -------------------------------------------------------------------------- */

static int64_t member_of(const Channel *channel, int64_t rank) {
    int64_t member = 0;
    while (channel->ranks.items[member] != rank)
        ++member;
    return member;
}

static void touch_pieces(Check *check, Cells *cells, const Channel *channel, const Op *op,
                         int64_t base, Range pieces, bool reads, bool writes) {
    Range bytes =
        channel_bytes(channel, pieces, check_arg(op, "units"), check_arg(op, "unit_bytes"));
    add_touch(check, cells, base + bytes.begin, base + bytes.end, reads, writes);
}

/* A member's own pieces go to all, all others come. */
static void touch_gather(Check *check, Cells *cells, const Channel *channel, const Op *op,
                         int64_t base, int64_t me) {
    for (int64_t i = 0; i < channel->own.count; ++i)
        touch_pieces(check, cells, channel, op, base, channel->own.items[i], i == me, i != me);
}

static void touch_transfers(Check *check, Cells *cells, const Channel *channel, const Op *op,
                            int64_t base, int64_t me) {
    for (int64_t i = 0; i < channel->transfers.count; ++i) {
        const ChannelTransfer *transfer = &channel->transfers.items[i];
        if (transfer->from == me)
            touch_pieces(check, cells, channel, op, base, transfer->pieces, true, false);
        if (transfer->to == me)
            touch_pieces(check, cells, channel, op, base, transfer->pieces, transfer->sum, true);
    }
}

/* True if the move touches other bytes than all of its payload. */
static bool touch_move(Check *check, Cells *cells, int64_t rank, const Op *op, int64_t base) {
    if (op->kind != OP_all_gather && op->kind != OP_transfer)
        return false;
    const Channel *channel = &check->schedule->channels.items[op->channel];
    (op->kind == OP_transfer ? touch_transfers : touch_gather)(check, cells, channel, op, base,
                                                               member_of(channel, rank));
    return true;
}

/* --- operations
 * ------------------------------------------------------------------------------------------ */

static void touch_argument(Check *check, Cells *cells, const RankSchedule *rank, int64_t step,
                           const Op *op, int a) {
    const Buffer *buffer = &rank->buffers.items[op->args[a].value];
    ArgType type = op_info[op->kind].args[a].type;
    int64_t begin = buffer->offset + op->args[a].delta, bytes;
    if (type == ARG_READ_WRITE && touch_move(check, cells, rank->rank, op, begin))
        return;
    bytes = check_argument_bytes(check, rank->rank, step, op, a);
    if (bytes < 0)
        bytes = buffer->bytes - op->args[a].delta;
    int64_t end = begin + bytes;
    if (buffer->per_layer) { /* of all layers */
        begin = buffer->offset;
        end = buffer->offset + ledger_buffer_bytes(buffer);
    }
    add_touch(check, cells, begin, end, type != ARG_WRITE, type != ARG_READ);
}

static bool overlap(const Touch *x, const Touch *y) {
    return x->begin < y->end && y->begin < x->end && (x->writes || y->writes);
}

/* Two arguments of one operation may share bytes only where both are the same bytes of the same buffer. */
static void check_aliases(Check *check, const Cells *cells, int64_t rank, int64_t step, int64_t id,
                          const Use *a, const Use *b) {
    const Op *op = check_op(check, rank, id);
    if (a->buffer == b->buffer && op->args[a->arg].delta == op->args[b->arg].delta)
        return;
    for (int64_t i = a->first; i < a->first + a->count; ++i)
        for (int64_t k = b->first; k < b->first + b->count; ++k) {
            if (!overlap(&cells->touches.items[i], &cells->touches.items[k]))
                continue;
            check_fail(check, CHECK_CLOBBERED, NULL,
                       "%s: arguments %s and %s share bytes, and one is written",
                       check_where(check, rank, step, (WalkItem){id, -1}),
                       op_info[op->kind].args[a->arg].name, op_info[op->kind].args[b->arg].name);
            return;
        }
}

static void use_op(Check *check, Cells *cells, const RankSchedule *rank, int64_t step, int64_t id) {
    const Op *op = &rank->ops.items[id];
    const OpArg *args = op_info[op->kind].args;
    cells->first_use[id] = cells->uses.count;
    for (int a = 0; a < OP_ARGS && args[a].type != ARG_NONE; ++a) {
        int64_t buffer = op->args[a].value;
        if (args[a].type == ARG_INT || buffer < 0 ||
            rank->buffers.items[buffer].class == BUFFER_WEIGHT)
            continue;
        Use use = {a, buffer, access_type(op, a), cells->touches.count, 0};
        touch_argument(check, cells, rank, step, op, a);
        use.count = cells->touches.count - use.first;
        for (int64_t i = cells->first_use[id]; i < cells->uses.count; ++i)
            check_aliases(check, cells, rank->rank, step, id, &cells->uses.items[i], &use);
        *(Use *)LIST_PUSH(check->scratch, &cells->uses) = use;
    }
    cells->use_count[id] = cells->uses.count - cells->first_use[id];
}

/* --- from bytes to cells
 * --------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static int64_t cell_at(const Cells *cells, int64_t byte) {
    const int64_t *edge = bsearch(&byte, cells->edges.items, (size_t)cells->edges.count,
                                  sizeof *cells->edges.items, ascending);
    return edge - cells->edges.items;
}

static void cut(Check *check, Cells *cells) {
    for (int64_t i = 0; i < cells->touches.count; ++i) {
        *(int64_t *)LIST_PUSH(check->scratch, &cells->edges) = cells->touches.items[i].begin;
        *(int64_t *)LIST_PUSH(check->scratch, &cells->edges) = cells->touches.items[i].end;
    }
    if (cells->edges.count == 0)
        return;
    qsort(cells->edges.items, (size_t)cells->edges.count, sizeof *cells->edges.items, ascending);
    int64_t kept = 1;
    for (int64_t i = 1; i < cells->edges.count; ++i)
        if (cells->edges.items[i] != cells->edges.items[kept - 1])
            cells->edges.items[kept++] = cells->edges.items[i];
    cells->edges.count = kept;
    for (int64_t i = 0; i < cells->touches.count; ++i) {
        Touch *touch = &cells->touches.items[i];
        touch->begin = cell_at(cells, touch->begin);
        touch->end = cell_at(cells, touch->end);
    }
}

Cells cells_of(Check *check, const RankSchedule *rank, int64_t step) {
    Cells cells = {.first_use = ARENA_ARRAY(check->scratch, rank->ops.count, int64_t),
                   .use_count = ARENA_ARRAY(check->scratch, rank->ops.count, int64_t)};
    for (int64_t g = 0; g < rank->steps[step].segments.count; ++g) {
        const Segment *segment = &rank->steps[step].segments.items[g];
        for (int64_t id = segment->first; id < segment->first + segment->count; ++id)
            use_op(check, &cells, rank, step, id);
    }
    cut(check, &cells);
    return cells;
}
