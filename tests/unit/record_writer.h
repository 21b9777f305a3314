/* record_writer: the record that a rank writes which does what its schedule says, for tests of the reader and of the
 * comparison. Made of the schedule alone, by waves of a prefill step and decode steps. */
#pragma once

#include "base/buf.h"
#include "schedule/schedule.h"

#include "rt_format.h"

#include <string.h>

typedef struct RecordWriter {
    const Schedule *schedule;
    const RankSchedule *rank;
    Buf out;
    int64_t words[1024], count, texts;
} RecordWriter;

static inline void writer_add(RecordWriter *w, int64_t word) {
    w->words[w->count++] = word;
}

static inline void writer_put(RecordWriter *w, rt_record_tag tag) {
    rt_record_entry entry = {(uint32_t)tag, (uint32_t)w->count};
    buf_append(&w->out, (const char *)&entry, sizeof entry);
    buf_append(&w->out, (const char *)w->words, (size_t)w->count * sizeof *w->words);
    w->count = 0;
}

static inline int64_t writer_text(RecordWriter *w, const char *text) {
    int64_t held[32], count = w->count; /* words of the entry that the text is for */
    memcpy(held, w->words, (size_t)count * sizeof *held);
    memset(w->words, 0, sizeof w->words);
    memcpy(w->words + 1, text, strlen(text));
    w->words[0] = (int64_t)strlen(text);
    w->count = 1 + ((int64_t)strlen(text) + 7) / 8;
    writer_put(w, RT_RECORD_TEXT);
    memcpy(w->words, held, (size_t)count * sizeof *held);
    w->count = count;
    return w->texts++;
}

static inline void writer_program(RecordWriter *w) {
    const Plan *plan = w->schedule->plan;
    const Workload *workload = &plan->inputs.workload;
    int64_t name = writer_text(w, plan->name);
    int64_t role = writer_text(w, w->schedule->roles.items[w->rank->role].name);
    const int64_t words[] = {name,
                             role,
                             workload->batch,
                             workload->prefill,
                             workload->context,
                             plan->inputs.model.vocabulary,
                             plan->copies,
                             workload->dtype};
    for (int i = 0; i < 8; i++)
        writer_add(w, words[i]);
    writer_put(w, RT_RECORD_PROGRAM);
    for (int k = 0; k < OP_KINDS; k++) {
        writer_add(w, writer_text(w, op_info[k].name));
        writer_put(w, RT_RECORD_KIND);
    }
    for (int k = 0; k < OP_KINDS; k++) { /* every kernel there is, by kind */
        int64_t counts[2] = {0, 0};
        if (op_info[k].class != OPCLASS_KERNEL)
            continue;
        for (int i = 0; i < OP_ARGS && op_info[k].args[i].type != ARG_NONE; i++)
            counts[op_info[k].args[i].type == ARG_INT]++;
        writer_add(w, k);
        writer_add(w, counts[0]);
        writer_add(w, counts[1]);
        writer_put(w, RT_RECORD_KERNEL);
    }
    for (int64_t s = 0; s < plan->steps.count; s++) {
        writer_add(w, writer_text(w, plan->steps.items[s].name));
        writer_add(w, plan->steps.items[s].phase == PHASE_DECODE);
        writer_add(w, plan->steps.items[s].tokens);
        writer_put(w, RT_RECORD_STEP);
    }
    for (int64_t o = 0; o < w->rank->ops.count; o++) {
        const Op *op = &w->rank->ops.items[o];
        int64_t kind = writer_text(w, op_info[op->kind].name);
        const int64_t op_words[] = {
            op->kind,       kind,       writer_text(w, plan_part_names[op->part]),
            op->microbatch, op->stream, op->records};
        for (int i = 0; i < 6; i++)
            writer_add(w, op_words[i]);
        for (int i = 0; i < OP_WAITS && op->waits[i] >= 0; i++)
            writer_add(w, op->waits[i]);
        writer_put(w, RT_RECORD_OP);
    }
}

static inline void writer_channel(RecordWriter *w, int64_t id) {
    const Channel *channel = &w->schedule->channels.items[id];
    bool member = false;
    for (int64_t i = 0; i < channel->ranks.count; i++)
        member = member || channel->ranks.items[i] == w->rank->rank;
    if (!member)
        return;
    const int64_t words[] = {id, writer_text(w, channel->name), channel->pieces,
                             channel->ranks.count, channel->transfers.count};
    for (int i = 0; i < 5; i++)
        writer_add(w, words[i]);
    for (int64_t i = 0; i < channel->ranks.count; i++)
        writer_add(w, channel->ranks.items[i]);
    for (int64_t i = 0; i < channel->own.count; i++) {
        writer_add(w, channel->own.items[i].begin);
        writer_add(w, channel->own.items[i].end);
    }
    for (int64_t i = 0; i < channel->transfers.count; i++) {
        const ChannelTransfer *t = &channel->transfers.items[i];
        const int64_t item[] = {t->from, t->to, t->pieces.begin, t->pieces.end, t->sum};
        for (int j = 0; j < 5; j++)
            writer_add(w, item[j]);
    }
    writer_put(w, RT_RECORD_CHANNEL);
}

