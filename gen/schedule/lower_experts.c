/* lower_experts: packing, dispatch, the expert FFN, combine. Buffers of both sides of an exchange are
 * named here and nowhere else; where one rank is the only source and the only target, both sides are the
 * same buffers and the moves vanish. */
#include "schedule/lower.h"

#include <math.h>

typedef struct Sides {
    const Exchange *exchange;
    int64_t source, target; /* of this rank, -1: not there */
    int64_t send_rows, send_meta, send_counts;
    int64_t recv_rows, recv_meta, recv_counts;
    int64_t out, out_counts, returned, returns;
} Sides;

/* Windows of a target: the rows of every source at their bound, and their results. */
static void target_windows(LowerRank *at, Sides *sides) {
    const Exchange *exchange = sides->exchange;
    const Model *model = at->lower->model;
    int64_t rows = 0, results = 0;
    for (int64_t s = 0; s < exchange->sources.count; ++s) {
        rows += exchange_source_rows(exchange, s);
        results += exchange_return_rows(exchange, s, sides->target, at->lower->schedule->top_k);
    }
    int64_t sources = exchange->sources.count;
    sides->recv_rows = lower_activation(at, "recv_rows", BUFFER_WINDOW, "E", rows, model->hidden);
    sides->recv_meta =
        lower_activation(at, "recv_meta", BUFFER_WINDOW, "i32", rows, at->lower->schedule->top_k);
    sides->recv_counts = lower_activation(at, "recv_counts", BUFFER_WINDOW, "i32", sources, 1);
    sides->out = lower_activation(at, "out", BUFFER_WINDOW, "E", results, model->hidden);
    sides->out_counts = lower_activation(at, "out_counts", BUFFER_WINDOW, "i32", sources, 1);
}

/* Windows of a source. Padded ones hold every target at its bound; exact ones are filled without gaps, so
 * that the sum over targets is bounded by the choices of the owned rows. */
static void source_windows(LowerRank *at, Sides *sides) {
    const Exchange *exchange = sides->exchange;
    const Model *model = at->lower->model;
    int64_t owned = exchange_source_rows(exchange, sides->source),
            targets = exchange->targets.count;
    int64_t crossings = at->lower->schedule->top_k * at->lower->schedule->parts, returned = 0;
    for (int64_t t = 0; t < targets; ++t)
        returned += exchange_return_rows(exchange, sides->source, t, at->lower->schedule->top_k);
    int64_t copies = targets;
    if (exchange->mode == MODE_EXACT) {
        copies = crossings < targets ? crossings : targets;
        returned = owned * crossings < returned ? owned * crossings : returned;
    }
    sides->returns = lower_activation(at, "returns", BUFFER_WINDOW, "i32", targets, 1);
    if (exchange->local) {
        sides->send_rows = sides->recv_rows;
        sides->send_meta = sides->recv_meta;
        sides->send_counts = sides->recv_counts;
        sides->returned = sides->out;
        return;
    }
    int64_t rows = copies * owned;
    sides->send_rows = lower_activation(at, "send_rows", BUFFER_WINDOW, "E", rows, model->hidden);
    sides->send_meta =
        lower_activation(at, "send_meta", BUFFER_WINDOW, "i32", rows, at->lower->schedule->top_k);
    sides->send_counts = lower_activation(at, "send_counts", BUFFER_WINDOW, "i32", targets, 1);
    sides->returned = lower_activation(at, "returned", BUFFER_WINDOW, "E", returned, model->hidden);
}

static Sides exchange_sides(LowerRank *at) {
    const Exchange *exchange = &at->lower->schedule->exchanges.items[lower_exchange(at)];
    Sides sides = {.exchange = exchange,
                   .source = exchange_find_source(exchange, at->place->rank),
                   .target = exchange_find_target(exchange, at->place->rank),
                   .send_rows = -1,
                   .send_meta = -1,
                   .send_counts = -1,
                   .recv_rows = -1,
                   .recv_meta = -1,
                   .recv_counts = -1,
                   .out = -1,
                   .out_counts = -1,
                   .returned = -1,
                   .returns = -1};
    if (sides.target >= 0)
        target_windows(at, &sides);
    if (sides.source >= 0)
        source_windows(at, &sides);
    return sides;
}

