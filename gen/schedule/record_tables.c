/* record_tables: the tables that a program had, beside the schedule: its bounds, kinds, kernels, steps, the
 * operations of the rank's role, and the channels, exchanges and routes that it takes part in. See record.h. */
#include "schedule/record_check.h"

#include <string.h>

static const char *what(RecordCompare *c, const char *format, va_list args) {
    char text[256];
    vsnprintf(text, sizeof text, format, args);
    return arena_strdup(c->arena, text);
}

void record_number_differs(RecordCompare *c, int64_t op, int64_t got, int64_t want,
                           const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *text = what(c, format, args);
    va_end(args);
    record_differs(c, "E0843", -1, op, "rank %lld: %s is %lld; the schedule has %lld",
                   (long long)c->of->rank, text, (long long)got, (long long)want);
}

void record_text_differs(RecordCompare *c, int64_t op, const char *got, const char *want,
                         const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *text = what(c, format, args);
    va_end(args);
    record_differs(c, "E0843", -1, op, "rank %lld: %s is '%.80s'; the schedule has '%.80s'",
                   (long long)c->of->rank, text, got, want);
}

/* --- the program and the place of the rank ------------------------------------------------------------- */

static bool same_place(RecordCompare *c) {
    const Record *record = c->record;
    const Role *role = &c->schedule->roles.items[c->of->role];
    const PlanRank *rank = &c->plan->ranks.items[c->of->rank];
    int64_t index = 0;
    while (role->ranks.items[index] != c->of->rank)
        index++;
    return SAME(c, -1, record->role, c->of->role, "its role") &&
           SAME(c, -1, record->index, index, "its row in the role's table") &&
           SAME(c, -1, record->node, rank->node, "its node") &&
           SAME(c, -1, record->gpu, rank->gpu, "its GPU") &&
           SAME(c, -1, record->slab_bytes, role->slab_bytes, "the size of its slab") &&
           SAME(c, -1, record->zero_offset, role->state_offset, "the offset of its state") &&
           SAME(c, -1, record->zero_bytes, role->state_bytes, "the size of its state") &&
           SAME_TEXT(c, -1, record->role_name, role->name, "the name of its role");
}

static bool same_bounds(RecordCompare *c) {
    static const char *const names[] = {"batch",      "the prompt bound", "the context bound",
                                        "vocabulary", "copies",           "the element type"};
    const Plan *plan = c->plan;
    const Workload *workload = &plan->inputs.workload;
    const int64_t bounds[] = {workload->batch,   workload->prefill,
                              workload->context, plan->inputs.model.vocabulary,
                              plan->copies,      workload->dtype};
    if (!SAME_TEXT(c, -1, c->record->name, plan->name, "the program's name"))
        return false;
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (!SAME(c, -1, c->record->bounds[i], bounds[i], "%s", names[i]))
            return false;
    return true;
}

static bool same_kernels(RecordCompare *c) {
    const Record *record = c->record;
    if (!SAME(c, -1, record->kinds.count, OP_KINDS, "the number of kinds of operations"))
        return false;
    for (int64_t k = 0; k < OP_KINDS; k++)
        if (!SAME_TEXT(c, -1, record->kinds.items[k], op_info[k].name, "kind %lld", (long long)k))
            return false;
    for (int64_t k = 0; k < record->kernels.count; k++) {
        const RecordKernel *kernel = &record->kernels.items[k];
        if (kernel->kind < 0 || kernel->kind >= OP_KINDS ||
            op_info[kernel->kind].class != OPCLASS_KERNEL) {
            record_number_differs(c, -1, kernel->kind, -1, "the kind of kernel %lld", (long long)k);
            return false;
        }
        int64_t counts[2] = {0, 0};
        const OpArg *args = op_info[kernel->kind].args;
        for (int i = 0; i < OP_ARGS && args[i].type != ARG_NONE; i++)
            counts[args[i].type == ARG_INT]++;
        if (!SAME(c, -1, kernel->longs, counts[0], "the number of addresses for kernel %s",
                  op_info[kernel->kind].name) ||
            !SAME(c, -1, kernel->ints, counts[1], "the number of numbers for kernel %s",
                  op_info[kernel->kind].name))
            return false;
    }
    return true;
}

