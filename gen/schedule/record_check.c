/* record_check: goes through what the schedule says of a rank, layer by layer, beside the calls that the rank made.
 * See record.h. */
#include "schedule/record_check.h"

#include "rt_format.h"

#include <string.h>

/* A call as the schedule has it. */
typedef struct Wanted {
    int64_t id, layer, function;
    const Op *op;
    int64_t count;
    int64_t args[OP_ARGS + 1];
    const char *names[OP_ARGS + 1];
} Wanted;

static const char *const function_names[RT_CALLS] = {
    [RT_CALL_LAUNCH] = "rt_launch",
    [RT_CALL_ALL_REDUCE] = "rt_all_reduce",
    [RT_CALL_REDUCE_SCATTER] = "rt_reduce_scatter",
    [RT_CALL_ALL_GATHER] = "rt_all_gather",
    [RT_CALL_TRANSFER] = "rt_transfer",
    [RT_CALL_SEND] = "rt_send",
    [RT_CALL_RECV] = "rt_recv",
    [RT_CALL_DISPATCH] = "rt_dispatch",
    [RT_CALL_COMBINE] = "rt_combine",
    [RT_CALL_BEGIN] = "rt_begin",
    [RT_CALL_FINISH] = "rt_finish",
};

/* The function of a kind that is no kernel has its name. */
static int64_t function_of(int64_t kind) {
    if (op_info[kind].class == OPCLASS_KERNEL)
        return RT_CALL_LAUNCH;
    for (int64_t f = 0; f < RT_CALLS; f++)
        if (strcmp(function_names[f] + strlen("rt_"), op_info[kind].name) == 0)
            return f;
    return -1;
}

bool record_differs(RecordCompare *c, const char *code, int64_t call, int64_t op,
                    const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!c->found.code)
        c->found = (RecordDifference){code, arena_strdup(c->arena, text), call, op};
    return false;
}

/* --- what a call is made with -------------------------------------------------------------------------- */

/* Byte address in the slab. */
static int64_t address(const RecordCompare *c, const Op *op, int arg, int64_t layer) {
    const OpValue *value = &op->args[arg];
    if (value->value < 0)
        return -1;
    const Buffer *buffer = &c->of->buffers.items[value->value];
    int64_t at = buffer->offset + value->delta;
    return buffer->per_layer ? at + (layer - buffer->first_layer) * buffer->layer_stride : at;
}

/* Tables of routes lie one after the other: the row of a table at a layer, -1: none. */
static int64_t route_row(const Schedule *schedule, int64_t table, int64_t layer) {
    int64_t first = 0, row = schedule->routes.items[table].row_of[layer];
    for (int64_t t = 0; t < table; t++)
        first += schedule->routes.items[t].rows;
    return row < 0 ? -1 : first + row;
}

static void want(Wanted *w, const char *name, int64_t value) {
    w->names[w->count] = name;
    w->args[w->count++] = value;
}

/* Arguments as the structs of rt.h and ops.h have them: addresses, then numbers. The workspace of a stage of transfers
 * stands behind the size of its payload, the element type of what may be added up at the end. */
static void want_args(const RecordCompare *c, Wanted *w) {
    static const int8_t transfer[] = {0, 2, 3, 1, 5, 4};
    const Op *op = w->op;
    const OpInfo *info = &op_info[op->kind];
    for (int i = 0; i < OP_ARGS && info->args[i].type != ARG_NONE; i++) {
        int arg = op->kind == OP_transfer ? transfer[i] : i;
        const char *name = info->args[arg].name;
        if (info->args[arg].type != ARG_INT)
            want(w, name, address(c, op, arg, w->layer));
        else if (strcmp(name, "routes") == 0)
            want(w, name, route_row(c->schedule, op->args[arg].value, w->layer));
        else
            want(w, name, op->args[arg].value);
    }
}

/* --- one call ------------------------------------------------------------------------------------------ */

typedef struct Place {
    int64_t call; /* in the record */
    const char *step;
    const RecordRun *run;
} Place;

