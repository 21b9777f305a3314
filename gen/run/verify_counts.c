/* verify_counts: how many rows an exact exchange moves, from the reference's choices: a row
 * crosses once per target that holds one of its experts, a result row comes back for each choice
 * and part held there. Masked rows and dropped choices do not travel. */
#include "run/verify.h"

#include <string.h>

/* Route table that a source packs an exchange by: the schedule's pack operation says. */
static int64_t find_route(const Schedule *schedule, int64_t rank, int64_t exchange) {
    const RankSchedule *of = &schedule->ranks[rank];
    int by = op_arg(OP_pack, "exchange"), routes = op_arg(OP_pack, "routes");
    for (int64_t i = 0; i < of->ops.count; i++) {
        const Op *op = &of->ops.items[i];
        if (op->kind == OP_pack && op->args[by].value == exchange)
            return op->args[routes].value;
    }
    return -1;
}

void verify_routing_begin(Arena *arena, const Schedule *schedule, const Tokens *tokens,
                          const ReferenceResult *reference, VerifyRouting *routing) {
    *routing = (VerifyRouting){.schedule = schedule, .tokens = tokens, .reference = reference};
    for (int64_t e = 0; e < schedule->exchanges.count; e++)
        if (schedule->exchanges.items[e].sources.count > routing->most_sources)
            routing->most_sources = schedule->exchanges.items[e].sources.count;
    routing->routes =
        ARENA_ARRAY(arena, schedule->exchanges.count * routing->most_sources, int64_t);
    for (int64_t e = 0; e < schedule->exchanges.count; e++) {
        const Exchange *exchange = &schedule->exchanges.items[e];
        for (int64_t s = 0; s < exchange->sources.count; s++)
            routing->routes[e * routing->most_sources + s] =
                find_route(schedule, exchange->sources.items[s].rank, e);
    }
}

/* One run of a step: which sequences it works on, and at which position. */
typedef struct Call {
    int64_t wave, decode_step; /* -1: prefill */
} Call;

static Call call_of(const VerifyRouting *routing, const Exchange *exchange, int64_t call) {
    const PlanStep *step = &routing->schedule->plan->steps.items[exchange->step];
    int64_t steps = routing->tokens->max_new - 1;
    if (step->phase == PHASE_PREFILL)
        return (Call){call, -1};
    return (Call){call / steps, call % steps};
}

/* The choices of a row of a source at a layer; NULL: the row is masked. */
static const int32_t *row_choices(const VerifyRouting *routing, const ExchangeSource *source,
                                  Call call, int64_t row, int64_t layer) {
    const Tokens *tokens = routing->tokens;
    int64_t batch = routing->schedule->plan->inputs.workload.batch;
    int64_t in_wave = source->first_sequence + row / source->tokens;
    int64_t sequence = call.wave * batch + in_wave;
    if (in_wave >= batch || sequence >= tokens->sequences)
        return NULL;
    int64_t length = tokens->lengths[sequence], position = row % source->tokens;
    if (call.decode_step >= 0)
        position = length + call.decode_step;
    else if (position >= length)
        return NULL;
    return reference_choices(routing->reference, sequence, position, layer);
}

/* Add one row's choices to the counts of its source [targets]. */
static void count_row(const RouteTable *table, const Schedule *schedule, const int32_t *choices,
                      int64_t layer, int64_t targets, ExchangeCount *counts) {
    const Model *model = &schedule->plan->inputs.model;
    for (int64_t t = 0; t < targets; t++) {
        int64_t results = 0;
        for (int64_t k = 0; k < schedule->top_k; k++) {
            int64_t expert = k < model->top_k ? choices[k] : plan_shared_expert(schedule->plan);
            if (expert < 0)
                continue;
            const int64_t *parts =
                table->target + route_parts_at(table, schedule->experts, layer, expert);
            for (int64_t p = 0; p < table->parts; p++)
                results += parts[p] == t;
        }
        counts[t].rows += results > 0;
        counts[t].returns += results;
    }
}

void verify_exchange_counts(void *context, int64_t id, int64_t number, int64_t layer,
                            ExchangeCount *counts) {
    const VerifyRouting *routing = context;
    const Schedule *schedule = routing->schedule;
    const Exchange *exchange = &schedule->exchanges.items[id];
    int64_t sources = exchange->sources.count, targets = exchange->targets.count;
    Call call = call_of(routing, exchange, number);
    memset(counts, 0, (size_t)(sources * targets) * sizeof *counts);
    for (int64_t s = 0; s < sources; s++) {
        const ExchangeSource *source = &exchange->sources.items[s];
        int64_t route = routing->routes[id * routing->most_sources + s];
        if (route < 0)
            continue;
        for (int64_t row = source->rows.begin; row < source->rows.end; row++) {
            const int32_t *choices = row_choices(routing, source, call, row, layer);
            if (choices)
                count_row(&schedule->routes.items[route], schedule, choices, layer, targets,
                          counts + s * targets);
        }
    }
}