static int64_t back_buffer(LowerRank *at) {
    Range routed = lower_routed(at);
    return lower_activation(at, "back", BUFFER_ACTIVATION, "i32", routed.end - routed.begin,
                            at->lower->schedule->top_k * at->lower->schedule->parts);
}

Status lower_pack(LowerRank *at, int64_t normed, int64_t choice) {
    Lower *lower = at->lower;
    Range routed = lower_routed(at);
    Sides sides = exchange_sides(at);
    Op *op = lower_op(at, OP_pack, "lower_experts.c: rows by the holders of their experts");
    op_buffer(op, "in", normed, (routed.begin - lower_ffn_rows(at).begin) * lower->row_bytes);
    op_buffer(op, "choice", choice, routed.begin * 4 * lower->schedule->top_k);
    op_buffer(op, "send_rows", sides.send_rows, 0);
    op_buffer(op, "send_meta", sides.send_meta, 0);
    op_buffer(op, "send_counts", sides.send_counts, 0);
    op_buffer(op, "back", back_buffer(at), 0);
    op_buffer(op, "returns", sides.returns, 0);
    op_int(op, "rows", routed.end - routed.begin);
    op_int(op, "routes", lower->route_of[at->place->rank]);
    op_int(op, "exchange", lower_exchange(at));
    op->bytes = (double)((routed.end - routed.begin) * lower->row_bytes) *
                (1.0 + (double)lower->schedule->top_k);
    return STATUS_OK;
}

static int64_t exchange_channel(const LowerRank *at, PlanMoveKind kind) {
    for (int64_t i = 0; i < at->step->moves.count; ++i)
        if (at->step->moves.items[i].kind == kind)
            return at->lower
                ->channel_ids[at->step_index][i]
                             [at->place->copy * at->lower->plan->stages.count + at->place->stage];
    return -1;
}

static Status no_move(LowerRank *at, const char *kind) {
    return diag_error(at->lower->diag, diag_nowhere(), "E0522", "add the move to the step",
                      "step %s has no %s move, but tokens and their experts are on different ranks",
                      at->step->name, kind);
}

/* The shared feed-forward of attention ranks runs while the rows are on their way. */
static Status lower_shared(LowerRank *at) {
    bool shared = at->place->group && lower_shares(at);
    return shared ? lower_ffn(at) : STATUS_OK;
}

/* Room for rows that this rank passes on; present on all ranks where some do, so that they have one role. */
static void relay_windows(LowerRank *at, Op *op, const Exchange *exchange, bool back) {
    int64_t rows = exchange_relay_rows(exchange, at->place->rank, back, at->lower->schedule->top_k);
    if (rows < 0)
        return;
    op_room(at, op, "relay_rows", back ? "combine_relay_rows" : "dispatch_relay_rows",
            rows * at->lower->row_bytes);
    if (!back)
        op_room(at, op, "relay_meta", "dispatch_relay_meta", rows * 4 * at->lower->schedule->top_k);
}

Status lower_dispatch(LowerRank *at) {
    if (at->dense)
        return STATUS_OK;
    Sides sides = exchange_sides(at);
    if (sides.exchange->local)
        return lower_shared(at);
    const PlanMove *move = lower_find_move(at->step, MOVE_DISPATCH, -1);
    if (!move)
        return no_move(at, "dispatch");
    Op *op = lower_op(at, OP_dispatch, "lower_experts.c: rows to the holders of their experts");
    op->channel = exchange_channel(at, MOVE_DISPATCH);
    op->exchange = lower_exchange(at);
    op->stream = move->stream;
    op_buffer(op, "send_rows", sides.send_rows, 0);
    op_buffer(op, "send_meta", sides.send_meta, 0);
    op_buffer(op, "send_counts", sides.send_counts, 0);
    op_buffer(op, "recv_rows", sides.recv_rows, 0);
    op_buffer(op, "recv_meta", sides.recv_meta, 0);
    op_buffer(op, "recv_counts", sides.recv_counts, 0);
    relay_windows(at, op, sides.exchange, false);
    return lower_shared(at);
}