static const char *place_text(const RecordCompare *c, const Place *at) {
    if (at->run->made > 0)
        return arena_printf(c->arena, "rank %lld, call %lld (wave %lld, %s %lld)",
                            (long long)c->of->rank, (long long)at->call, (long long)at->run->wave,
                            at->step, (long long)at->run->made);
    return arena_printf(c->arena, "rank %lld, call %lld (%s %lld, %s)", (long long)c->of->rank,
                        (long long)at->call, c->record->emulated ? "run" : "wave",
                        (long long)at->run->wave, at->step);
}

static const char *layer_text(Arena *arena, int64_t layer) {
    return layer < 0 ? "" : arena_printf(arena, " at layer %lld", (long long)layer);
}

static const char *wanted_text(const RecordCompare *c, const Wanted *w) {
    return arena_printf(c->arena, "operation %lld %s%s", (long long)w->id,
                        op_info[w->op->kind].name, layer_text(c->arena, w->layer));
}

static const char *call_text(const RecordCompare *c, const RecordCall *call) {
    const char *name = function_names[call->function] + strlen("rt_");
    if (call->function == RT_CALL_LAUNCH) {
        bool known = call->kernel >= 0 && call->kernel < c->record->kernels.count;
        int64_t kind = known ? c->record->kernels.items[call->kernel].kind : -1;
        name = kind >= 0 && kind < OP_KINDS ? op_info[kind].name : "an unknown kernel";
    }
    return arena_printf(c->arena, "operation %lld %s%s", (long long)call->op, name,
                        layer_text(c->arena, call->layer));
}

static bool same_operation(const RecordCompare *c, const Wanted *w, const RecordCall *call) {
    if (call->op != w->id || call->layer != w->layer || call->function != w->function)
        return false;
    if (w->function != RT_CALL_LAUNCH)
        return call->kernel == -1;
    return call->kernel >= 0 && call->kernel < c->record->kernels.count &&
           c->record->kernels.items[call->kernel].kind == w->op->kind;
}

static bool same_number(RecordCompare *c, const Place *at, const Wanted *w, const char *name,
                        int64_t got, int64_t wanted) {
    if (got == wanted)
        return true;
    return record_differs(c, "E0842", at->call, w->id,
                          "%s: %s is made with %s %lld; the schedule has %lld", place_text(c, at),
                          wanted_text(c, w), name, (long long)got, (long long)wanted);
}

static bool same_call(RecordCompare *c, const Place *at, const Wanted *w, const RecordCall *call) {
    if (!same_operation(c, w, call))
        return record_differs(c, "E0842", at->call, call->op,
                              "%s: the program makes %s; the schedule has %s", place_text(c, at),
                              call_text(c, call), wanted_text(c, w));
    if (!same_number(c, at, w, "channel", call->channel,
                     w->function == RT_CALL_LAUNCH ? -1 : w->op->channel) ||
        !same_number(c, at, w, "exchange", call->exchange,
                     op_info[w->op->kind].class == OPCLASS_EXCHANGE ? w->op->exchange : -1) ||
        !same_number(c, at, w, "number of arguments", call->args.count, w->count))
        return false;
    for (int64_t i = 0; i < w->count; i++)
        if (!same_number(c, at, w, w->names[i], call->args.at[i], w->args[i]))
            return false;
    return true;
}

/* --- runs of steps ------------------------------------------------------------------------------------- */

/* Calls of a step in the order of the schedule; `last` may stop early. */
static bool same_run(RecordCompare *c, const RecordRun *run, bool may_stop) {
    const RankStep *step = &c->of->steps[run->step];
    Place at = {run->first, c->plan->steps.items[run->step].name, run};
    int64_t end = run->first + run->count;
    for (int64_t s = 0; s < step->segments.count; s++) {
        const Segment *segment = &step->segments.items[s];
        for (int64_t layer = segment->layers.begin; layer < segment->layers.end; layer++)
            for (int64_t i = 0; i < segment->count; i++) {
                const Op *op = &c->of->ops.items[segment->first + i];
                Wanted w = {.id = segment->first + i,
                            .layer = op->per_layer ? layer - op->lag : -1,
                            .function = function_of(op->kind),
                            .op = op};
                if (at.call == end)
                    return may_stop || record_differs(c, "E0842", at.call, w.id,
                                                      "%s: the step ends; the schedule has %s",
                                                      place_text(c, &at), wanted_text(c, &w));
                want_args(c, &w);
                if (!same_call(c, &at, &w, &c->record->calls[at.call]))
                    return false;
                at.call++;
            }
    }
    if (at.call == end)
        return true;
    return record_differs(c, "E0842", at.call, c->record->calls[at.call].op,
                          "%s: the program makes %s; by the schedule the step has ended",
                          place_text(c, &at), call_text(c, &c->record->calls[at.call]));
}

