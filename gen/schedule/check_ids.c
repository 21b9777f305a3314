/* check_ids: every id within its table, so that the other rules need not ask. */
#include "schedule/check_rules.h"

#include <stdarg.h>
#include <string.h>

static bool member_of(const IntList *ranks, int64_t rank) {
    for (int64_t i = 0; i < ranks->count; ++i)
        if (ranks->items[i] == rank)
            return true;
    return false;
}

/* NULL if the move's channel and exchange are sound for the rank. */
static const char *bad_move(const Schedule *schedule, int64_t rank, const Op *op) {
    bool exchange = op_info[op->kind].class == OPCLASS_EXCHANGE;
    bool pair = op_info[op->kind].class == OPCLASS_PAIR;
    if (!walk_is_move(op))
        return NULL;
    if (op->channel < 0 || op->channel >= schedule->channels.count)
        return "it has no channel";
    const Channel *channel = &schedule->channels.items[op->channel];
    if (!member_of(&channel->ranks, rank))
        return "the rank is no member of its channel";
    if (channel->is_exchange != exchange || channel->is_pair != pair ||
        (channel->transfers.count > 0) != (op->kind == OP_transfer))
        return "its channel is for another kind of move";
    if (channel->stream != op->stream)
        return "it is not on its channel's stream";
    if (channel->move < 0 || channel->move > MOVE_HANDOVER ||
        (op->kind == OP_dispatch) != (channel->move == MOVE_DISPATCH) ||
        (op->kind == OP_combine) != (channel->move == MOVE_COMBINE) ||
        pair != (channel->move == MOVE_HANDOVER))
        return "its channel is for another move";
    if (!exchange)
        return NULL;
    if (op->exchange < 0 || op->exchange >= schedule->exchanges.count)
        return "it has no exchange";
    const Exchange *of = &schedule->exchanges.items[op->exchange];
    if (check_source(of, rank) < 0 && check_target(of, rank) < 0)
        return "the rank is no end of its exchange";
    return NULL;
}

static bool may_be_absent(const Op *op, int arg) {
    static const char *const optional[] = {"bias",      "position_table", "gate",
                                           "gate_bias", "up_bias",        "down_bias",
                                           "base",      "correction",     "score"};
    const char *name = op_info[op->kind].args[arg].name;
    if (op_info[op->kind].class == OPCLASS_EXCHANGE || strcmp(name, "workspace") == 0)
        return true;          /* match.exchange asks for the side's windows */
    if (op->kind == OP_begin) /* later stages need positions only; embed asks for ids */
        return strcmp(name, "ids") == 0;
    for (size_t i = 0; i < sizeof optional / sizeof *optional; ++i)
        if (strcmp(name, optional[i]) == 0)
            return op->kind != OP_layer_norm;
    return false;
}

static const char *bad_argument(const Schedule *schedule, const RankSchedule *rank, int64_t step,
                                const Op *op, int arg) {
    const OpArg *info = &op_info[op->kind].args[arg];
    OpValue value = op->args[arg];
    if (info->type == ARG_INT) {
        if (value.value < 0)
            return "a number is negative";
        return NULL;
    }
    if (value.value < -1 || value.value >= rank->buffers.count || value.delta < 0)
        return "a buffer is not one of the rank's";
    if (value.value < 0)
        return may_be_absent(op, arg) ? NULL : "an argument is absent";
    const Buffer *buffer = &rank->buffers.items[value.value];
    if (value.delta > buffer->bytes)
        return "it begins past the end of a buffer";
    if (buffer->step >= 0 && buffer->step != step)
        return "a buffer belongs to another step";
    if (buffer->per_layer && !op->per_layer)
        return "a buffer with a copy a layer is used outside layers";
    return NULL;
}

static const char *bad_tables(const Schedule *schedule, const Op *op) {
    if (op->kind == OP_pack && (check_arg(op, "routes") >= schedule->routes.count ||
                                check_arg(op, "exchange") >= schedule->exchanges.count))
        return "its route table or exchange does not exist";
    if (op->kind == OP_expert_ffn && check_arg(op, "exchange") >= schedule->exchanges.count)
        return "its exchange does not exist";
    return NULL;
}