/* Experts held here, those with replicas counted in part: each replica serves its share of the sources. Of the
 * first layer that has experts here, which stands for all. */
static double served_experts(const LowerRank *at) {
    const int64_t *replicas = at->lower->replicas + at->place->stage * at->lower->schedule->experts;
    double served = 0;
    for (int64_t i = 0; i < at->place->slots.count; ++i) {
        const PlaceSlot *slot = &at->place->slots.items[i];
        if (slot->layer != at->place->slots.items[0].layer)
            break;
        if (slot->slot < at->place->routed_count)
            served += 1.0 / (double)replicas[slot->expert];
    }
    return served;
}

/* Work under uniform routing: each of the micro-batch's rows picks top_k of the experts at random. The bound
 * (all rows to one rank) would price a cluster by its worst moment. */
static void routed_work(const LowerRank *at, const Sides *sides, Op *op) {
    const Model *model = at->lower->model;
    double rows = 0, matrices = model->gated ? 3 : 2;
    for (int64_t s = 0; s < sides->exchange->sources.count; ++s)
        rows += (double)exchange_source_rows(sides->exchange, s);
    double hit = (double)model->top_k / (double)model->experts;
    double slots = (double)at->place->routed_count, served = served_experts(at);
    double weights = matrices * (double)at->place->columns * (double)model->hidden;
    op->flops = 2.0 * rows * hit * served * weights;
    double touched = slots * (1.0 - pow(1.0 - hit, rows * served / slots));
    op->bytes = (double)at->lower->element *
                (touched * weights + 2.0 * rows * hit * served * (double)model->hidden);
}

/* All rows of the sources that send here. */
static void shared_work(const LowerRank *at, const Sides *sides, Op *op) {
    const Model *model = at->lower->model;
    Range columns = at->place->shared;
    double rows = 0, matrices = model->gated ? 3 : 2;
    for (int64_t s = 0; s < sides->exchange->sources.count; ++s)
        if (exchange_sends_all(at->lower->schedule, sides->exchange, s, sides->target))
            rows += (double)exchange_source_rows(sides->exchange, s);
    double weights = matrices * (double)(columns.end - columns.begin) * (double)model->hidden;
    op->flops = 2.0 * rows * weights;
    op->bytes = (double)at->lower->element *
                ((rows > 0 ? weights : 0) + 2.0 * rows * (double)model->hidden);
}

/* Slots [first, first + slots) of this rank, whose matrices are the buffers `kind`_up and so on. */
static Op *slots_op(LowerRank *at, const Sides *sides, const char *kind, int64_t first,
                    int64_t slots, int64_t columns, const char *rule) {
    const Model *model = at->lower->model;
    int64_t bound = 0;
    for (int64_t s = 0; s < sides->exchange->sources.count; ++s)
        bound += exchange_source_rows(sides->exchange, s);
    Op *op = lower_op(at, OP_expert_ffn, rule);
    op_buffer(op, "in", sides->recv_rows, 0);
    op_buffer(op, "meta", sides->recv_meta, 0);
    op_buffer(op, "counts", sides->recv_counts, 0);
    lower_ffn_weights(at, op, kind, model->gated, model->expert_bias);
    op_buffer(op, "out", sides->out, 0);
    op_buffer(op, "out_counts", sides->out_counts, 0);
    op_int(op, "first", first);
    op_int(op, "slots", slots);
    op_int(op, "held", at->place->slot_count);
    op_int(op, "columns", columns);
    op_int(op, "bound", bound);
    op_int(op, "exchange", lower_exchange(at));
    op_workspace(at, op, "workspace");
    return op;
}

