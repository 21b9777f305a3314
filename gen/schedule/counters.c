/* counters: what the runtime must count while the schedule runs, computed from the schedule
 * alone: operations by kind, bytes between ranks, resident weights. Verification compares the
 * two. The rules are those of runtime/rt.h; this module knows no clock and no routing (exact
 * exchanges ask the caller). */
#include "schedule/schedule.h"
#include "schedule/walk.h"

#include <assert.h>

typedef struct Count {
    const Schedule *schedule;
    Counters *counters;
    Arena *scratch;
    int64_t first_call, calls;
    ExchangeCounts ask;
    void *context;
    int64_t move; /* PlanMoveKind of what is counted */
} Count;

static void add_bytes(Count *count, int64_t from, int64_t to, int64_t bytes) {
    int64_t world = count->schedule->world, at = from * world + to;
    count->counters->bytes[at] += bytes;
    if (count->counters->moves)
        count->counters->moves[count->move * world * world + at] += bytes;
}

/* Bytes of pieces [begin, end) of a channel: piece k of P is units [U k / P, U (k + 1) / P). */
static int64_t pieces_bytes(const Channel *channel, Range own, int64_t units, int64_t unit_bytes) {
    return (units * own.end / channel->pieces - units * own.begin / channel->pieces) * unit_bytes;
}

/* Bytes of share m of `elements`, dealt over n members. */
static int64_t share_bytes(int64_t elements, int64_t m, int64_t n, int64_t element) {
    return (elements * (m + 1) / n - elements * m / n) * element;
}

/* What this rank sends in a stage of transfers. */
static void count_transfers(Count *count, int64_t rank, const Op *op) {
    const Channel *channel = &count->schedule->channels.items[op->channel];
    for (int64_t i = 0; i < channel->transfers.count; ++i) {
        const ChannelTransfer *transfer = &channel->transfers.items[i];
        Range bytes =
            channel_bytes(channel, transfer->pieces, op->args[op_arg(OP_transfer, "units")].value,
                          op->args[op_arg(OP_transfer, "unit_bytes")].value);
        if (channel->ranks.items[transfer->from] == rank)
            add_bytes(count, rank, channel->ranks.items[transfer->to],
                      count->calls * (bytes.end - bytes.begin));
    }
}

/* What this rank sends in a collective. */
static void count_collective(Count *count, int64_t rank, const Op *op) {
    const Channel *channel = &count->schedule->channels.items[op->channel];
    if (op->kind == OP_transfer) {
        count_transfers(count, rank, op);
        return;
    }
    int64_t units = op->args[op_arg((OpKind)op->kind, "units")].value;
    int64_t unit_bytes = op->args[op_arg((OpKind)op->kind, "unit_bytes")].value;
    int64_t element = element_bytes(op->args[op_arg((OpKind)op->kind, "type")].value);
    int64_t n = channel->ranks.count, me = 0;
    while (channel->ranks.items[me] != rank)
        ++me;
    int64_t elements = pieces_bytes(channel, channel->own.items[me], units, unit_bytes) / element;
    for (int64_t i = 0; i < n; ++i) {
        int64_t bytes = 0;
        if (i == me)
            continue;
        if (op->kind == OP_reduce_scatter)
            bytes = pieces_bytes(channel, channel->own.items[i], units, unit_bytes);
        else if (op->kind == OP_all_gather)
            bytes = pieces_bytes(channel, channel->own.items[me], units, unit_bytes);
        else
            bytes = share_bytes(elements, i, n, element) + share_bytes(elements, me, n, element);
        add_bytes(count, rank, channel->ranks.items[i], count->calls * bytes);
    }
}

/* What the sender sends, counted with it. */
static void count_send(Count *count, int64_t rank, const Op *op) {
    const IntList *ends = &count->schedule->channels.items[op->channel].ranks;
    int64_t to = ends->items[0] == rank ? ends->items[1] : ends->items[0];
    add_bytes(count, rank, to, count->calls * op->args[op_arg(OP_send, "bytes")].value);
}

/* Bytes of a window of an exchange, both ways; `given`: how much of it, NULL: all. */
static int64_t window_bytes(const Count *count, const Exchange *exchange, bool back, int64_t s,
                            int64_t t, const ExchangeCount *given) {
    const PlanInputs *inputs = &count->schedule->plan->inputs;
    int64_t row_bytes = inputs->model.hidden * element_bytes(inputs->workload.dtype);
    if (back)
        return row_bytes * (given ? given->returns
                                  : exchange_return_rows(exchange, s, t, count->schedule->top_k));
    return 4 + (row_bytes + 4 * count->schedule->top_k) *
                   (given ? given->rows : exchange_source_rows(exchange, s));
}

