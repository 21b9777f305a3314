/* lower_moves: channels of all sets of ranks that move data together, and exchanges between owners and
 * expert holders. */
#include "schedule/lower.h"

#include <assert.h>
#include <string.h>

int64_t exchange_source_rows(const Exchange *exchange, int64_t source) {
    const ExchangeSource *from = &exchange->sources.items[source];
    return from->rows.end - from->rows.begin;
}

int64_t exchange_return_rows(const Exchange *exchange, int64_t source, int64_t target,
                             int64_t top_k) {
    int64_t slots = exchange->targets.items[target].slots;
    return exchange_source_rows(exchange, source) * (slots < top_k ? slots : top_k);
}

const PlanMove *lower_find_move(const PlanStep *step, PlanMoveKind kind, int64_t group) {
    for (int64_t i = 0; i < step->moves.count; ++i)
        if (step->moves.items[i].kind == (int64_t)kind && step->moves.items[i].group == group)
            return &step->moves.items[i];
    return NULL;
}

/* --- channels ----------------------------------------------------------------------------------------- */

static bool same_transfers(const Channel *a, const Channel *b) {
    if (a->transfers.count != b->transfers.count)
        return false;
    for (int64_t i = 0; i < a->transfers.count; ++i) {
        const ChannelTransfer *x = &a->transfers.items[i], *y = &b->transfers.items[i];
        if (x->from != y->from || x->to != y->to || x->pieces.begin != y->pieces.begin ||
            x->pieces.end != y->pieces.end || x->sum != y->sum)
            return false;
    }
    return true;
}

static bool same_channel(const Channel *a, const Channel *b) {
    return a->move == b->move && a->stream == b->stream && a->pieces == b->pieces &&
           a->ranks.count == b->ranks.count && a->own.count == b->own.count &&
           memcmp(a->ranks.items, b->ranks.items, sizeof(int64_t) * (size_t)a->ranks.count) == 0 &&
           (a->own.count == 0 ||
            memcmp(a->own.items, b->own.items, sizeof(Range) * (size_t)a->own.count) == 0) &&
           same_transfers(a, b);
}

/* A communicator is shared by all steps whose move has the same members: prefill and decode use one. */
static int64_t channel_id(Lower *lower, const Channel *wanted) {
    for (int64_t i = 0; i < lower->schedule->channels.count; ++i)
        if (same_channel(&lower->schedule->channels.items[i], wanted))
            return i;
    *(Channel *)LIST_PUSH(lower->arena, &lower->schedule->channels) = *wanted;
    return lower->schedule->channels.count - 1;
}

static int64_t member_of(const PlanSet *set, int64_t local) {
    int64_t member = 0;
    while (set->ranks.items[member] != local)
        ++member;
    return member;
}

static int64_t set_channel(Lower *lower, const PlanMove *move, int64_t stage, int64_t index,
                           int64_t copy) {
    Arena *arena = lower->arena;
    const PlanSet *set = &move->stages.items[stage].sets.items[index];
    Channel channel = {.move = move->kind, .stream = move->stream, .pieces = move->pieces};
    channel.name =
        arena_printf(arena, "%s_c%lld_g%lld_s%lld_%lld", plan_move_names[move->kind],
                     (long long)copy, (long long)move->group, (long long)stage, (long long)index);
    for (int64_t i = 0; i < set->ranks.count; ++i) {
        *(int64_t *)LIST_PUSH(arena, &channel.ranks) =
            set->ranks.items[i] + copy * lower->plan->ranks_per_copy;
        if (set->pieces.count > 0)
            *(Range *)LIST_PUSH(arena, &channel.own) = set->pieces.items[i];
    }
    for (int64_t i = 0; i < set->transfers.count; ++i) {
        const PlanTransfer *transfer = &set->transfers.items[i];
        *(ChannelTransfer *)LIST_PUSH(arena, &channel.transfers) =
            (ChannelTransfer){member_of(set, transfer->from), member_of(set, transfer->to),
                              transfer->pieces, transfer->reduce == REDUCE_SUM};
    }
    return channel_id(lower, &channel);
}

