/* json: one rank for tools: its place, holdings, buffers, and operations by step with named
 * arguments. */
#include "base/jsonw.h"
#include "show/show.h"
#include "words.h"

static void write_holdings(Jsonw *json, const RankSchedule *rank) {
    jsonw_key(json, "holdings");
    jsonw_array(json, false);
    for (int64_t i = 0; i < rank->holdings.count; ++i) {
        const Holding *holding = &rank->holdings.items[i];
        jsonw_object(json, true);
        jsonw_key_string(json, "buffer", rank->buffers.items[holding->buffer].name);
        schedule_write_range(json, "columns", holding->columns);
        if (holding->expert >= 0)
            jsonw_key_int(json, "expert", holding->expert);
        schedule_write_range(json, "layers", holding->layers);
        jsonw_key(json, "primary");
        jsonw_bool(json, holding->primary);
        schedule_write_range(json, "rows", holding->rows);
        jsonw_key_string(json, "tensor", tensor_kind_names[holding->tensor]);
        jsonw_end(json);
    }
    jsonw_end(json);
}

/* Arguments as a list: their names are in the order of ops.def, not of the alphabet. */
static void write_arguments(Jsonw *json, const RankSchedule *rank, const Op *op) {
    jsonw_key(json, "arguments");
    jsonw_array(json, true);
    for (int a = 0; a < OP_ARGS && op_info[op->kind].args[a].type != ARG_NONE; ++a) {
        const OpArg *info = &op_info[op->kind].args[a];
        if (info->type != ARG_INT && op->args[a].value < 0)
            continue;
        jsonw_object(json, true);
        if (info->type == ARG_INT) {
            jsonw_key_string(json, "name", info->name);
            jsonw_key_int(json, "value", op->args[a].value);
        } else {
            jsonw_key_string(json, "buffer", rank->buffers.items[op->args[a].value].name);
            jsonw_key_int(json, "delta", op->args[a].delta);
            jsonw_key_string(json, "name", info->name);
        }
        jsonw_end(json);
    }
    jsonw_end(json);
}

static void write_op(Jsonw *json, const Schedule *schedule, const RankSchedule *rank, int64_t id,
                     Buf *words) {
    const Op *op = &rank->ops.items[id];
    buf_clear(words);
    words_op(schedule, rank->rank, op, words);
    jsonw_object(json, false);
    write_arguments(json, rank, op);
    if (op->channel >= 0)
        jsonw_key_string(json, "channel", schedule->channels.items[op->channel].name);
    if (op->exchange >= 0)
        jsonw_key_string(json, "exchange", schedule->exchanges.items[op->exchange].name);
    jsonw_key_int(json, "id", id);
    jsonw_key_string(json, "kind", op_info[op->kind].name);
    jsonw_key_int(json, "lag", op->lag);
    jsonw_key_int(json, "microbatch", op->microbatch);
    jsonw_key_string(json, "part", plan_part_names[op->part]);
    jsonw_key_string(json, "rule", op->rule);
    jsonw_key_string(json, "stream", plan_stream_names[op->stream]);
    jsonw_key(json, "waits");
    jsonw_array(json, true);
    for (int w = 0; w < OP_WAITS && op->waits[w] >= 0; ++w)
        jsonw_int(json, op->waits[w]);
    jsonw_end(json);
    jsonw_key_string(json, "words", words->data);
    jsonw_end(json);
}

static void write_step(Jsonw *json, const Schedule *schedule, const RankSchedule *rank,
                       int64_t step) {
    Buf words = {0};
    jsonw_object(json, false);
    jsonw_key_string(json, "name", schedule->plan->steps.items[step].name);
    jsonw_key(json, "segments");
    jsonw_array(json, false);
    for (int64_t i = 0; i < rank->steps[step].segments.count; ++i) {
        const Segment *segment = &rank->steps[step].segments.items[i];
        jsonw_object(json, false);
        schedule_write_range(json, "layers", segment->layers);
        jsonw_key(json, "operations");
        jsonw_array(json, false);
        for (int64_t k = segment->first; k < segment->first + segment->count; ++k)
            write_op(json, schedule, rank, k, &words);
        jsonw_end(json);
        jsonw_end(json);
    }
    jsonw_end(json);
    jsonw_end(json);
    buf_free(&words);
}

void show_rank_json(const Schedule *schedule, int64_t rank, Buf *out) {
    const RankSchedule *of = &schedule->ranks[rank];
    const PlanRank *place = &schedule->plan->ranks.items[rank];
    Jsonw json;
    jsonw_begin(&json, out);
    jsonw_object(&json, false);
    schedule_write_buffers(&json, of);
    jsonw_key_int(&json, "gpu", place->gpu);
    write_holdings(&json, of);
    jsonw_key_int(&json, "node", place->node);
    jsonw_key_int(&json, "rank", rank);
    jsonw_key_string(&json, "role", schedule->roles.items[of->role].name);
    jsonw_key_int(&json, "slab_bytes", of->slab_bytes);
    jsonw_key(&json, "steps");
    jsonw_array(&json, false);
    for (int64_t step = 0; step < schedule->plan->steps.count; ++step)
        write_step(&json, schedule, of, step);
    jsonw_end(&json);
    jsonw_end(&json);
    jsonw_finish(&json);
}