static inline void writer_exchange(RecordWriter *w, int64_t id) {
    const Exchange *e = &w->schedule->exchanges.items[id];
    const PlanInputs *inputs = &w->schedule->plan->inputs;
    int64_t rank = w->rank->rank, top_k = w->schedule->top_k;
    if (exchange_find_source(e, rank) < 0 && exchange_find_target(e, rank) < 0)
        return;
    const int64_t words[] = {id,
                             writer_text(w, e->name),
                             e->mode == MODE_EXACT,
                             e->chunk,
                             e->in_flight,
                             top_k,
                             inputs->model.hidden * element_bytes(inputs->workload.dtype),
                             4 * top_k,
                             e->sources.count,
                             e->targets.count,
                             e->hops[0].count,
                             e->hops[1].count};
    for (int i = 0; i < 12; i++)
        writer_add(w, words[i]);
    for (int64_t i = 0; i < e->sources.count; i++) {
        writer_add(w, e->sources.items[i].rank);
        writer_add(w, exchange_source_rows(e, i));
    }
    for (int64_t i = 0; i < e->targets.count; i++) {
        writer_add(w, e->targets.items[i].rank);
        writer_add(w, e->targets.items[i].slots);
    }
    writer_put(w, RT_RECORD_EXCHANGE);
    for (int back = 0; back < 2; back++)
        for (int64_t i = 0; i < e->hops[back].count; i++) {
            const ExchangeHop *h = &e->hops[back].items[i];
            const int64_t hop[] = {id, back, i, h->stage, h->from, h->to, h->source, h->target};
            for (int j = 0; j < 8; j++)
                writer_add(w, hop[j]);
            if (h->from == rank || h->to == rank)
                writer_put(w, RT_RECORD_HOP);
            w->count = 0;
        }
}

static inline void writer_weight(RecordWriter *w, const Holding *h) {
    const Model *model = &w->schedule->plan->inputs.model;
    const Buffer *buffer = &w->rank->buffers.items[h->buffer];
    int64_t kind = h->tensor, rows, columns, fill = 0;
    bool per_layer = tensor_kind_per_layer((TensorKind)kind);
    const char *name = "", *label = tensor_kind_names[kind];
    if (kind == TENSOR_HEAD && !model_has(model, TENSOR_HEAD))
        kind = TENSOR_EMBEDDING;
    for (int64_t i = 0; i < model->tensors.count; i++)
        if (model->tensors.items[i].kind == kind)
            name = model->tensors.items[i].name;
    if (strstr(label, "bias"))
        fill = 2;
    else if (strstr(label, "norm"))
        fill = 1;
    model_tensor_shape(model, (TensorKind)h->tensor, &rows, &columns);
    int64_t at = buffer->offset + h->delta, stride = buffer->per_layer ? buffer->layer_stride : 0;
    const int64_t words[] = {writer_text(w, name),
                             per_layer ? h->layers.begin : -1,
                             per_layer ? h->layers.end : -1,
                             h->expert,
                             rows,
                             columns,
                             h->rows.begin,
                             h->rows.end,
                             h->columns.begin,
                             h->columns.end,
                             at + (h->layers.begin - buffer->first_layer) * buffer->layer_stride,
                             stride,
                             h->pitch,
                             h->type,
                             fill};
    for (int i = 0; i < 15; i++)
        writer_add(w, words[i]);
    writer_put(w, RT_RECORD_WEIGHT);
}

static inline void writer_routes(RecordWriter *w) {
    const Model *model = &w->schedule->plan->inputs.model;
    int64_t name = writer_text(w, "route_rows"), rows = 0, at = 0, layers = 0;
    for (int64_t t = 0; t < w->schedule->routes.count; t++) {
        const RouteTable *table = &w->schedule->routes.items[t];
        writer_add(w, name);
        writer_add(w, layers);
        for (int64_t l = 0; l < model->layers; l++)
            writer_add(w, table->row_of[l] < 0 ? -1 : rows + table->row_of[l]);
        layers += model->layers;
        rows += table->rows;
        writer_put(w, RT_RECORD_TABLE);
    }
    name = writer_text(w, "routes");
    for (int64_t t = 0; t < w->schedule->routes.count; t++) {
        const RouteTable *table = &w->schedule->routes.items[t];
        int64_t each = model->experts * w->schedule->parts;
        for (int64_t row = 0; row < table->rows; row++, at += 2 * each) {
            writer_add(w, name);
            writer_add(w, at);
            for (int64_t i = row * each; i < (row + 1) * each; i++) {
                writer_add(w, table->target[i]);
                writer_add(w, table->slot[i]);
            }
            writer_put(w, RT_RECORD_TABLE);
        }
    }
}

/* The function of a kind, or the id of its kernel. */
static inline int64_t writer_kernel(int64_t kind) {
    int64_t id = 0;
    for (int64_t k = 0; k < kind; k++)
        id += op_info[k].class == OPCLASS_KERNEL;
    return op_info[kind].class == OPCLASS_KERNEL ? id : -1;
}