/* Sources and targets of a stage of a copy, ascending and once each. */
static int64_t exchange_channel(Lower *lower, const PlanMove *move, int64_t copy, int64_t stage) {
    Arena *arena = lower->arena;
    Channel channel = {.move = move->kind, .stream = move->stream, .is_exchange = true};
    channel.name = arena_printf(arena, "%s_c%lld", plan_move_names[move->kind], (long long)copy);
    if (lower->plan->stages.count > 1)
        channel.name = arena_printf(arena, "%s_p%lld", channel.name, (long long)stage);
    for (int64_t rank = 0; rank < lower->schedule->world; ++rank)
        if (lower->places[rank].copy == copy && lower->places[rank].stage == stage &&
            (lower->places[rank].group || lower->places[rank].slot_count))
            *(int64_t *)LIST_PUSH(arena, &channel.ranks) = rank;
    return channel_id(lower, &channel);
}

int64_t lower_pair_channel(Lower *lower, const PlanMove *move, int64_t a, int64_t b) {
    Channel channel = {.move = move->kind, .stream = move->stream, .is_pair = true};
    *(int64_t *)LIST_PUSH(lower->arena, &channel.ranks) = a < b ? a : b;
    *(int64_t *)LIST_PUSH(lower->arena, &channel.ranks) = a < b ? b : a;
    channel.name =
        arena_printf(lower->arena, "%s_r%lld_r%lld", plan_move_names[move->kind],
                     (long long)channel.ranks.items[0], (long long)channel.ranks.items[1]);
    return channel_id(lower, &channel);
}

static int64_t set_count(const PlanMove *move) {
    int64_t sets = 0;
    for (int64_t i = 0; i < move->stages.count; ++i)
        sets += move->stages.items[i].sets.count;
    return sets;
}

static void step_channels(Lower *lower, const PlanStep *step, int64_t **ids) {
    int64_t copies = lower->plan->copies;
    for (int64_t i = 0; i < step->moves.count; ++i) {
        const PlanMove *move = &step->moves.items[i];
        bool exchange = move->kind == MOVE_DISPATCH || move->kind == MOVE_COMBINE;
        int64_t stages = lower->plan->stages.count;
        int64_t sets = exchange ? stages : set_count(move), next = 0;
        ids[i] = ARENA_ARRAY(lower->arena, copies * sets + 1, int64_t);
        for (int64_t copy = 0; copy < copies; ++copy) {
            for (int64_t stage = 0; exchange && stage < stages; ++stage)
                ids[i][next++] = exchange_channel(lower, move, copy, stage);
            for (int64_t stage = 0; !exchange && stage < move->stages.count; ++stage)
                for (int64_t set = 0; set < move->stages.items[stage].sets.count; ++set)
                    ids[i][next++] = set_channel(lower, move, stage, set, copy);
        }
    }
}

static bool set_has(const PlanSet *set, int64_t local) {
    for (int64_t i = 0; i < set->ranks.count; ++i)
        if (set->ranks.items[i] == local)
            return true;
    return false;
}

/* Room for what a stage of transfers receives before it may be used. */
static void await_arrivals(LowerRank *at, Op *op) {
    const Channel *of = &at->lower->schedule->channels.items[op->channel];
    int64_t me = 0;
    while (of->ranks.items[me] != at->place->rank)
        ++me;
    int64_t bytes = channel_arrivals(of, me, op->args[op_arg(OP_transfer, "units")].value,
                                     op->args[op_arg(OP_transfer, "unit_bytes")].value);
    op_int(op, "arrivals", bytes);
    op_workspace(at, op, "arrivals");
}