static int64_t first_step(const Plan *plan, int64_t phase) {
    for (int64_t s = 0; s < plan->steps.count; s++)
        if (plan->steps.items[s].phase == phase)
            return s;
    return -1;
}

/* What is run as number `index`: waves of a prefill and decodes, or in an emulation each step so often. */
static RecordRun wanted_run(const RecordCompare *c, int64_t index) {
    const Record *record = c->record;
    if (record->emulated)
        return (RecordRun){.step = index / record->waves, .wave = index};
    int64_t made = index % (1 + record->decode);
    return (RecordRun){.step = first_step(c->plan, made > 0 ? PHASE_DECODE : PHASE_PREFILL),
                       .wave = index / (1 + record->decode),
                       .made = made};
}

static bool same_runs(RecordCompare *c) {
    const Record *record = c->record;
    int64_t each = record->emulated ? c->plan->steps.count : 1 + record->decode;
    int64_t count = record->runs.count;
    bool ended = record->status == 0;
    if ((each && record->waves > INT32_MAX / each) || count > record->waves * each ||
        (ended && count != record->waves * each))
        return record_differs(c, "E0842", record->call_count, -1,
                              "rank %lld: %lld steps are run; %lld times %lld were asked for",
                              (long long)c->of->rank, (long long)count, (long long)record->waves,
                              (long long)each);
    for (int64_t i = 0; i < count; i++) {
        const RecordRun *run = &record->runs.items[i];
        const RecordRun due = wanted_run(c, i);
        if (run->step != due.step || run->wave != due.wave || run->made != due.made)
            return record_differs(
                c, "E0842", run->first, -1,
                "rank %lld: run %lld is of step %lld, wave %lld, decode step %lld; due is step "
                "%lld, wave %lld, decode step %lld",
                (long long)c->of->rank, (long long)i, (long long)run->step, (long long)run->wave,
                (long long)run->made, (long long)due.step, (long long)due.wave,
                (long long)due.made);
        if (!same_run(c, run, !ended && i + 1 == count))
            return false;
    }
    return true;
}

/* A schedule that was read says of itself what the plan says too; nothing is compared unless they agree. */
static bool is_of_plan(const Schedule *schedule, const Plan *plan) {
    return schedule->world == plan->ranks.count && schedule->steps.count == plan->steps.count &&
           schedule->layers == plan->inputs.model.layers && schedule->experts == plan_experts(plan);
}

static bool same_program(RecordCompare *c, const RecordExpected *expected, int64_t rank) {
    const Record *record = c->record;
    int64_t world = expected->schedule->world;
    if (strcmp(record->digest, expected->digest) != 0 || record->world != world ||
        record->rank != rank)
        return record_differs(c, "E0841", -1, -1,
                              "the record is of rank %lld of %lld of plan %s, not of rank %lld of "
                              "%lld of plan %s",
                              (long long)record->rank, (long long)record->world, record->digest,
                              (long long)rank, (long long)world, expected->digest);
    if (strcmp(record->schedule, expected->schedule_digest) != 0)
        return record_differs(c, "E0841", -1, -1,
                              "rank %lld ran a program of schedule %s, not of schedule %s",
                              (long long)rank, record->schedule, expected->schedule_digest);
    return true;
}

RecordDifference record_check(Arena *arena, const RecordExpected *expected, int64_t rank,
                              const Record *record) {
    const Schedule *schedule = expected->schedule;
    RecordCompare c = {.arena = arena,
                       .plan = expected->plan,
                       .schedule = schedule,
                       .of = &schedule->ranks[rank],
                       .record = record};
    if (!is_of_plan(schedule, expected->plan)) {
        record_differs(&c, "E0841", -1, -1, "the schedule is not one of the plan");
        return c.found;
    }
    if (expected->holdings)
        c.holdings = &expected->holdings->ranks[rank];
    if (same_program(&c, expected, rank) && record_tables_equal(&c))
        same_runs(&c);
    return c.found;
}