Status lower_experts(LowerRank *at) {
    const Place *place = at->place;
    if (at->dense)
        return STATUS_OK;
    Sides sides = exchange_sides(at);
    if (place->routed_count)
        routed_work(at, &sides,
                    slots_op(at, &sides, "expert", 0, place->routed_count, place->columns,
                             "lower_experts.c: the local experts"));
    if (place->serves_shared)
        shared_work(at, &sides,
                    slots_op(at, &sides, "shared", place->routed_count, 1,
                             place->shared.end - place->shared.begin,
                             "lower_experts.c: what all tokens pass, for those who send here"));
    return STATUS_OK;
}

static Op *weighted_sum(LowerRank *at, const Sides *sides, int64_t base, int64_t out,
                        int64_t delta) {
    Lower *lower = at->lower;
    Range routed = lower_routed(at);
    int64_t count = routed.end - routed.begin;
    int64_t share =
        lower_activation(at, "share", BUFFER_ACTIVATION, "f32", count, lower->schedule->top_k);
    Op *op = lower_op(at, OP_weighted_sum, "lower_experts.c: experts' results by their weights");
    op_buffer(op, "returned", sides->returned, 0);
    op_buffer(op, "back", back_buffer(at), 0);
    op_buffer(op, "share", share, 0);
    op_buffer(op, "base", base, delta);
    op_buffer(op, "out", out, delta);
    op_int(op, "rows", count);
    op->bytes = (double)(count * lower->row_bytes) * (2.0 + (double)lower->schedule->top_k);
    return op;
}

/* Each member has the results of the parts that it holds: their sum over the group joins the residual. */
static Status lower_partial_sums(LowerRank *at, const Sides *sides) {
    Lower *lower = at->lower;
    int64_t rows = lower_rows(at);
    Range used = lower_sharded(at) ? lower_owned(at) : (Range){0, rows};
    int64_t partial =
        lower_activation(at, "ffn_out", BUFFER_WINDOW, "E", rows, lower->model->hidden);
    weighted_sum(at, sides, -1, partial, 0);
    TRY(lower_collective(at, MOVE_FFN_OUTPUT, partial, rows, lower->row_bytes,
                         "lower_experts.c: experts are cut over the group"));
    Op *add = lower_op(at, OP_add, "lower_experts.c: residual");
    op_buffer(add, "in", partial, used.begin * lower->row_bytes);
    op_buffer(add, "out", lower_residual(at), used.begin * lower->row_bytes);
    op_int(add, "rows", used.end - used.begin);
    add->bytes = 3.0 * (double)((used.end - used.begin) * lower->row_bytes);
    return STATUS_OK;
}

/* The owner's side of combine: weighted sum into the residual, which a replicated residual then spreads. */
static Status lower_owned_sums(LowerRank *at, const Sides *sides) {
    Lower *lower = at->lower;
    weighted_sum(at, sides, lower_residual(at), lower_residual(at),
                 lower_routed(at).begin * lower->row_bytes);
    if (lower_sharded(at))
        return STATUS_OK;
    return lower_collective(at, MOVE_GATHER, lower_residual(at), lower_rows(at), lower->row_bytes,
                            "lower_experts.c: the residual is replicated over the group");
}

Status lower_combine(LowerRank *at) {
    if (at->dense)
        return STATUS_OK;
    Sides sides = exchange_sides(at);
    if (!sides.exchange->local) {
        const PlanMove *move = lower_find_move(at->step, MOVE_COMBINE, -1);
        if (!move)
            return no_move(at, "combine");
        Op *op = lower_op(at, OP_combine, "lower_experts.c: results back to the owners");
        op->channel = exchange_channel(at, MOVE_COMBINE);
        op->exchange = lower_exchange(at);
        op->stream = move->stream;
        op_buffer(op, "send_rows", sides.out, 0);
        op_buffer(op, "send_counts", sides.out_counts, 0);
        op_buffer(op, "recv_rows", sides.returned, 0);
        op_buffer(op, "recv_counts", sides.returns, 0);
        relay_windows(at, op, sides.exchange, true);
    }
    if (sides.source < 0)
        return STATUS_OK;
    return lower_coincides(at) && at->place->members > 1 ? lower_partial_sums(at, &sides)
                                                         : lower_owned_sums(at, &sides);
}