static bool same_steps(RecordCompare *c) {
    const Plan *plan = c->plan;
    if (!SAME(c, -1, c->record->steps.count, plan->steps.count, "the number of steps"))
        return false;
    for (int64_t s = 0; s < plan->steps.count; s++) {
        const RecordStep *got = &c->record->steps.items[s];
        const PlanStep *step = &plan->steps.items[s];
        if (!SAME_TEXT(c, -1, got->name, step->name, "the name of step %lld", (long long)s) ||
            !SAME(c, -1, got->decode, step->phase == PHASE_DECODE, "step %s: is decode",
                  step->name) ||
            !SAME(c, -1, got->tokens, step->tokens, "step %s: rows a sequence", step->name))
            return false;
    }
    return true;
}

/* --- operations ---------------------------------------------------------------------------------------- */

static bool same_op(RecordCompare *c, int64_t id) {
    const RecordOp *got = &c->record->ops.items[id];
    const Op *op = &c->of->ops.items[id];
    const char *name = op_info[op->kind].name;
    int64_t waits = 0;
    while (waits < OP_WAITS && op->waits[waits] >= 0)
        waits++;
#define OF "operation %lld %s in the table of operations: "
    if (!SAME(c, id, got->kind, op->kind, OF "its kind", (long long)id, name) ||
        !SAME_TEXT(c, id, got->kind_name, name, OF "the name of its kind", (long long)id, name) ||
        !SAME_TEXT(c, id, got->part, plan_part_names[op->part], OF "its part", (long long)id,
                   name) ||
        !SAME(c, id, got->microbatch, op->microbatch, OF "its micro-batch", (long long)id, name) ||
        !SAME(c, id, got->stream, op->stream, OF "its stream", (long long)id, name) ||
        !SAME(c, id, got->records, op->records, OF "whether it records", (long long)id, name) ||
        !SAME(c, id, got->waits.count, waits, OF "the number of its waits", (long long)id, name))
        return false;
    for (int64_t i = 0; i < waits; i++)
        if (!SAME(c, id, got->waits.at[i], op->waits[i], OF "wait %lld", (long long)id, name,
                  (long long)i))
            return false;
#undef OF
    return true;
}

static bool same_ops(RecordCompare *c) {
    if (!SAME(c, -1, c->record->ops.count, c->of->ops.count, "the number of operations"))
        return false;
    for (int64_t id = 0; id < c->of->ops.count; id++)
        if (!same_op(c, id))
            return false;
    return true;
}

/* --- channels ------------------------------------------------------------------------------------------ */

static bool same_transfers(RecordCompare *c, const RecordChannel *got, const Channel *channel) {
    static const char *const names[] = {"from", "to", "begin", "end", "sum"};
    if (!SAME(c, -1, got->transfers.count, 5 * channel->transfers.count,
              "channel %s: five times the number of transfers", channel->name))
        return false;
    for (int64_t i = 0; i < channel->transfers.count; i++) {
        const ChannelTransfer *t = &channel->transfers.items[i];
        const int64_t want[] = {t->from, t->to, t->pieces.begin, t->pieces.end, t->sum};
        for (int64_t j = 0; j < 5; j++)
            if (!SAME(c, -1, got->transfers.at[5 * i + j], want[j], "channel %s, transfer %lld: %s",
                      channel->name, (long long)i, names[j]))
                return false;
    }
    return true;
}

static bool same_channel(RecordCompare *c, const RecordChannel *got, int64_t id) {
    const Channel *channel = &c->schedule->channels.items[id];
    if (!SAME(c, -1, got->id, id, "a channel of this rank, number") ||
        !SAME_TEXT(c, -1, got->name, channel->name, "the name of channel %lld", (long long)id) ||
        !SAME(c, -1, got->pieces, channel->pieces, "channel %s: pieces", channel->name) ||
        !SAME(c, -1, got->ranks.count, channel->ranks.count, "channel %s: members",
              channel->name) ||
        !SAME(c, -1, got->own.count, 2 * channel->own.count,
              "channel %s: twice the number of ranges owned", channel->name))
        return false;
    for (int64_t i = 0; i < channel->ranks.count; i++)
        if (!SAME(c, -1, got->ranks.at[i], channel->ranks.items[i], "channel %s: member %lld",
                  channel->name, (long long)i))
            return false;
    for (int64_t i = 0; i < channel->own.count; i++)
        if (!SAME(c, -1, got->own.at[2 * i], channel->own.items[i].begin,
                  "channel %s: first piece of member %lld", channel->name, (long long)i) ||
            !SAME(c, -1, got->own.at[2 * i + 1], channel->own.items[i].end,
                  "channel %s: end of the pieces of member %lld", channel->name, (long long)i))
            return false;
    return same_transfers(c, got, channel);
}

