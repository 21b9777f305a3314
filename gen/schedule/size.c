/* size: see size.h. Sums are of doubles, so that nothing overflows whatever the plan says. Scratch memory is an arena
 * of its own. */
#include "schedule/size.h"

#include "schedule/place.h"
#include "schedule/schedule.h"

#include <stdlib.h>

enum {
    OPS_AN_ITEM = 16, /* operations that a part is lowered to, at most (attention with its moves) */
    CELL_BYTES = 32,  /* of a layer and expert, for who holds it: lower_routes.c */
};
static const double bytes_max = 0x1p33, operations_max = 0x1p30, buffer_max = 0x1p56;

/* An end of a run of layers in which a part of an expert is held. */
typedef struct End {
    int64_t expert, replica, layer;
    int change; /* +1: begins, -1: ends */
} End;

static int by_layer(const void *left, const void *right) {
    const End *a = left, *b = right;
    if (a->expert != b->expert)
        return a->expert < b->expert ? -1 : 1;
    if (a->replica != b->replica)
        return a->replica < b->replica ? -1 : 1;
    if (a->layer != b->layer)
        return a->layer < b->layer ? -1 : 1;
    return a->change - b->change;
}

/* The most parts that an expert of a replica is cut in, in any layer. */
static double most_parts(const PlanStage *stage, Arena *scratch) {
    ArenaMark mark = arena_mark(scratch);
    int64_t count = 2 * stage->experts.count, open = 0, most = 1;
    End *ends = ARENA_ARRAY(scratch, count + 1, End);
    for (int64_t i = 0; i < stage->experts.count; ++i) {
        const PlanExpert *expert = &stage->experts.items[i];
        ends[2 * i] = (End){expert->expert, expert->replica, expert->layers.begin, 1};
        ends[2 * i + 1] = (End){expert->expert, expert->replica, expert->layers.end, -1};
    }
    qsort(ends, (size_t)count, sizeof *ends, by_layer);
    for (int64_t i = 0; i < count; ++i) {
        open += ends[i].change;
        most = open > most ? open : most;
    }
    arena_rewind(scratch, mark);
    return (double)most;
}

