/* write: the schedule as canonical JSON, by role: what is equal in all ranks once, what differs as the name
 * of a column of the role's table. For people, for diffs and for tools; gen itself derives it anew. */
#include "schedule/schedule.h"

static void write_ints(Jsonw *json, const char *key, const int64_t *items, int64_t count) {
    jsonw_key(json, key);
    jsonw_array(json, true);
    for (int64_t i = 0; i < count; ++i)
        jsonw_int(json, items[i]);
    jsonw_end(json);
}

void schedule_write_range(Jsonw *json, const char *key, Range range) {
    jsonw_key(json, key);
    jsonw_array(json, true);
    jsonw_int(json, range.begin);
    jsonw_int(json, range.end);
    jsonw_end(json);
}

/* [from, to, pieces begin, end, "copy" | "sum"], members by index. */
static void write_transfers(Jsonw *json, const Channel *channel) {
    jsonw_key(json, "transfers");
    jsonw_array(json, true);
    for (int64_t i = 0; i < channel->transfers.count; ++i) {
        const ChannelTransfer *transfer = &channel->transfers.items[i];
        jsonw_array(json, true);
        jsonw_int(json, transfer->from);
        jsonw_int(json, transfer->to);
        jsonw_int(json, transfer->pieces.begin);
        jsonw_int(json, transfer->pieces.end);
        jsonw_string(json, plan_reduce_names[transfer->sum]);
        jsonw_end(json);
    }
    jsonw_end(json);
}

static void write_channels(Jsonw *json, const Schedule *schedule) {
    jsonw_key(json, "channels");
    jsonw_array(json, false);
    for (int64_t i = 0; i < schedule->channels.count; ++i) {
        const Channel *channel = &schedule->channels.items[i];
        jsonw_object(json, true);
        jsonw_key_string(json, "name", channel->name);
        jsonw_key(json, "own");
        jsonw_array(json, true);
        for (int64_t k = 0; k < channel->own.count; ++k) {
            jsonw_array(json, true);
            jsonw_int(json, channel->own.items[k].begin);
            jsonw_int(json, channel->own.items[k].end);
            jsonw_end(json);
        }
        jsonw_end(json);
        jsonw_key_int(json, "pieces", channel->pieces);
        write_ints(json, "ranks", channel->ranks.items, channel->ranks.count);
        jsonw_key_string(json, "stream", plan_stream_names[channel->stream]);
        if (channel->transfers.count > 0)
            write_transfers(json, channel);
        jsonw_end(json);
    }
    jsonw_end(json);
}

/* [stage, from, to, source, target] of the ways of an exchange in stages, ends by index. */
static void write_hops(Jsonw *json, const Exchange *exchange) {
    if (exchange->hops[0].count + exchange->hops[1].count == 0)
        return;
    jsonw_key(json, "ways");
    jsonw_object(json, false);
    for (int back = 1; back >= 0; --back) {
        jsonw_key(json, back ? "back" : "there");
        jsonw_array(json, true);
        for (int64_t i = 0; i < exchange->hops[back].count; ++i) {
            const ExchangeHop *hop = &exchange->hops[back].items[i];
            const int64_t values[] = {hop->stage, hop->from, hop->to, hop->source, hop->target};
            jsonw_array(json, true);
            for (int v = 0; v < 5; ++v)
                jsonw_int(json, values[v]);
            jsonw_end(json);
        }
        jsonw_end(json);
    }
    jsonw_end(json);
}

