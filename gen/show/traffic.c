/* traffic: asks the counters that programs are verified with, so that what is shown is what is counted. */
#include "traffic.h"

#include <math.h>

/* Probability that a row's top-k of E experts, drawn without replacement, has one of `slots`. */
static double hit(const Model *model, int64_t slots) {
    double miss = 1;
    for (int64_t i = 0; i < model->top_k; ++i)
        miss *= fmax(0, (double)(model->experts - slots - i)) / (double)(model->experts - i);
    return 1 - miss;
}

/* ExchangeCounts: what uniform routing makes of an exchange. */
static void uniform(void *context, int64_t exchange, int64_t call, int64_t layer,
                    ExchangeCount *counts) {
    const Schedule *schedule = context;
    const Exchange *of = &schedule->exchanges.items[exchange];
    const Model *model = &schedule->plan->inputs.model;
    (void)call;
    (void)layer;
    for (int64_t s = 0; s < of->sources.count; ++s)
        for (int64_t t = 0; t < of->targets.count; ++t) {
            double rows = (double)exchange_source_rows(of, s);
            int64_t slots = exchange_chosen_slots(schedule, of, t);
            bool all = exchange_sends_all(schedule, of, s, t);
            double each = (double)model->top_k * (double)slots / (double)model->experts;
            counts[s * of->targets.count + t] =
                (ExchangeCount){.rows = llround(rows * (all ? 1 : hit(model, slots))),
                                .returns = llround(rows * (each + all))};
        }
}

Traffic traffic_of(Arena *arena, const Schedule *schedule, int64_t step) {
    Counters counters = counters_begin(arena, schedule);
    counters.moves = ARENA_ARRAY(arena, TRAFFIC_MOVES * schedule->world * schedule->world, int64_t);
    counters_add_step(schedule, step, 0, 1, uniform, (void *)schedule, &counters);
    return (Traffic){.world = schedule->world,
                     .bytes = counters.bytes,
                     .moves = counters.moves,
                     .operations = counters.operations};
}

int64_t traffic_total(const Traffic *traffic, int64_t move) {
    int64_t pairs = traffic->world * traffic->world, sum = 0;
    for (int64_t i = 0; i < pairs; ++i)
        sum += traffic->moves[move * pairs + i];
    return sum;
}