static void collective_op(LowerRank *at, const PlanMove *move, int64_t primitive, int64_t channel,
                          int64_t buffer, int64_t rows, int64_t row_bytes, const char *rule) {
    static const OpKind kinds[] = {[PRIMITIVE_ALL_REDUCE] = OP_all_reduce,
                                   [PRIMITIVE_REDUCE_SCATTER] = OP_reduce_scatter,
                                   [PRIMITIVE_ALL_GATHER] = OP_all_gather,
                                   [PRIMITIVE_TRANSFERS] = OP_transfer};
    int64_t type = move->kind == MOVE_NORM ? ELEMENT_F32 : at->lower->plan->inputs.workload.dtype;
    int64_t element = element_bytes(type);
    bool by_rows = move->unit == UNIT_ROW;
    Op *op = lower_op(at, kinds[primitive], rule);
    op->stream = move->stream;
    op->channel = channel;
    op_buffer(op, "buffer", buffer, 0);
    op_int(op, "units", by_rows ? rows : rows * row_bytes / element);
    op_int(op, "unit_bytes", by_rows ? row_bytes : element);
    op_int(op, "type", type);
    if (op->kind == OP_transfer)
        await_arrivals(at, op);
}

Status lower_collective(LowerRank *at, PlanMoveKind kind, int64_t buffer, int64_t rows,
                        int64_t row_bytes, const char *rule) {
    const Place *place = at->place;
    if (place->members == 1)
        return STATUS_OK;
    const PlanMove *move = lower_find_move(at->step, kind, place->group_index);
    if (!move)
        return diag_error(
            at->lower->diag, diag_nowhere(), "E0522", "add the move to the step",
            "step %s has no %s move for request group %lld, whose %lld members need it",
            at->step->name, plan_move_names[kind], (long long)place->group_index,
            (long long)place->members);
    const int64_t *ids = at->lower->channel_ids[at->step_index][move - at->step->moves.items];
    int64_t next = place->copy * set_count(move);
    for (int64_t stage = 0; stage < move->stages.count; ++stage) {
        const PlanMoveStage *each = &move->stages.items[stage];
        for (int64_t set = 0; set < each->sets.count; ++set, ++next)
            if (set_has(&each->sets.items[set], place->rank - place->base))
                collective_op(at, move, each->primitive, ids[next], buffer, rows, row_bytes, rule);
    }
    return STATUS_OK;
}

/* --- exchanges ---------------------------------------------------------------------------------------- */

/* Do the holders of experts in a stage coincide with the members of its only request group? Replicas are for
 * sources to choose between, which needs sources that send. */
static bool holders_coincide(const Lower *lower, int64_t stage) {
    if (lower->plan->stages.items[stage].attention.count != 1)
        return false;
    for (int64_t rank = 0; rank < lower->plan->ranks_per_copy; ++rank) {
        const Place *place = &lower->places[rank];
        if (place->stage != stage)
            continue;
        if (!place->group != !place->slot_count)
            return false;
        for (int64_t i = 0; i < place->slots.count; ++i)
            if (place->slots.items[i].replica > 0)
                return false;
    }
    return true;
}

/* Exchanges of a micro-batch of a stage: one of all its ranks, one of each member with itself, or none. */
static int64_t exchange_width(const Lower *lower, int64_t stage) {
    if (!lower->plan->stages.items[stage].experts.count)
        return 0; /* all its layers are dense */
    return lower->coincide[stage]
               ? lower->plan->stages.items[stage].attention.items[0].members.count
               : 1;
}

int64_t lower_exchange(const LowerRank *at) {
    const Place *place = at->place;
    int64_t index = lower_coincides(at) ? place->member : 0;
    int64_t microbatch = place->copy * at->step->microbatches + at->microbatch;
    int64_t first =
        at->lower->first_exchange[at->step_index * at->lower->plan->stages.count + place->stage];
    return first + microbatch * exchange_width(at->lower, place->stage) + index;
}

