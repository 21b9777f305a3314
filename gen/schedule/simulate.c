/* simulate: figures of a schedule from its plays. Scratch is freed before return. */
#include "schedule/simulate.h"

#include "schedule/simulate_play.h"

#include <math.h>
#include <stdlib.h>

static void begin_step(Arena *arena, const Schedule *schedule, SimulatedStep *step) {
    *step = (SimulatedStep){0};
    step->ranks = ARENA_ARRAY(arena, schedule->world, SimulatedRank);
    step->resources = ARENA_ARRAY(arena, cost_resource_count(schedule), SimulatedResource);
}

/* --- what moves hide behind
 * --------------------------------------------------------------------------- */

typedef struct Interval {
    double begin, end;
    int64_t move; /* PlanMoveKind, -1: a kernel */
} Interval;

typedef LIST_OF(Interval) Intervals;

/* What a rank did on each stream, kernels of the compute stream apart from moves. */
static void rank_intervals(Arena *scratch, const Play *play, const PlayRank *rank,
                           Intervals *kernels, Intervals moves[PLAY_STREAMS]) {
    int64_t item = rank->first;
    for (int64_t s = 0; s < rank->segment_count; ++s)
        for (int64_t k = 0; k < rank->segments[s].times * rank->segments[s].count; ++k, ++item) {
            const PlaySegment *segment = &rank->segments[s];
            const Op *op = &rank->rank->ops.items[segment->first + k % segment->count];
            bool move = walk_is_move(op);
            if (!move && op->stream != 0)
                continue;
            Intervals *list = move ? &moves[op->stream] : kernels;
            *(Interval *)LIST_PUSH(scratch, list) =
                (Interval){play->begins[item], play->ends[item],
                           move ? play->schedule->channels.items[op->channel].move : -1};
        }
}

/* Of each move the time in which the compute stream ran nothing; both are in order of time. */
static void rank_exposed(const Intervals *kernels, const Intervals *moves, SimulatedRank *result) {
    int64_t first = 0;
    for (int64_t i = 0; i < moves->count; ++i) {
        const Interval *move = &moves->items[i];
        double exposed = move->end - move->begin;
        while (first < kernels->count && kernels->items[first].end <= move->begin)
            ++first;
        for (int64_t k = first; k < kernels->count && kernels->items[k].begin < move->end; ++k)
            exposed -=
                fmin(kernels->items[k].end, move->end) - fmax(kernels->items[k].begin, move->begin);
        result->exposed[move->move] += fmax(0, exposed);
    }
}

static void count_exposed(const Play *play) {
    Arena scratch = {0};
    for (int64_t rank = 0; rank < play->schedule->world; ++rank) {
        ArenaMark mark = arena_mark(&scratch);
        Intervals kernels = {0}, moves[PLAY_STREAMS] = {{0}};
        rank_intervals(&scratch, play, &play->ranks[rank], &kernels, moves);
        for (int s = 0; s < PLAY_STREAMS; ++s)
            rank_exposed(&kernels, &moves[s], &play->result->ranks[rank]);
        arena_rewind(&scratch, mark);
    }
    arena_free(&scratch);
}

/* --- critical path and bound
 * -------------------------------------------------------------------------- */

/* The first of the items that end last; -1 if there are none. */
static int64_t last_item(const Play *play) {
    int64_t last = -1;
    for (int64_t i = 0; i < play->items; ++i)
        if (last < 0 || play->ends[i] > play->ends[last])
            last = i;
    return last;
}

static void critical_path(Arena *arena, const Play *play, SimulatedStep *step) {
    int64_t count = 0;
    for (int64_t i = last_item(play); i >= 0; i = play->blockers[i])
        ++count;
    step->path.items = ARENA_ARRAY(arena, count, SimulatedLink);
    step->path.count = step->path.capacity = count;
    for (int64_t i = last_item(play); i >= 0; i = play->blockers[i]) {
        PlayItem of = play_item(play, i);
        step->path.items[--count] = (SimulatedLink){
            (int32_t)of.rank, (int32_t)of.op, (int32_t)of.layer, play->begins[i], play->ends[i]};
    }
}

