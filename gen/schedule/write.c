/* write: the schedule as canonical JSON, by role: what is equal in all ranks once, what differs as the name of a column
 * of the role's table. For people, diffs and tools, and for the small checker, which reads it back (read.c, whose
 * schemas name each key). It looks at no plan, so that what was read can be written again. */
#include "schedule/schedule.h"

#include <string.h>

enum { SIZES = 3 }; /* numbers of a buffer that may differ between the ranks of a role */

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

/* Only where it holds. */
static void write_flag(Jsonw *json, const char *key, bool value) {
    if (!value)
        return;
    jsonw_key(json, key);
    jsonw_bool(json, true);
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
        write_flag(json, "is_exchange", channel->is_exchange);
        write_flag(json, "is_pair", channel->is_pair);
        jsonw_key_string(json, "move", plan_move_names[channel->move]);
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
        jsonw_key_int(json, "copy", exchange->copy);
        jsonw_key_int(json, "in_flight", exchange->in_flight);
        write_flag(json, "local", exchange->local);
        jsonw_key_int(json, "microbatch", exchange->microbatch);
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
            jsonw_key_int(json, "tokens", source->tokens);
            jsonw_end(json);
        }
        jsonw_end(json);
        jsonw_key_int(json, "step", exchange->step);
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
static void write_route(Jsonw *json, const Schedule *schedule, const RouteTable *route) {
    int64_t count = schedule->experts * route->parts;
    jsonw_object(json, false);
    jsonw_key(json, "rows");
    jsonw_array(json, false);
    for (int64_t begin = 0, end; begin < schedule->layers; begin = end) {
        int64_t row = route->row_of[begin];
        for (end = begin + 1; end < schedule->layers && route->row_of[end] == row;)
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
        jsonw_key_int(json, "first_layer", buffer->first_layer);
        jsonw_key_int(json, "layer_stride", buffer->layer_stride);
        jsonw_key_int(json, "layers", buffer->layers);
        jsonw_key_string(json, "name", buffer->name);
        jsonw_key_int(json, "offset", buffer->offset);
        write_flag(json, "per_layer", buffer->per_layer);
        jsonw_key_string(json, "shape", buffer->shape);
        jsonw_key_int(json, "step", buffer->step);
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
    write_flag(json, "per_layer", op->per_layer);
    write_flag(json, "records", op->records);
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
    for (int64_t s = 0; s < schedule->steps.count; ++s) {
        jsonw_object(json, false);
        jsonw_key(json, "captured");
        jsonw_bool(json, rank->steps[s].captured);
        jsonw_key_string(json, "name", schedule->steps.items[s].name);
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

static int64_t size_of(const Buffer *buffer, int field) {
    return field == 0 ? buffer->bytes : field == 1 ? buffer->first_layer : buffer->layers;
}

static bool varies(const Schedule *schedule, const Role *role, int64_t buffer, int field) {
    const Buffer *first = &schedule->ranks[role->ranks.items[0]].buffers.items[buffer];
    bool differs = false;
    for (int64_t r = 1; r < role->ranks.count && !differs; ++r) {
        const Buffer *each = &schedule->ranks[role->ranks.items[r]].buffers.items[buffer];
        differs = field < SIZES ? size_of(each, field) != size_of(first, field)
                                : strcmp(each->shape, first->shape) != 0;
    }
    return differs;
}

/* Sizes of buffers that are not those of the role's first rank, for each rank. */
static void write_varying(Jsonw *json, const Schedule *schedule, const Role *role) {
    static const char *const fields[] = {"bytes", "first_layer", "layers", "shape"};
    int64_t count = schedule->ranks[role->ranks.items[0]].buffers.count;
    jsonw_key(json, "varying");
    jsonw_array(json, false);
    for (int64_t b = 0; b < count; ++b) {
        bool any = false;
        for (int field = 0; field <= SIZES; ++field) {
            if (!varies(schedule, role, b, field))
                continue;
            if (!any) {
                jsonw_object(json, true);
                jsonw_key_int(json, "buffer", b);
            }
            any = true;
            jsonw_key(json, fields[field]);
            jsonw_array(json, true);
            for (int64_t r = 0; r < role->ranks.count; ++r) {
                const Buffer *each = &schedule->ranks[role->ranks.items[r]].buffers.items[b];
                if (field < SIZES)
                    jsonw_int(json, size_of(each, field));
                else
                    jsonw_string(json, each->shape);
            }
            jsonw_end(json);
        }
        if (any)
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
    jsonw_key_int(json, "state_bytes", role->state_bytes);
    jsonw_key_int(json, "state_offset", role->state_offset);
    write_steps(json, schedule, role);
    write_varying(json, schedule, role);
    jsonw_end(json);
}

static void write_step_list(Jsonw *json, const Schedule *schedule) {
    jsonw_key(json, "steps");
    jsonw_array(json, false);
    for (int64_t s = 0; s < schedule->steps.count; ++s) {
        jsonw_object(json, true);
        jsonw_key_int(json, "microbatches", schedule->steps.items[s].microbatches);
        jsonw_key_string(json, "name", schedule->steps.items[s].name);
        jsonw_end(json);
    }
    jsonw_end(json);
}

void schedule_write(const Schedule *schedule, Buf *out) {
    Jsonw json;
    jsonw_begin(&json, out);
    jsonw_object(&json, false);
    write_channels(&json, schedule);
    write_exchanges(&json, schedule);
    jsonw_key_int(&json, "experts", schedule->experts);
    jsonw_key_int(&json, "layers", schedule->layers);
    jsonw_key_int(&json, "parts", schedule->parts);
    jsonw_key_string(&json, "plan", schedule->name);
    jsonw_key(&json, "roles");
    jsonw_array(&json, false);
    for (int64_t i = 0; i < schedule->roles.count; ++i)
        write_role(&json, schedule, &schedule->roles.items[i]);
    jsonw_end(&json);
    jsonw_key(&json, "routes");
    jsonw_array(&json, false);
    for (int64_t i = 0; i < schedule->routes.count; ++i)
        write_route(&json, schedule, &schedule->routes.items[i]);
    jsonw_end(&json);
    jsonw_key_int(&json, "row_bytes", schedule->row_bytes);
    jsonw_key_int(&json, "schema_version", SCHEDULE_SCHEMA_VERSION);
    write_step_list(&json, schedule);
    jsonw_key_int(&json, "top_k", schedule->top_k);
    jsonw_key_int(&json, "world", schedule->world);
    jsonw_end(&json);
    jsonw_finish(&json);
}