/* A rank's part in an exchange: what it owns and what it holds. */
static void join_exchange(Lower *lower, Exchange *exchange, const Place *place) {
    const PlanStep *step = &lower->plan->steps.items[exchange->step];
    if (place->group) {
        Range sequences = place_sequences(place->group, exchange->microbatch, step->microbatches);
        int64_t rows = (sequences.end - sequences.begin) * step->tokens;
        *(ExchangeSource *)LIST_PUSH(lower->arena, &exchange->sources) =
            (ExchangeSource){.rank = place->rank,
                             .routes = lower->route_of[place->rank],
                             .rows = lower->coincide[place->stage]
                                         ? (Range){0, rows}
                                         : place_owned(rows, place->member, place->members),
                             .first_sequence = place->copy * plan_copy_batch(lower->plan) +
                                               place->group->requests.begin + sequences.begin,
                             .tokens = step->tokens};
    }
    if (place->slot_count)
        *(ExchangeTarget *)LIST_PUSH(lower->arena, &exchange->targets) =
            (ExchangeTarget){place->rank, place->slot_count};
}

/* The hops of one transfer: piece s x R + t of R x R is what goes between ranks s and t of a copy of R. */
static Status transfer_hops(Lower *lower, Exchange *exchange, const PlanMove *move, int64_t stage,
                            const PlanTransfer *transfer) {
    int64_t ranks = lower->plan->ranks_per_copy, base = exchange->copy * ranks;
    bool back = move->kind == MOVE_COMBINE;
    for (int64_t piece = transfer->pieces.begin; piece < transfer->pieces.end; ++piece) {
        ExchangeHop hop = {stage, base + transfer->from, base + transfer->to,
                           exchange_find_source(exchange, base + piece / ranks),
                           exchange_find_target(exchange, base + piece % ranks)};
        if (hop.source < 0 || hop.target < 0)
            return diag_error(lower->diag, diag_nowhere(), "E0525",
                              "piece s x R + t of R x R is what goes between the owner s and the "
                              "holder t of experts, of R ranks of a copy",
                              "step %s: %s has no rows between ranks %lld and %lld, which rank "
                              "%lld is to send to rank %lld in stage %lld",
                              lower->plan->steps.items[exchange->step].name,
                              plan_move_names[move->kind], (long long)(piece / ranks),
                              (long long)(piece % ranks), (long long)transfer->from,
                              (long long)transfer->to, (long long)stage);
        if (exchange->mode == MODE_EXACT && hop.to != exchange_hop_end(exchange, &hop, back))
            return diag_error(lower->diag, diag_nowhere(), "E0526",
                              "use padded moves, or an algorithm without ranks between",
                              "step %s: rank %lld is to pass on what goes between ranks %lld and "
                              "%lld, but %s is exact: it would not know how much that is",
                              lower->plan->steps.items[exchange->step].name,
                              (long long)transfer->to, (long long)(piece / ranks),
                              (long long)(piece % ranks), plan_move_names[move->kind]);
        *(ExchangeHop *)LIST_PUSH(lower->arena, &exchange->hops[back]) = hop;
    }
    return STATUS_OK;
}

/* The stages of dispatch or combine among the ranks of a pipeline stage. */
static Status exchange_hops(Lower *lower, Exchange *exchange, int64_t pipeline_stage,
                            PlanMoveKind kind) {
    const PlanMove *move = lower_find_move(&lower->plan->steps.items[exchange->step], kind, -1);
    for (int64_t stage = 0; move && stage < move->stages.count; ++stage)
        for (int64_t s = 0; s < move->stages.items[stage].sets.count; ++s) {
            const PlanSet *set = &move->stages.items[stage].sets.items[s];
            for (int64_t i = 0; i < set->transfers.count; ++i)
                if (lower->places[set->transfers.items[i].from].stage == pipeline_stage)
                    TRY(transfer_hops(lower, exchange, move, stage, &set->transfers.items[i]));
        }
    return STATUS_OK;
}