/* `low`: a play with low costs and nothing shared. */
static SimulatedBound bound_of(const Schedule *schedule, const SimulatedStep *low) {
    const PlanInputs *inputs = &schedule->plan->inputs;
    SimulatedBound bound = {.chain = low->makespan};
    for (int64_t rank = 0; rank < schedule->world; ++rank) {
        const SimulatedRank *of = &low->ranks[rank];
        const TopologyGpu *gpu =
            &topology_node(&inputs->topology, schedule->plan->ranks.items[rank].node)->gpu;
        bool single = inputs->workload.dtype == ELEMENT_F32;
        bound.compute = fmax(bound.compute, of->flops / (single ? gpu->flops_f32 : gpu->flops));
        bound.memory = fmax(bound.memory, of->bytes / gpu->bandwidth);
    }
    for (int64_t r = 0; r < cost_resource_count(schedule); ++r)
        if (low->resources[r].bytes > 0)
            bound.network =
                fmax(bound.network, low->resources[r].bytes / cost_capacity(schedule, r, COST_LOW));
    bound.seconds = fmax(fmax(bound.compute, bound.memory), fmax(bound.network, bound.chain));
    return bound;
}

static void find_bound(const Schedule *schedule, int64_t index, SimulatedStep *step) {
    Arena scratch = {0};
    SimulatedStep low;
    Play play;
    begin_step(&scratch, schedule, &low);
    play_step(&scratch, schedule, index, COST_LOW, (PlayOptions){.unshared = true}, &low, &play);
    step->bound = bound_of(schedule, &low);
    arena_free(&scratch);
}

static void simulate_step(Arena *arena, const Schedule *schedule, int64_t index, CostCase at,
                          bool full, SimulatedStep *step) {
    Arena scratch = {0};
    Play play;
    bool record = full && at == COST_EXPECTED;
    begin_step(arena, schedule, step);
    play_step(&scratch, schedule, index, at, (PlayOptions){.record = record}, step, &play);
    if (full)
        count_exposed(&play);
    if (record) {
        critical_path(arena, &play, step);
        find_bound(schedule, index, step);
    }
    arena_free(&scratch);
}

/* --- figures
 * ------------------------------------------------------------------------------------------ */

static double makespan(const Simulation *simulation, const Plan *plan, PlanPhase phase,
                       CostCase at) {
    for (int64_t i = 0; i < plan->steps.count; ++i)
        if (plan->steps.items[i].phase == (int64_t)phase)
            return simulation->steps[at][i].makespan;
    return 0;
}

static Simulation simulate_cases(Arena *arena, const Schedule *schedule, bool full) {
    const Plan *plan = schedule->plan;
    const Workload *workload = &plan->inputs.workload;
    Simulation simulation = {0};
    for (int at = 0; at < COST_CASES; ++at) {
        simulation.steps[at] = ARENA_ARRAY(arena, plan->steps.count, SimulatedStep);
        for (int64_t i = 0; i < plan->steps.count; ++i)
            simulate_step(arena, schedule, i, (CostCase)at, full, &simulation.steps[at][i]);
        double prefill = makespan(&simulation, plan, PHASE_PREFILL, (CostCase)at);
        double tpot = makespan(&simulation, plan, PHASE_DECODE, (CostCase)at);
        double batch = (double)workload->batch;
        /* The prefill yields the first new token, each decode step one more, up to the context. */
        double steps = fmax(0, (double)(workload->context - workload->prefill - 1));
        double wave = prefill + steps * tpot;
        simulation.prefill[at] = prefill;
        simulation.tpot[at] = tpot;
        simulation.tps[at] = tpot > 0 ? batch / tpot : 0;
        simulation.throughput[at] =
            wave > 0 ? batch * ((double)workload->prefill + 1 + steps) / wave : 0;
    }
    return simulation;
}

