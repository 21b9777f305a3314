/* write: the schedule as canonical JSON, by role: what is equal in all ranks once, what differs as the name
 * of a column of the role's table. For people, for diffs and for tools; gen itself derives it anew. */
#include "schedule/schedule.h"

#include "base/json.h"

static void key_int(Json *json, const char *key, int64_t value) {
    json_key(json, key);
    json_int(json, value);
}

static void key_text(Json *json, const char *key, const char *value) {
    json_key(json, key);
    json_string(json, value);
}

static void write_ints(Json *json, const char *key, const int64_t *items, int64_t count) {
    json_key(json, key);
    json_array(json, true);
    for (int64_t i = 0; i < count; ++i)
        json_int(json, items[i]);
    json_end(json);
}

static void write_range(Json *json, const char *key, Range range) {
    json_key(json, key);
    json_array(json, true);
    json_int(json, range.begin);
    json_int(json, range.end);
    json_end(json);
}

static void write_channels(Json *json, const Schedule *schedule) {
    json_key(json, "channels");
    json_array(json, false);
    for (int64_t i = 0; i < schedule->channels.count; ++i) {
        const Channel *channel = &schedule->channels.items[i];
        json_object(json, true);
        key_text(json, "name", channel->name);
        json_key(json, "own");
        json_array(json, true);
        for (int64_t k = 0; k < channel->own.count; ++k) {
            json_array(json, true);
            json_int(json, channel->own.items[k].begin);
            json_int(json, channel->own.items[k].end);
            json_end(json);
        }
        json_end(json);
        key_int(json, "pieces", channel->pieces);
        write_ints(json, "ranks", channel->ranks.items, channel->ranks.count);
        key_text(json, "stream", plan_stream_names[channel->stream]);
        json_end(json);
    }
    json_end(json);
}

static void write_exchanges(Json *json, const Schedule *schedule) {
    json_key(json, "exchanges");
    json_array(json, false);
    for (int64_t i = 0; i < schedule->exchanges.count; ++i) {
        const Exchange *exchange = &schedule->exchanges.items[i];
        json_object(json, false);
        key_int(json, "chunk", exchange->chunk);
        key_int(json, "in_flight", exchange->in_flight);
        key_text(json, "mode", exchange->mode == MODE_EXACT ? "exact" : "padded");
        key_text(json, "name", exchange->name);
        json_key(json, "sources");
        json_array(json, false);
        for (int64_t s = 0; s < exchange->sources.count; ++s) {
            const ExchangeSource *source = &exchange->sources.items[s];
            json_object(json, true);
            key_int(json, "first_sequence", source->first_sequence);
            key_int(json, "rank", source->rank);
            write_range(json, "rows", source->rows);
            json_end(json);
        }
        json_end(json);
        json_key(json, "targets");
        json_array(json, false);
        for (int64_t t = 0; t < exchange->targets.count; ++t) {
            json_object(json, true);
            key_int(json, "rank", exchange->targets.items[t].rank);
            key_int(json, "slots", exchange->targets.items[t].slots);
            json_end(json);
        }
        json_end(json);
        json_end(json);
    }
    json_end(json);
}

/* Parts of an expert as [target, slot] pairs; equal layers are written once, with their range. */
static bool same_layer(const Model *model, const RouteTable *route, int64_t a, int64_t b) {
    int64_t count = model->experts * route->parts;
    for (int64_t i = 0; i < count; ++i)
        if (route->target[a * count + i] != route->target[b * count + i] ||
            route->slot[a * count + i] != route->slot[b * count + i])
            return false;
    return true;
}

static void write_route(Json *json, const Model *model, const RouteTable *route) {
    int64_t count = model->experts * route->parts;
    json_array(json, false);
    for (int64_t begin = 0, end; begin < model->layers; begin = end) {
        for (end = begin + 1; end < model->layers && same_layer(model, route, begin, end);)
            ++end;
        json_object(json, false);
        write_range(json, "layers", (Range){begin, end});
        write_ints(json, "slot", route->slot + begin * count, count);
        write_ints(json, "target", route->target + begin * count, count);
        json_end(json);
    }
    json_end(json);
}

static void write_buffers(Json *json, const RankSchedule *rank) {
    json_key(json, "buffers");
    json_array(json, false);
    for (int64_t i = 0; i < rank->buffers.count; ++i) {
        const Buffer *buffer = &rank->buffers.items[i];
        json_object(json, true);
        key_int(json, "bytes", buffer->bytes);
        key_text(json, "class", buffer_class_names[buffer->class]);
        key_int(json, "layer_stride", buffer->layer_stride);
        key_text(json, "name", buffer->name);
        key_int(json, "offset", buffer->offset);
        key_text(json, "shape", buffer->shape);
        json_end(json);
    }
    json_end(json);
}