static const char *bad_op(const Check *check, const RankSchedule *rank, int64_t step,
                          const Op *op) {
    if (op->kind < 0 || op->kind >= OP_KINDS)
        return "its kind does not exist";
    if (!check_part(op))
        return "its part has no such operation";
    if (op->stream < 0 || op->stream > 3)
        return "its stream does not exist";
    if (op->stream != 0 && !walk_is_move(op))
        return "only moves may leave the compute stream";
    if (op->microbatch < 0 || op->microbatch >= check->plan->steps.items[step].microbatches)
        return "its micro-batch does not exist";
    for (int w = 0; w < OP_WAITS && op->waits[w] != -1; ++w)
        if (op->waits[w] < 0 || op->waits[w] >= rank->ops.count ||
            !rank->ops.items[op->waits[w]].records)
            return "it waits for an operation that records no event";
    const char *bad = bad_tables(check->schedule, op);
    for (int a = 0; !bad && a < OP_ARGS && op_info[op->kind].args[a].type != ARG_NONE; ++a)
        bad = bad_argument(check->schedule, rank, step, op, a);
    return bad ? bad : bad_move(check->schedule, rank->rank, op);
}

/* The layers that an operation works on are the model's, and its buffers have a copy for each. */
static const char *bad_layers(const Check *check, const RankSchedule *rank, const Op *op,
                              Range layers) {
    if (layers.begin < 0 || layers.end > check->model->layers)
        return "it works on a layer that the model has not";
    const OpArg *args = op_info[op->kind].args;
    for (int a = 0; a < OP_ARGS && args[a].type != ARG_NONE; ++a) {
        if (args[a].type == ARG_INT || op->args[a].value < 0)
            continue;
        const Buffer *buffer = &rank->buffers.items[op->args[a].value];
        if (buffer->per_layer && (layers.begin < buffer->first_layer ||
                                  layers.end > buffer->first_layer + buffer->layers))
            return "it works on a layer of another stage";
    }
    return NULL;
}

static void check_segment(Check *check, const RankSchedule *rank, int64_t step,
                          const Segment *segment) {
    const char *name = check->plan->steps.items[step].name;
    if (segment->first < 0 || segment->count < 0 || segment->first > rank->ops.count ||
        segment->count > rank->ops.count - segment->first ||
        segment->layers.begin > segment->layers.end) {
        check_fail(check, CHECK_IDS, NULL, "rank %lld, step %s: a segment leaves the operations",
                   (long long)rank->rank, name);
        return;
    }
    for (int64_t i = segment->first; i < segment->first + segment->count; ++i) {
        const Op *op = &rank->ops.items[i];
        const char *bad = bad_op(check, rank, step, op);
        if (!bad && op->per_layer && segment->layers.begin < segment->layers.end)
            bad =
                bad_layers(check, rank, op,
                           (Range){segment->layers.begin - op->lag, segment->layers.end - op->lag});
        if (bad)
            check_fail(check, CHECK_IDS, NULL, "rank %lld, step %s, op %lld %s: %s",
                       (long long)rank->rank, name, (long long)i,
                       op->kind >= 0 && op->kind < OP_KINDS ? op_info[op->kind].name : "?", bad);
    }
    check_count(check, CHECK_IDS, segment->count);
}

/* The members of a channel own pieces each, or it lists transfers between them. */
static bool sound_pieces(const Channel *channel) {
    bool lists = channel->transfers.count > 0;
    bool sound = channel->pieces > 0 && channel->own.count == (lists ? 0 : channel->ranks.count);
    for (int64_t i = 0; i < channel->own.count; ++i)
        sound = sound && channel->own.items[i].begin >= 0 &&
                channel->own.items[i].begin <= channel->own.items[i].end &&
                channel->own.items[i].end <= channel->pieces;
    for (int64_t i = 0; i < channel->transfers.count; ++i) {
        const ChannelTransfer *transfer = &channel->transfers.items[i];
        sound = sound && transfer->from >= 0 && transfer->from < channel->ranks.count &&
                transfer->to >= 0 && transfer->to < channel->ranks.count &&
                transfer->from != transfer->to && transfer->pieces.begin >= 0 &&
                transfer->pieces.begin < transfer->pieces.end &&
                transfer->pieces.end <= channel->pieces;
    }
    return sound;
}

static void check_channels(Check *check) {
    for (int64_t c = 0; c < check->schedule->channels.count; ++c) {
        const Channel *channel = &check->schedule->channels.items[c];
        bool sound = channel->is_exchange || (channel->is_pair && channel->ranks.count == 2) ||
                     sound_pieces(channel);
        for (int64_t i = 0; i < channel->ranks.count; ++i) {
            int64_t rank = channel->ranks.items[i];
            sound = sound && rank >= 0 && rank < check->schedule->world &&
                    (i == 0 || rank > channel->ranks.items[i - 1]);
        }
        if (!sound)
            check_fail(check, CHECK_IDS, NULL,
                       "channel \"%s\": its ranks or pieces are out of range", channel->name);
    }
}