static bool has_member(const Channel *channel, int64_t rank) {
    for (int64_t i = 0; i < channel->ranks.count; i++)
        if (channel->ranks.items[i] == rank)
            return true;
    return false;
}

static bool same_channels(RecordCompare *c) {
    int64_t next = 0;
    for (int64_t id = 0; id < c->schedule->channels.count; id++) {
        const Channel *channel = &c->schedule->channels.items[id];
        if (!has_member(channel, c->of->rank))
            continue;
        if (next == c->record->channels.count)
            return record_differs(c, "E0843", -1, -1, "rank %lld is no member of channel %s",
                                  (long long)c->of->rank, channel->name);
        if (!same_channel(c, &c->record->channels.items[next++], id))
            return false;
    }
    return SAME(c, -1, c->record->channels.count, next, "the number of its channels");
}

/* --- exchanges ----------------------------------------------------------------------------------------- */

static bool same_ends(RecordCompare *c, const RecordExchange *got, const Exchange *e) {
    if (!SAME(c, -1, got->sources.count, 2 * e->sources.count,
              "exchange %s: twice the number of sources", e->name) ||
        !SAME(c, -1, got->targets.count, 2 * e->targets.count,
              "exchange %s: twice the number of targets", e->name))
        return false;
    for (int64_t i = 0; i < e->sources.count; i++)
        if (!SAME(c, -1, got->sources.at[2 * i], e->sources.items[i].rank,
                  "exchange %s: source %lld", e->name, (long long)i) ||
            !SAME(c, -1, got->sources.at[2 * i + 1],
                  e->sources.items[i].rows.end - e->sources.items[i].rows.begin,
                  "exchange %s: rows of source %lld", e->name, (long long)i))
            return false;
    for (int64_t i = 0; i < e->targets.count; i++)
        if (!SAME(c, -1, got->targets.at[2 * i], e->targets.items[i].rank,
                  "exchange %s: target %lld", e->name, (long long)i) ||
            !SAME(c, -1, got->targets.at[2 * i + 1], e->targets.items[i].slots,
                  "exchange %s: slots of target %lld", e->name, (long long)i))
            return false;
    return true;
}

/* The hops that begin or end at this rank; *next: the record's next one. */
static bool same_hops(RecordCompare *c, int64_t id, int64_t back, int64_t *next) {
    static const char *const names[] = {"exchange", "way", "index",  "stage",
                                        "from",     "to",  "source", "target"};
    const Exchange *e = &c->schedule->exchanges.items[id];
    for (int64_t i = 0; i < e->hops[back].count; i++) {
        const ExchangeHop *hop = &e->hops[back].items[i];
        if (hop->from != c->of->rank && hop->to != c->of->rank)
            continue;
        const int64_t want[] = {id,        back,    i,           hop->stage,
                                hop->from, hop->to, hop->source, hop->target};
        if (*next == c->record->hops.count)
            return record_differs(c, "E0843", -1, -1, "rank %lld: exchange %s lacks hop %lld",
                                  (long long)c->of->rank, e->name, (long long)i);
        const RecordWords *got = &c->record->hops.items[(*next)++];
        for (int64_t j = 0; j < got->count; j++)
            if (!SAME(c, -1, got->at[j], want[j], "exchange %s, hop %lld: %s", e->name,
                      (long long)i, names[j]))
                return false;
    }
    return true;
}