/* A number, or the name of the column that holds it. */
static void write_field(Json *json, const Role *role, int64_t op, int field, int64_t value) {
    int16_t column = role->column_of[op * OP_FIELDS + field];
    if (column >= 0)
        json_string(json, role->columns.items[column].name);
    else
        json_int(json, value);
}

static void write_arguments(Json *json, const RankSchedule *rank, const Role *role, int64_t index) {
    const Op *op = &rank->ops.items[index];
    const OpArg *args = op_info[op->kind].args;
    json_key(json,
             "arguments"); /* in the order of ops.def: [name, value] or [name, buffer, delta] */
    json_array(json, true);
    for (int i = 0; i < OP_ARGS && args[i].type != ARG_NONE; ++i) {
        if (args[i].type != ARG_INT && op->args[i].value < 0)
            continue;
        json_array(json, true);
        json_string(json, args[i].name);
        if (args[i].type == ARG_INT) {
            write_field(json, role, index, i, op->args[i].value);
        } else {
            json_string(json, rank->buffers.items[op->args[i].value].name);
            write_field(json, role, index, OP_ARGS + i, op->args[i].delta);
        }
        json_end(json);
    }
    json_end(json);
}

static void write_op(Json *json, const RankSchedule *rank, const Role *role, int64_t index) {
    const Op *op = &rank->ops.items[index];
    json_object(json, true);
    write_arguments(json, rank, role, index);
    if (op->channel >= 0) {
        json_key(json, "channel");
        write_field(json, role, index, OP_FIELD_CHANNEL, op->channel);
    }
    if (op->exchange >= 0) {
        json_key(json, "exchange");
        write_field(json, role, index, OP_FIELD_EXCHANGE, op->exchange);
    }
    key_int(json, "id", index);
    key_text(json, "kind", op_info[op->kind].name);
    key_int(json, "lag", op->lag);
    key_int(json, "microbatch", op->microbatch);
    key_text(json, "part", plan_part_names[op->part]);
    key_text(json, "rule", op->rule);
    key_text(json, "stream", plan_stream_names[op->stream]);
    int64_t waits = 0;
    while (waits < OP_WAITS && op->waits[waits] >= 0)
        ++waits;
    write_ints(json, "waits", op->waits, waits);
    json_end(json);
}

static void write_steps(Json *json, const Schedule *schedule, const Role *role) {
    const RankSchedule *rank = &schedule->ranks[role->ranks.items[0]];
    json_key(json, "steps");
    json_array(json, false);
    for (int64_t s = 0; s < schedule->plan->steps.count; ++s) {
        json_object(json, false);
        key_text(json, "name", schedule->plan->steps.items[s].name);
        json_key(json, "segments");
        json_array(json, false);
        for (int64_t i = 0; i < rank->steps[s].segments.count; ++i) {
            const Segment *segment = &rank->steps[s].segments.items[i];
            json_object(json, false);
            write_range(json, "layers", segment->layers);
            json_key(json, "operations");
            json_array(json, false);
            for (int64_t k = 0; k < segment->count; ++k)
                write_op(json, rank, role, segment->first + k);
            json_end(json);
            json_end(json);
        }
        json_end(json);
        json_end(json);
    }
    json_end(json);
}

static void write_role(Json *json, const Schedule *schedule, const Role *role) {
    const RankSchedule *rank = &schedule->ranks[role->ranks.items[0]];
    json_object(json, false);
    write_buffers(json, rank);
    json_key(json, "columns");
    json_array(json, false);
    for (int64_t i = 0; i < role->columns.count; ++i) {
        json_object(json, true);
        key_text(json, "name", role->columns.items[i].name);
        write_ints(json, "values", role->columns.items[i].values, role->ranks.count);
        json_end(json);
    }
    json_end(json);
    key_text(json, "name", role->name);
    write_ints(json, "ranks", role->ranks.items, role->ranks.count);
    key_int(json, "slab_bytes", role->slab_bytes);
    write_steps(json, schedule, role);
    json_end(json);
}

void schedule_write(const Schedule *schedule, Buf *out) {
    Json json;
    json_begin(&json, out);
    json_object(&json, false);
    write_channels(&json, schedule);
    write_exchanges(&json, schedule);
    key_text(&json, "plan", schedule->plan->name);
    json_key(&json, "roles");
    json_array(&json, false);
    for (int64_t i = 0; i < schedule->roles.count; ++i)
        write_role(&json, schedule, &schedule->roles.items[i]);
    json_end(&json);
    json_key(&json, "routes");
    json_array(&json, false);
    for (int64_t i = 0; i < schedule->routes.count; ++i)
        write_route(&json, &schedule->plan->inputs.model, &schedule->routes.items[i]);
    json_end(&json);
    key_int(&json, "schema_version", PLAN_SCHEMA_VERSION);
    json_end(&json);
    json_finish(&json);
}