Simulation simulate(Arena *arena, const Schedule *schedule) {
    return simulate_cases(arena, schedule, true);
}

Simulation simulate_times(Arena *arena, const Schedule *schedule) {
    return simulate_cases(arena, schedule, false);
}

SimulatedShares simulate_shares(const Schedule *schedule, const SimulatedStep *step) {
    const PlanInputs *inputs = &schedule->plan->inputs;
    double computing = 0, flops = 0, peak = 0, bytes = 0, bandwidth = 0;
    for (int64_t rank = 0; rank < schedule->world; ++rank) {
        const TopologyGpu *gpu =
            &topology_node(&inputs->topology, schedule->plan->ranks.items[rank].node)->gpu;
        bool single = inputs->workload.dtype == ELEMENT_F32;
        computing += step->ranks[rank].compute;
        flops += step->ranks[rank].flops;
        bytes += step->ranks[rank].bytes;
        peak += single ? gpu->flops_f32 : gpu->flops;
        bandwidth += gpu->bandwidth;
    }
    if (step->makespan <= 0)
        return (SimulatedShares){0};
    return (SimulatedShares){computing / (step->makespan * (double)schedule->world),
                             flops / (step->makespan * peak), bytes / (step->makespan * bandwidth)};
}

/* --- time line
 * ---------------------------------------------------------------------------------------- */

typedef struct Numbered {
    TimelineItem item;
    int32_t number; /* of the play */
} Numbered;

static int by_begin(const void *a, const void *b) {
    const TimelineItem *x = &((const Numbered *)a)->item, *y = &((const Numbered *)b)->item;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->stream != y->stream)
        return x->stream < y->stream ? -1 : 1;
    int32_t first = ((const Numbered *)a)->number, second = ((const Numbered *)b)->number;
    return (first > second) - (first < second);
}

static Numbered numbered(const Play *play, int64_t item) {
    PlayItem of = play_item(play, item);
    const Op *op = &play->ranks[of.rank].rank->ops.items[of.op];
    int64_t blocker = play->blockers[item];
    return (Numbered){.number = (int32_t)item,
                      .item = {.rank = (int32_t)of.rank,
                               .op = (int32_t)of.op,
                               .layer = (int32_t)of.layer,
                               .stream = (int32_t)op->stream,
                               .ready = play->readies[item],
                               .begin = play->begins[item],
                               .end = play->ends[item],
                               .meeting = play->meetings[item],
                               .blocker = (int32_t)blocker}};
}

Timeline simulate_timeline(Arena *arena, const Schedule *schedule, int64_t step, CostCase at) {
    Arena scratch = {0};
    SimulatedStep result;
    Play play;
    begin_step(&scratch, schedule, &result);
    play_step(&scratch, schedule, step, at, (PlayOptions){.record = true}, &result, &play);
    Numbered *items = ARENA_ARRAY(&scratch, play.items, Numbered);
    int32_t *place = ARENA_ARRAY(&scratch, play.items, int32_t);
    for (int64_t i = 0; i < play.items; ++i)
        items[i] = numbered(&play, i);
    for (int64_t i = last_item(&play); i >= 0; i = play.blockers[i])
        items[i].item.critical = true;
    qsort(items, (size_t)play.items, sizeof *items, by_begin);
    for (int64_t i = 0; i < play.items; ++i)
        place[items[i].number] = (int32_t)i;
    Timeline timeline = {.makespan = result.makespan};
    timeline.items.items = ARENA_ARRAY(arena, play.items, TimelineItem);
    timeline.items.count = timeline.items.capacity = play.items;
    for (int64_t i = 0; i < play.items; ++i) {
        timeline.items.items[i] = items[i].item;
        if (items[i].item.blocker >= 0)
            timeline.items.items[i].blocker = place[items[i].item.blocker];
    }
    arena_free(&scratch);
    return timeline;
}