static void write_exchanges(Jsonw *json, const Schedule *schedule) {
    jsonw_key(json, "exchanges");
    jsonw_array(json, false);
    for (int64_t i = 0; i < schedule->exchanges.count; ++i) {
        const Exchange *exchange = &schedule->exchanges.items[i];
        jsonw_object(json, false);
        jsonw_key_int(json, "chunk", exchange->chunk);
        jsonw_key_int(json, "in_flight", exchange->in_flight);
        jsonw_key_string(json, "mode", exchange->mode == MODE_EXACT ? "exact" : "padded");
        jsonw_key_string(json, "name", exchange->name);
        jsonw_key(json, "sources");
        jsonw_array(json, false);
        for (int64_t s = 0; s < exchange->sources.count; ++s) {
            const ExchangeSource *source = &exchange->sources.items[s];
            jsonw_object(json, true);
            jsonw_key_int(json, "first_sequence", source->first_sequence);
            jsonw_key_int(json, "rank", source->rank);
            schedule_write_range(json, "rows", source->rows);
            jsonw_end(json);
        }
        jsonw_end(json);
        jsonw_key(json, "targets");
        jsonw_array(json, false);
        for (int64_t t = 0; t < exchange->targets.count; ++t) {
            jsonw_object(json, true);
            jsonw_key_int(json, "rank", exchange->targets.items[t].rank);
            jsonw_key_int(json, "slots", exchange->targets.items[t].slots);
            jsonw_end(json);
        }
        jsonw_end(json);
        write_hops(json, exchange);
        jsonw_end(json);
    }
    jsonw_end(json);
}

/* Parts of an expert as [target, slot] pairs; layers in a row that share them are written once, with their range. */
static void write_route(Jsonw *json, const Model *model, const RouteTable *route) {
    int64_t count = model->experts * route->parts;
    jsonw_array(json, false);
    for (int64_t begin = 0, end; begin < model->layers; begin = end) {
        int64_t row = route->row_of[begin];
        for (end = begin + 1; end < model->layers && route->row_of[end] == row;)
            ++end;
        if (row < 0)
            continue;
        jsonw_object(json, false);
        schedule_write_range(json, "layers", (Range){begin, end});
        write_ints(json, "slot", route->slot + row * count, count);
        write_ints(json, "target", route->target + row * count, count);
        jsonw_end(json);
    }
    jsonw_end(json);
}

void schedule_write_buffers(Jsonw *json, const RankSchedule *rank) {
    jsonw_key(json, "buffers");
    jsonw_array(json, false);
    for (int64_t i = 0; i < rank->buffers.count; ++i) {
        const Buffer *buffer = &rank->buffers.items[i];
        jsonw_object(json, true);
        jsonw_key_int(json, "bytes", buffer->bytes);
        jsonw_key_string(json, "class", buffer_class_names[buffer->class]);
        jsonw_key_int(json, "layer_stride", buffer->layer_stride);
        jsonw_key_string(json, "name", buffer->name);
        jsonw_key_int(json, "offset", buffer->offset);
        jsonw_key_string(json, "shape", buffer->shape);
        jsonw_end(json);
    }
    jsonw_end(json);
}

/* A number, or the name of the column that holds it. */
static void write_field(Jsonw *json, const Role *role, int64_t op, int field, int64_t value) {
    int16_t column = role->column_of[op * OP_FIELDS + field];
    if (column >= 0)
        jsonw_string(json, role->columns.items[column].name);
    else
        jsonw_int(json, value);
}

static void write_arguments(Jsonw *json, const RankSchedule *rank, const Role *role,
                            int64_t index) {
    const Op *op = &rank->ops.items[index];
    const OpArg *args = op_info[op->kind].args;
    jsonw_key(json,
              "arguments"); /* in the order of ops.def: [name, value] or [name, buffer, delta] */
    jsonw_array(json, true);
    for (int i = 0; i < OP_ARGS && args[i].type != ARG_NONE; ++i) {
        if (args[i].type != ARG_INT && op->args[i].value < 0)
            continue;
        jsonw_array(json, true);
        jsonw_string(json, args[i].name);
        if (args[i].type == ARG_INT) {
            write_field(json, role, index, i, op->args[i].value);
        } else {
            jsonw_string(json, rank->buffers.items[op->args[i].value].name);
            write_field(json, role, index, OP_ARGS + i, op->args[i].delta);
        }
        jsonw_end(json);
    }
    jsonw_end(json);
}