/* Between ends of the exchange, stage by stage. */
static bool sound_hops(const Exchange *exchange, bool back) {
    bool sound = true;
    for (int64_t i = 0; i < exchange->hops[back].count; ++i) {
        const ExchangeHop *hop = &exchange->hops[back].items[i];
        sound =
            sound && hop->source >= 0 && hop->source < exchange->sources.count &&
            hop->target >= 0 && hop->target < exchange->targets.count && hop->from != hop->to &&
            hop->stage >= 0 && (i == 0 || hop->stage >= exchange->hops[back].items[i - 1].stage) &&
            (check_source(exchange, hop->from) >= 0 || check_target(exchange, hop->from) >= 0) &&
            (check_source(exchange, hop->to) >= 0 || check_target(exchange, hop->to) >= 0);
    }
    return sound;
}

static void check_exchanges(Check *check) {
    for (int64_t e = 0; e < check->schedule->exchanges.count; ++e) {
        const Exchange *exchange = &check->schedule->exchanges.items[e];
        bool sound = exchange->sources.count > 0 && exchange->targets.count > 0;
        for (int64_t i = 0; i < exchange->sources.count; ++i) {
            const ExchangeSource *source = &exchange->sources.items[i];
            sound = sound && source->rank >= 0 && source->rank < check->schedule->world &&
                    (i == 0 || source[-1].rank < source->rank) && source->rows.begin >= 0 &&
                    source->rows.begin <= source->rows.end;
        }
        for (int64_t i = 0; i < exchange->targets.count; ++i) {
            const ExchangeTarget *target = &exchange->targets.items[i];
            sound = sound && target->rank >= 0 && target->rank < check->schedule->world &&
                    (i == 0 || target[-1].rank < target->rank) && target->slots > 0;
        }
        sound = sound && sound_hops(exchange, false) && sound_hops(exchange, true);
        if (!sound)
            check_fail(check, CHECK_IDS, NULL, "exchange \"%s\": an end is out of range",
                       exchange->name);
    }
}

static void check_holding(Check *check, const RankSchedule *rank, const Holding *holding) {
    int64_t rows, columns;
    bool per_layer = holding->tensor >= 0 && holding->tensor < TENSOR_KINDS &&
                     tensor_kind_per_layer((TensorKind)holding->tensor);
    bool sound = holding->tensor >= 0 && holding->tensor < TENSOR_KINDS && holding->buffer >= 0 &&
                 holding->buffer < rank->buffers.count;
    if (sound) {
        model_tensor_shape(check->model, (TensorKind)holding->tensor, &rows, &columns);
        sound = holding->rows.begin >= 0 && holding->rows.begin < holding->rows.end &&
                holding->rows.end <= rows && holding->columns.begin >= 0 &&
                holding->columns.begin < holding->columns.end && holding->columns.end <= columns &&
                holding->layers.begin >= 0 && holding->layers.begin < holding->layers.end &&
                holding->layers.end <= (per_layer ? check->model->layers : 1);
        for (int64_t layer = holding->layers.begin;
             sound && per_layer && layer < holding->layers.end; ++layer)
            sound = model_has_in_layer(check->model, (TensorKind)holding->tensor, layer);
    }
    if (!sound)
        check_fail(check, CHECK_IDS, NULL, "rank %lld: a holding of tensor %lld is out of range",
                   (long long)rank->rank, (long long)holding->tensor);
}

/* Whatever is done with offsets and sizes later, their sums are numbers. */
static void check_buffer(Check *check, const RankSchedule *rank, const Buffer *buffer) {
    int64_t copies, bytes, end;
    if (!__builtin_mul_overflow(buffer->layer_stride, buffer->layers, &copies) &&
        !__builtin_add_overflow(copies, buffer->bytes, &bytes) &&
        !__builtin_add_overflow(bytes, buffer->offset, &end))
        return;
    check_fail(check, CHECK_IDS, NULL, "rank %lld: the end of buffer %s is past all numbers",
               (long long)rank->rank, buffer->name);
}

bool check_ids(Check *check) {
    check_channels(check);
    check_exchanges(check);
    check_table_ids(check);
    for (int64_t r = 0; r < check->schedule->world; ++r) {
        const RankSchedule *rank = &check->schedule->ranks[r];
        for (int64_t i = 0; i < rank->holdings.count; ++i)
            check_holding(check, rank, &rank->holdings.items[i]);
        for (int64_t i = 0; i < rank->buffers.count; ++i)
            check_buffer(check, rank, &rank->buffers.items[i]);
        for (int64_t s = 0; s < check->plan->steps.count; ++s)
            for (int64_t i = 0; i < rank->steps[s].segments.count; ++i)
                check_segment(check, rank, s, &rank->steps[s].segments.items[i]);
    }
    return check->report->rules[CHECK_IDS].failures == 0;
}