/* The exchange of a micro-batch among all ranks of a stage, or of rank `only` with itself. */
static Status add_exchange(Lower *lower, int64_t step_index, int64_t copy, int64_t stage,
                           int64_t microbatch, int64_t only) {
    const PlanStep *step = &lower->plan->steps.items[step_index];
    const PlanMove *move = lower_find_move(step, MOVE_DISPATCH, -1);
    Exchange *exchange = LIST_PUSH(lower->arena, &lower->schedule->exchanges);
    *exchange = (Exchange){.step = step_index,
                           .microbatch = microbatch,
                           .copy = copy,
                           .local = only >= 0,
                           .mode = move ? move->mode : MODE_EXACT,
                           .chunk = move ? move->chunk : 0,
                           .in_flight = move ? move->in_flight : 1};
    exchange->name = arena_printf(lower->arena, "%s_c%lld_m%lld", step->name, (long long)copy,
                                  (long long)microbatch);
    if (only >= 0)
        exchange->name = arena_printf(lower->arena, "%s_r%lld", exchange->name, (long long)only);
    else if (lower->plan->stages.count > 1)
        exchange->name = arena_printf(lower->arena, "%s_p%lld", exchange->name, (long long)stage);
    for (int64_t rank = 0; rank < lower->schedule->world; ++rank)
        if (lower->places[rank].copy == copy && lower->places[rank].stage == stage &&
            (only < 0 || rank == only))
            join_exchange(lower, exchange, &lower->places[rank]);
    if (only >= 0)
        return STATUS_OK;
    TRY(exchange_hops(lower, exchange, stage, MOVE_DISPATCH));
    return exchange_hops(lower, exchange, stage, MOVE_COMBINE);
}

static Status stage_exchanges(Lower *lower, int64_t step, int64_t stage) {
    const PlanGroup *group = lower->plan->stages.items[stage].attention.items;
    int64_t ranks = lower->plan->ranks_per_copy;
    lower->first_exchange[step * lower->plan->stages.count + stage] =
        lower->schedule->exchanges.count;
    for (int64_t copy = 0; copy < lower->plan->copies; ++copy)
        for (int64_t m = 0; m < lower->plan->steps.items[step].microbatches; ++m)
            for (int64_t i = 0; i < exchange_width(lower, stage); ++i)
                TRY(add_exchange(
                    lower, step, copy, stage, m,
                    lower->coincide[stage] ? copy * ranks + group->members.items[i].rank : -1));
    return STATUS_OK;
}

/* Both ways of an exchange use the same windows, so that they must be cut alike. */
static Status check_exchange_moves(Lower *lower, const PlanStep *step) {
    const PlanMove *there = lower_find_move(step, MOVE_DISPATCH, -1);
    const PlanMove *back = lower_find_move(step, MOVE_COMBINE, -1);
    if (!there || !back ||
        (there->mode == back->mode && there->chunk == back->chunk &&
         there->in_flight == back->in_flight))
        return STATUS_OK;
    return diag_error(lower->diag, diag_nowhere(), "E0523",
                      "give both moves the same mode, chunk and in_flight",
                      "dispatch and combine of step %s do not agree on their windows", step->name);
}

Status lower_moves(Lower *lower) {
    const Plan *plan = lower->plan;
    lower->channel_ids = ARENA_ARRAY(lower->arena, plan->steps.count, int64_t **);
    lower->first_exchange =
        ARENA_ARRAY(lower->arena, plan->steps.count * plan->stages.count, int64_t);
    lower->coincide = ARENA_ARRAY(lower->arena, plan->stages.count, bool);
    for (int64_t stage = 0; stage < plan->stages.count; ++stage)
        lower->coincide[stage] = holders_coincide(lower, stage);
    lower_routes(lower);
    for (int64_t s = 0; s < plan->steps.count; ++s) {
        const PlanStep *step = &plan->steps.items[s];
        TRY(check_exchange_moves(lower, step));
        lower->channel_ids[s] = ARENA_ARRAY(lower->arena, step->moves.count + 1, int64_t *);
        step_channels(lower, step, lower->channel_ids[s]);
        for (int64_t stage = 0; stage < plan->stages.count; ++stage)
            TRY(stage_exchanges(lower, s, stage));
    }
    return STATUS_OK;
}