static int by_value(const void *left, const void *right) {
    const int64_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

/* Rows of a route table: layers between whose ends nothing changes share one, and so do those of other stages. */
static double route_rows(const PlanStage *stage, Arena *scratch) {
    ArenaMark mark = arena_mark(scratch);
    int64_t count = 2 * stage->experts.count, rows = 1;
    int64_t *ends = ARENA_ARRAY(scratch, count + 1, int64_t);
    for (int64_t i = 0; i < stage->experts.count; ++i) {
        ends[2 * i] = stage->experts.items[i].layers.begin;
        ends[2 * i + 1] = stage->experts.items[i].layers.end;
    }
    qsort(ends, (size_t)count, sizeof *ends, by_value);
    for (int64_t i = 0; i < count; ++i)
        rows += i == 0 || ends[i] != ends[i - 1];
    arena_rewind(scratch, mark);
    return (double)rows;
}

/* Route tables and what a rank holds. */
static void add_stage(const Plan *plan, const PlanStage *stage, double parts, Arena *scratch,
                      ScheduleSize *size) {
    double cells = route_rows(stage, scratch) * (double)plan_experts(plan), sources = 0, slots = 0;
    for (int64_t g = 0; g < stage->attention.count; ++g)
        sources += (double)stage->attention.items[g].members.count;
    for (int64_t i = 0; i < stage->experts.count; ++i) {
        Range layers = stage->experts.items[i].layers;
        slots += (double)(layers.end - layers.begin);
    }
    double copy = sources * cells * parts * 2 * sizeof(int64_t) +
                  slots * (2 * sizeof(PlaceSlot) + CELL_BYTES);
    size->bytes += (double)plan->copies * copy;
}

/* The most stages of a move within a group: operations of a rank where the move happens. */
static double most_stages(const PlanStep *step) {
    int64_t most = 0;
    for (int64_t i = 0; i < step->moves.count; ++i)
        if (step->moves.items[i].group >= 0 && step->moves.items[i].stages.count > most)
            most = step->moves.items[i].stages.count;
    return (double)most;
}

/* Pieces that moves between groups send in stages: hops of every exchange. */
static double most_hops(const PlanStep *step) {
    double hops = 0;
    for (int64_t i = 0; i < step->moves.count; ++i) {
        const PlanMove *move = &step->moves.items[i];
        for (int64_t s = 0; move->group < 0 && s < move->stages.count; ++s)
            for (int64_t k = 0; k < move->stages.items[s].sets.count; ++k) {
                const PlanSet *set = &move->stages.items[s].sets.items[k];
                for (int64_t t = 0; t < set->transfers.count; ++t)
                    hops += (double)(set->transfers.items[t].pieces.end -
                                     set->transfers.items[t].pieces.begin);
            }
    }
    return hops;
}

static void add_step(const Plan *plan, const PlanStep *step, ScheduleSize *size) {
    double copies = (double)plan->copies, ranks = (double)plan->ranks_per_copy;
    double ops = 0, run = 0, an_item = OPS_AN_ITEM + 2 * most_stages(step);
    for (int64_t o = 0; o < step->orders.count; ++o) {
        const PlanOrder *order = &step->orders.items[o];
        for (int64_t i = 0; i < order->loops.count; ++i) {
            const PlanLoop *loop = &order->loops.items[i];
            double items = (double)loop->items.count * (double)order->ranks.count;
            ops += items * an_item;
            run += items * an_item * (double)(loop->layers.end - loop->layers.begin);
        }
    }
    size->operations += copies * run;
    size->bytes += copies * ops * sizeof(Op);
    /* exchanges: each rank is a source or a target of one a micro-batch */
    size->bytes +=
        copies * (double)step->microbatches *
        ((double)plan->stages.count * sizeof(Exchange) + most_hops(step) * sizeof(ExchangeHop) +
         ranks * (sizeof(ExchangeSource) + sizeof(ExchangeTarget)));
}

/* As if all rows of a copy's batch, for all their choices and parts, lay in one buffer as wide as all widths together;
 * or all experts of a layer. */
static double largest_buffer(const Plan *plan, double parts) {
    const Model *model = &plan->inputs.model;
    double rows = (double)plan_copy_batch(plan) * (double)plan->inputs.workload.context;
    double wide = (double)model->hidden + (double)model->vocabulary +
                  (double)(model->heads + 2 * model->kv_heads) * (double)model->head_dim +
                  (double)model->expert_hidden;
    double activations = rows * (double)plan_choices(plan) * parts * wide;
    double weights = (double)model->experts * (double)model->expert_hidden * (double)model->hidden;
    return sizeof(float) * (activations > weights ? activations : weights);
}

ScheduleSize schedule_size(const Plan *plan) {
    Arena scratch = {0};
    ScheduleSize size = {0};
    double parts = 1;
    for (int64_t i = 0; i < plan->stages.count; ++i) {
        double most = most_parts(&plan->stages.items[i], &scratch);
        parts = most > parts ? most : parts;
    }
    const Model *model = &plan->inputs.model;
    size.bytes = (double)model->layers * (double)plan_experts(plan) * CELL_BYTES *
                 (double)(plan->copies + 1);
    for (int64_t i = 0; i < plan->stages.count; ++i)
        add_stage(plan, &plan->stages.items[i], parts, &scratch, &size);
    for (int64_t i = 0; i < plan->steps.count; ++i)
        add_step(plan, &plan->steps.items[i], &size);
    size.buffer = largest_buffer(plan, parts);
    arena_free(&scratch);
    return size;
}

Status schedule_size_check(const Plan *plan, Diag *diag) {
    ScheduleSize size = schedule_size(plan);
    if (size.bytes > bytes_max)
        return diag_error(diag, diag_nowhere(), "E0524",
                          "use fewer layers, experts, ranks or micro-batches",
                          "the schedule would take about %.0f GiB to prove, of at most %.0f",
                          size.bytes * 0x1p-30, bytes_max * 0x1p-30);
    if (size.operations > operations_max)
        return diag_error(diag, diag_nowhere(), "E0524",
                          "use fewer layers, ranks or micro-batches, or loops over fewer layers",
                          "the schedule would run about %.3g operations, of at most %.3g",
                          size.operations, operations_max);
    if (size.buffer > buffer_max)
        return diag_error(diag, diag_nowhere(), "E0524",
                          "check the sizes of the model, batch, context and prefill",
                          "a buffer would have up to %.3g bytes, of at most %.3g", size.buffer,
                          buffer_max);
    return STATUS_OK;
}