static inline int64_t writer_function(int64_t kind) {
    static const int64_t of[OP_KINDS] = {[OP_all_reduce] = RT_CALL_ALL_REDUCE,
                                         [OP_reduce_scatter] = RT_CALL_REDUCE_SCATTER,
                                         [OP_all_gather] = RT_CALL_ALL_GATHER,
                                         [OP_transfer] = RT_CALL_TRANSFER,
                                         [OP_send] = RT_CALL_SEND,
                                         [OP_recv] = RT_CALL_RECV,
                                         [OP_dispatch] = RT_CALL_DISPATCH,
                                         [OP_combine] = RT_CALL_COMBINE,
                                         [OP_begin] = RT_CALL_BEGIN,
                                         [OP_finish] = RT_CALL_FINISH};
    return of[kind];
}

static inline int64_t writer_arg(const RecordWriter *w, const Op *op, int i, int64_t layer) {
    const OpArg *arg = &op_info[op->kind].args[i];
    int64_t value = op->args[i].value, first = 0;
    if (arg->type == ARG_INT && strcmp(arg->name, "routes") == 0) {
        for (int64_t t = 0; t < value; t++)
            first += w->schedule->routes.items[t].rows;
        int64_t row = w->schedule->routes.items[value].row_of[layer];
        return row < 0 ? -1 : first + row;
    }
    if (arg->type == ARG_INT || value < 0)
        return value;
    const Buffer *buffer = &w->rank->buffers.items[value];
    return buffer->offset + op->args[i].delta +
           (buffer->per_layer ? (layer - buffer->first_layer) * buffer->layer_stride : 0);
}

static inline void writer_call(RecordWriter *w, int64_t id, int64_t layer) {
    static const int transfer[] = {0, 2, 3, 1, 5, 4};
    const Op *op = &w->rank->ops.items[id];
    OpClass class = op_info[op->kind].class;
    writer_add(w, writer_function(op->kind));
    writer_add(w, id);
    writer_add(w, layer);
    writer_add(w, class == OPCLASS_KERNEL || class == OPCLASS_REQUEST ? -1 : op->channel);
    writer_add(w, class == OPCLASS_EXCHANGE ? op->exchange : -1);
    writer_add(w, writer_kernel(op->kind));
    for (int i = 0; i < OP_ARGS && op_info[op->kind].args[i].type != ARG_NONE; i++)
        writer_add(w, writer_arg(w, op, op->kind == OP_transfer ? transfer[i] : i, layer));
    writer_put(w, RT_RECORD_CALL);
}

static inline void writer_run(RecordWriter *w, int64_t step, int64_t wave, int64_t made) {
    const RankStep *of = &w->rank->steps[step];
    writer_add(w, step);
    writer_add(w, wave);
    writer_add(w, made);
    writer_put(w, RT_RECORD_RUN);
    for (int64_t s = 0; s < of->segments.count; s++)
        for (int64_t l = of->segments.items[s].layers.begin; l < of->segments.items[s].layers.end;
             l++)
            for (int64_t i = 0; i < of->segments.items[s].count; i++) {
                int64_t id = of->segments.items[s].first + i;
                writer_call(w, id, op_layer(&w->rank->ops.items[id], l));
            }
}

/* The record of a rank; the plan's steps are prefill and decode. The caller frees it. */
static inline Buf record_write(const Schedule *schedule, const char *digest,
                               const char *schedule_digest, int64_t rank, int64_t waves,
                               int64_t decode) {
    RecordWriter w = {.schedule = schedule, .rank = &schedule->ranks[rank]};
    const Role *role = &schedule->roles.items[w.rank->role];
    rt_record_header header = {.magic = RT_RECORD_MAGIC,
                               .version = RT_RECORD_VERSION,
                               .run = 7,
                               .rank = (int32_t)rank,
                               .world = (int32_t)schedule->world,
                               .role = (int32_t)w.rank->role,
                               .node = (int32_t)schedule->plan->ranks.items[rank].node,
                               .gpu = (int32_t)schedule->plan->ranks.items[rank].gpu,
                               .decode = (int32_t)decode,
                               .waves = waves,
                               .slab_bytes = role->slab_bytes,
                               .zero_offset = role->state_offset,
                               .zero_bytes = role->state_bytes};
    memcpy(header.digest, digest, strlen(digest));
    memcpy(header.schedule, schedule_digest, strlen(schedule_digest));
    while (role->ranks.items[header.index] != rank)
        header.index++;
    buf_append(&w.out, (const char *)&header, sizeof header);
    writer_program(&w);
    for (int64_t i = 0; i < schedule->channels.count; i++)
        writer_channel(&w, i);
    for (int64_t i = 0; i < schedule->exchanges.count; i++)
        writer_exchange(&w, i);
    for (int64_t i = 0; i < w.rank->holdings.count; i++)
        writer_weight(&w, &w.rank->holdings.items[i]);
    writer_routes(&w);
    for (int64_t wave = 0; wave < waves; wave++)
        for (int64_t made = 0; made <= decode; made++)
            writer_run(&w, made > 0, wave, made);
    header.bytes = w.out.length;
    memcpy(w.out.data, &header, sizeof header);
    return w.out;
}