static void write_op(Jsonw *json, const RankSchedule *rank, const Role *role, int64_t index) {
    const Op *op = &rank->ops.items[index];
    jsonw_object(json, true);
    write_arguments(json, rank, role, index);
    if (op->channel >= 0) {
        jsonw_key(json, "channel");
        write_field(json, role, index, OP_FIELD_CHANNEL, op->channel);
    }
    if (op->exchange >= 0) {
        jsonw_key(json, "exchange");
        write_field(json, role, index, OP_FIELD_EXCHANGE, op->exchange);
    }
    jsonw_key_int(json, "id", index);
    jsonw_key_string(json, "kind", op_info[op->kind].name);
    jsonw_key_int(json, "lag", op->lag);
    jsonw_key_int(json, "microbatch", op->microbatch);
    jsonw_key_string(json, "part", plan_part_names[op->part]);
    jsonw_key_string(json, "rule", op->rule);
    jsonw_key_string(json, "stream", plan_stream_names[op->stream]);
    int64_t waits = 0;
    while (waits < OP_WAITS && op->waits[waits] >= 0)
        ++waits;
    write_ints(json, "waits", op->waits, waits);
    jsonw_end(json);
}

static void write_steps(Jsonw *json, const Schedule *schedule, const Role *role) {
    const RankSchedule *rank = &schedule->ranks[role->ranks.items[0]];
    jsonw_key(json, "steps");
    jsonw_array(json, false);
    for (int64_t s = 0; s < schedule->plan->steps.count; ++s) {
        jsonw_object(json, false);
        jsonw_key(json, "captured");
        jsonw_bool(json, rank->steps[s].captured);
        jsonw_key_string(json, "name", schedule->plan->steps.items[s].name);
        jsonw_key(json, "segments");
        jsonw_array(json, false);
        for (int64_t i = 0; i < rank->steps[s].segments.count; ++i) {
            const Segment *segment = &rank->steps[s].segments.items[i];
            jsonw_object(json, false);
            schedule_write_range(json, "layers", segment->layers);
            jsonw_key(json, "operations");
            jsonw_array(json, false);
            for (int64_t k = 0; k < segment->count; ++k)
                write_op(json, rank, role, segment->first + k);
            jsonw_end(json);
            jsonw_end(json);
        }
        jsonw_end(json);
        jsonw_end(json);
    }
    jsonw_end(json);
}

static void write_role(Jsonw *json, const Schedule *schedule, const Role *role) {
    const RankSchedule *rank = &schedule->ranks[role->ranks.items[0]];
    jsonw_object(json, false);
    schedule_write_buffers(json, rank);
    jsonw_key(json, "columns");
    jsonw_array(json, false);
    for (int64_t i = 0; i < role->columns.count; ++i) {
        jsonw_object(json, true);
        jsonw_key_string(json, "name", role->columns.items[i].name);
        write_ints(json, "values", role->columns.items[i].values, role->ranks.count);
        jsonw_end(json);
    }
    jsonw_end(json);
    jsonw_key_string(json, "name", role->name);
    write_ints(json, "ranks", role->ranks.items, role->ranks.count);
    jsonw_key_int(json, "slab_bytes", role->slab_bytes);
    write_steps(json, schedule, role);
    jsonw_end(json);
}

void schedule_write(const Schedule *schedule, Buf *out) {
    Jsonw json;
    jsonw_begin(&json, out);
    jsonw_object(&json, false);
    write_channels(&json, schedule);
    write_exchanges(&json, schedule);
    jsonw_key_string(&json, "plan", schedule->plan->name);
    jsonw_key(&json, "roles");
    jsonw_array(&json, false);
    for (int64_t i = 0; i < schedule->roles.count; ++i)
        write_role(&json, schedule, &schedule->roles.items[i]);
    jsonw_end(&json);
    jsonw_key(&json, "routes");
    jsonw_array(&json, false);
    for (int64_t i = 0; i < schedule->routes.count; ++i)
        write_route(&json, &schedule->plan->inputs.model, &schedule->routes.items[i]);
    jsonw_end(&json);
    jsonw_key_int(&json, "schema_version", PLAN_SCHEMA_VERSION);
    jsonw_end(&json);
    jsonw_finish(&json);
}