/* The ways of an exchange that goes in stages. */
static void count_hops(Count *count, const Exchange *exchange, bool back,
                       const ExchangeCount *counts, int64_t times) {
    for (int64_t i = 0; i < exchange->hops[back].count; ++i) {
        const ExchangeHop *hop = &exchange->hops[back].items[i];
        const ExchangeCount *given =
            counts ? &counts[hop->source * exchange->targets.count + hop->target] : NULL;
        add_bytes(count, hop->from, hop->to,
                  times * window_bytes(count, exchange, back, hop->source, hop->target, given));
    }
}

/* All pairs of an exchange; `times` runs with these counts (NULL: the bounds). */
static void count_pairs(Count *count, const Op *op, const ExchangeCount *counts, int64_t times) {
    const Exchange *exchange = &count->schedule->exchanges.items[op->exchange];
    bool back = op->kind == OP_combine;
    if (exchange->hops[back].count > 0) {
        count_hops(count, exchange, back, counts, times);
        return;
    }
    for (int64_t s = 0; s < exchange->sources.count; ++s) {
        for (int64_t t = 0; t < exchange->targets.count; ++t) {
            int64_t source = exchange->sources.items[s].rank;
            int64_t target = exchange->targets.items[t].rank;
            const ExchangeCount *given = counts ? &counts[s * exchange->targets.count + t] : NULL;
            if (source != target)
                add_bytes(count, back ? target : source, back ? source : target,
                          times * window_bytes(count, exchange, back, s, t, given));
        }
    }
}

static void count_exchange(Count *count, const Op *op, int64_t layer) {
    const Exchange *exchange = &count->schedule->exchanges.items[op->exchange];
    if (exchange->mode == MODE_PADDED) {
        count_pairs(count, op, NULL, count->calls);
        return;
    }
    assert(count->ask);
    ArenaMark mark = arena_mark(count->scratch);
    ExchangeCount *counts = ARENA_ARRAY(
        count->scratch, exchange->sources.count * exchange->targets.count, ExchangeCount);
    for (int64_t call = count->first_call; call < count->first_call + count->calls; ++call) {
        count->ask(count->context, op->exchange, call, layer, counts);
        count_pairs(count, op, counts, 1);
    }
    arena_rewind(count->scratch, mark);
}

/* The pairs of an exchange are counted once, where its first source dispatches and its first target
 * combines: so exact counts are asked for once. */
static bool stands_for_exchange(const Schedule *schedule, int64_t rank, const Op *op) {
    const Exchange *exchange = &schedule->exchanges.items[op->exchange];
    return op->kind == OP_dispatch ? exchange->sources.items[0].rank == rank
                                   : exchange->targets.items[0].rank == rank;
}

void counters_add_step(const Schedule *schedule, int64_t step, int64_t first_call, int64_t calls,
                       ExchangeCounts counts, void *context, Counters *counters) {
    Arena scratch = {0};
    Count count = {schedule, counters, &scratch, first_call, calls, counts, context, 0};
    for (int64_t rank = 0; rank < schedule->world; ++rank) {
        WalkCursor cursor = walk_begin(&schedule->ranks[rank], step);
        WalkItem item;
        while (walk_next(&cursor, &item)) {
            const Op *op = &schedule->ranks[rank].ops.items[item.op];
            counters->operations[rank * OP_KINDS + op->kind] += calls;
            if (walk_is_move(op))
                count.move = schedule->channels.items[op->channel].move;
            if (op_info[op->kind].class == OPCLASS_COLLECTIVE)
                count_collective(&count, rank, op);
            else if (op_info[op->kind].class == OPCLASS_EXCHANGE &&
                     stands_for_exchange(schedule, rank, op))
                count_exchange(&count, op, item.layer);
            else if (op->kind == OP_send)
                count_send(&count, rank, op);
        }
    }
    arena_free(&scratch);
}

Counters counters_begin(Arena *arena, const Schedule *schedule) {
    Counters counters = {
        .operations = ARENA_ARRAY(arena, schedule->world * OP_KINDS, int64_t),
        .bytes = ARENA_ARRAY(arena, schedule->world * schedule->world, int64_t),
        .weights = ARENA_ARRAY(arena, schedule->world, int64_t),
    };
    for (int64_t rank = 0; rank < schedule->world; ++rank) {
        const RankSchedule *of = &schedule->ranks[rank];
        for (int64_t i = 0; i < of->holdings.count; ++i) {
            const Holding *holding = &of->holdings.items[i];
            counters.weights[rank] += (holding->rows.end - holding->rows.begin) *
                                      (holding->columns.end - holding->columns.begin) *
                                      (holding->layers.end - holding->layers.begin) *
                                      element_bytes(holding->type);
        }
    }
    return counters;
}