static bool same_exchange(RecordCompare *c, const RecordExchange *got, int64_t id) {
    static const int64_t element_bytes[] = {4, 2, 2};
    const Exchange *e = &c->schedule->exchanges.items[id];
    const PlanInputs *inputs = &c->plan->inputs;
    return SAME(c, -1, got->id, id, "an exchange of this rank, number") &&
           SAME_TEXT(c, -1, got->name, e->name, "the name of exchange %lld", (long long)id) &&
           SAME(c, -1, got->exact, e->mode == MODE_EXACT, "exchange %s: is exact", e->name) &&
           SAME(c, -1, got->chunk, e->chunk, "exchange %s: rows a chunk", e->name) &&
           SAME(c, -1, got->in_flight, e->in_flight, "exchange %s: chunks in flight", e->name) &&
           SAME(c, -1, got->top_k, c->schedule->top_k, "exchange %s: top_k", e->name) &&
           SAME(c, -1, got->row_bytes, inputs->model.hidden * element_bytes[inputs->workload.dtype],
                "exchange %s: bytes a row", e->name) &&
           SAME(c, -1, got->meta_bytes, 4 * c->schedule->top_k,
                "exchange %s: bytes that go with a row", e->name) &&
           SAME(c, -1, got->there_hops, e->hops[0].count, "exchange %s: hops there", e->name) &&
           SAME(c, -1, got->back_hops, e->hops[1].count, "exchange %s: hops back", e->name) &&
           same_ends(c, got, e);
}

static bool takes_part(const Exchange *e, int64_t rank) {
    for (int64_t i = 0; i < e->sources.count; i++)
        if (e->sources.items[i].rank == rank)
            return true;
    for (int64_t i = 0; i < e->targets.count; i++)
        if (e->targets.items[i].rank == rank)
            return true;
    return false;
}

static bool same_exchanges(RecordCompare *c) {
    int64_t next = 0, hop = 0;
    for (int64_t id = 0; id < c->schedule->exchanges.count; id++) {
        const Exchange *e = &c->schedule->exchanges.items[id];
        if (!takes_part(e, c->of->rank))
            continue;
        if (next == c->record->exchanges.count)
            return record_differs(c, "E0843", -1, -1, "rank %lld takes no part in exchange %s",
                                  (long long)c->of->rank, e->name);
        if (!same_exchange(c, &c->record->exchanges.items[next++], id) ||
            !same_hops(c, id, 0, &hop) || !same_hops(c, id, 1, &hop))
            return false;
    }
    return SAME(c, -1, c->record->exchanges.count, next, "the number of its exchanges") &&
           SAME(c, -1, c->record->hops.count, hop, "the number of its hops");
}

/* --- routes -------------------------------------------------------------------------------------------- */

/* Number `index` of a table that was recorded in pieces; false: it is not there. */
static bool number_at(const Record *record, const char *name, int64_t index, int64_t *number) {
    for (int64_t t = 0; t < record->tables.count; t++) {
        const RecordTable *table = &record->tables.items[t];
        if (strcmp(table->name, name) == 0 && table->first >= 0 && index >= table->first &&
            index - table->first < table->numbers.count) {
            *number = table->numbers.at[index - table->first];
            return true;
        }
    }
    return false;
}

static bool same_entry(RecordCompare *c, const char *name, int64_t index, int64_t want) {
    int64_t got;
    if (!number_at(c->record, name, index, &got))
        return record_differs(c, "E0843", -1, -1, "rank %lld: table %s ends at number %lld",
                              (long long)c->of->rank, name, (long long)index);
    return SAME(c, -1, got, want, "number %lld of table %s", (long long)index, name);
}

/* For each table the row of each layer, of all rows; for each row {target, slot} of the parts of each expert. */
static bool same_routes(RecordCompare *c) {
    const Schedule *schedule = c->schedule;
    const Model *model = &c->plan->inputs.model;
    int64_t rows = 0, at = 0, layer_at = 0, recorded = 0;
    for (int64_t t = 0; t < schedule->routes.count; t++) {
        const RouteTable *table = &schedule->routes.items[t];
        for (int64_t layer = 0; layer < model->layers; layer++) {
            int64_t row = table->row_of[layer];
            if (!same_entry(c, "route_rows", layer_at++, row < 0 ? -1 : rows + row))
                return false;
        }
        rows += table->rows;
        for (int64_t i = 0; i < table->rows * schedule->experts * schedule->parts; i++)
            if (!same_entry(c, "routes", at++, table->target[i]) ||
                !same_entry(c, "routes", at++, table->slot[i]))
                return false;
    }
    for (int64_t t = 0; t < c->record->tables.count; t++)
        recorded += c->record->tables.items[t].numbers.count;
    return SAME(c, -1, recorded, at + layer_at, "the number of numbers in tables of routes");
}

bool record_tables_equal(RecordCompare *c) {
    return same_place(c) && same_bounds(c) && same_kernels(c) && same_steps(c) && same_ops(c) &&
           same_channels(c) && same_exchanges(c) && same_routes(c) && record_weights_equal(c);
}
