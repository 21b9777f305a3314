/* simulate: see the header. Scratch is freed before return. */
#include "schedule/simulate.h"

#include "schedule/walk.h"

#include <assert.h>
#include <math.h>

enum { STREAMS = 4, SIMULATE_SCHEMA_VERSION = 1 };

typedef struct Running {
    double free[STREAMS]; /* when each stream has done what it was given */
    double *done;         /* [ops] end of the last execution */
} Running;

/* The last cost of a channel or exchange: equal bodies move equal sizes. */
typedef struct Priced {
    int64_t kind, units, unit_bytes;
    double seconds;
    bool known;
} Priced;

typedef struct Simulator {
    const Schedule *schedule;
    CostCase at;
    SimulatedStep *step;
    Running *ranks;    /* [world] */
    Priced *channels;  /* [channels] */
    Priced *exchanges; /* [exchanges x 2] dispatch, combine */
} Simulator;

/* --- events
 * ------------------------------------------------------------------------------------------- */

static int64_t moved(const Simulator *simulator, const Op *op) {
    return simulator->schedule->channels.items[op->channel].move;
}

/* When the operation could begin, and the move (PlanMoveKind) that it then waits for on another
 * stream (-1: none). */
static double ready(const Simulator *simulator, int64_t rank, const Op *op, int64_t *move) {
    const Running *running = &simulator->ranks[rank];
    double at = running->free[op->stream];
    *move = -1;
    for (int w = 0; w < OP_WAITS && op->waits[w] >= 0; ++w) {
        if (running->done[op->waits[w]] <= at)
            continue;
        const Op *waited = &simulator->schedule->ranks[rank].ops.items[op->waits[w]];
        at = running->done[op->waits[w]];
        *move = walk_is_move(waited) ? moved(simulator, waited) : -1;
    }
    return at;
}

static void finish(Simulator *simulator, int64_t rank, int64_t id, double begin, double end) {
    const Op *op = &simulator->schedule->ranks[rank].ops.items[id];
    Running *running = &simulator->ranks[rank];
    SimulatedRank *result = &simulator->step->ranks[rank];
    bool move = walk_is_move(op);
    result->busy[op->kind] += end - begin;
    if (move)
        result->moving[moved(simulator, op)] += end - begin;
    else
        result->compute += end - begin;
    if (op->stream == 0 && move)
        result->exposed[moved(simulator, op)] += end - running->free[0];
    running->free[op->stream] = end;
    running->done[id] = end;
    result->end = fmax(result->end, end);
    simulator->step->makespan = fmax(simulator->step->makespan, end);
}

static void on_local(void *context, int64_t rank, WalkItem item) {
    Simulator *simulator = context;
    const Op *op = &simulator->schedule->ranks[rank].ops.items[item.op];
    int64_t move;
    double begin = ready(simulator, rank, op, &move);
    if (op->stream == 0 && move >= 0)
        simulator->step->ranks[rank].exposed[move] += begin - simulator->ranks[rank].free[0];
    finish(simulator, rank, item.op, begin,
           begin + cost_kernel(simulator->schedule, rank, op, simulator->at));
}

static double price(Simulator *simulator, const Op *op) {
    if (op_info[op->kind].class == OPCLASS_EXCHANGE) {
        Priced *priced = &simulator->exchanges[2 * op->exchange + (op->kind == OP_combine)];
        if (!priced->known)
            priced->seconds = cost_exchange(simulator->schedule, op, simulator->at);
        priced->known = true;
        return priced->seconds;
    }
    if (op_info[op->kind].class == OPCLASS_PAIR)
        return cost_pair(simulator->schedule, op, simulator->at);
    Priced now = {.kind = op->kind,
                  .units = op->args[op_arg((OpKind)op->kind, "units")].value,
                  .unit_bytes = op->args[op_arg((OpKind)op->kind, "unit_bytes")].value,
                  .known = true};
    Priced *priced = &simulator->channels[op->channel];
    if (!priced->known || priced->kind != now.kind || priced->units != now.units ||
        priced->unit_bytes != now.unit_bytes) {
        now.seconds = cost_collective(simulator->schedule, op, simulator->at);
        *priced = now;
    }
    return priced->seconds;
}

static void on_meet(void *context, const WalkMeeting *meeting) {
    Simulator *simulator = context;
    const Schedule *schedule = simulator->schedule;
    double begin = 0;
    for (int64_t i = 0; i < meeting->count; ++i) {
        const Op *op = &schedule->ranks[meeting->ranks[i]].ops.items[meeting->items[i].op];
        int64_t move;
        begin = fmax(begin, ready(simulator, meeting->ranks[i], op, &move));
    }
    const Op *op = &schedule->ranks[meeting->ranks[0]].ops.items[meeting->items[0].op];
    double seconds = price(simulator, op);
    for (int64_t i = 0; i < meeting->count; ++i)
        finish(simulator, meeting->ranks[i], meeting->items[i].op, begin, begin + seconds);
}

static void simulate_step(Arena *arena, const Schedule *schedule, int64_t index, CostCase at,
                          SimulatedStep *step) {
    Arena scratch = {0};
    step->ranks = ARENA_ARRAY(arena, schedule->world, SimulatedRank);
    Simulator simulator = {.schedule = schedule, .at = at, .step = step};
    simulator.ranks = ARENA_ARRAY(&scratch, schedule->world, Running);
    simulator.channels = ARENA_ARRAY(&scratch, schedule->channels.count, Priced);
    simulator.exchanges = ARENA_ARRAY(&scratch, 2 * schedule->exchanges.count, Priced);
    for (int64_t rank = 0; rank < schedule->world; ++rank)
        simulator.ranks[rank].done = ARENA_ARRAY(&scratch, schedule->ranks[rank].ops.count, double);
    WalkVisitor visitor = {&simulator, on_local, on_meet};
    WalkStuck stuck;
    bool ended = walk_run(schedule, index, &visitor, &scratch, &stuck);
    assert(ended);
    (void)ended;
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

Simulation simulate(Arena *arena, const Schedule *schedule) {
    const Plan *plan = schedule->plan;
    const Workload *workload = &plan->inputs.workload;
    Simulation simulation = {0};
    for (int at = 0; at < COST_CASES; ++at) {
        simulation.steps[at] = ARENA_ARRAY(arena, plan->steps.count, SimulatedStep);
        for (int64_t i = 0; i < plan->steps.count; ++i)
            simulate_step(arena, schedule, i, (CostCase)at, &simulation.steps[at][i]);
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

/* --- prediction.json
 * ---------------------------------------------------------------------------------- */

/* Keys in byte order: expected, high, low. A rate is lowest where times are highest. */
static void write_interval(Jsonw *json, const char *key, const double value[COST_CASES],
                           bool rate) {
    jsonw_key(json, key);
    jsonw_object(json, true);
    jsonw_key(json, "expected");
    jsonw_real(json, value[COST_EXPECTED]);
    jsonw_key(json, "high");
    jsonw_real(json, value[rate ? COST_LOW : COST_HIGH]);
    jsonw_key(json, "low");
    jsonw_real(json, value[rate ? COST_HIGH : COST_LOW]);
    jsonw_end(json);
}

static void write_assumptions(Jsonw *json) {
    jsonw_key(json, "assumptions");
    jsonw_array(json, false);
    for (int i = 0; i < COST_FACTORS; ++i) {
        const CostFactor *factor = &cost_factors[i];
        if (i == COST_COMPUTE || i == COST_MEMORY)
            continue; /* of the tables below, and none in the lower bound */
        jsonw_object(json, true);
        jsonw_key(json, "name");
        jsonw_string(json, factor->name);
        jsonw_key(json, "source");
        jsonw_string(json, factor->source);
        jsonw_key(json, "unit");
        jsonw_string(json, factor->unit);
        jsonw_key(json, "values");
        jsonw_array(json, true);
        for (int at = 0; at < COST_CASES; ++at)
            jsonw_real(json, factor->value[at]);
        jsonw_end(json);
        jsonw_end(json);
    }
    jsonw_end(json);
}

static void write_table(Jsonw *json, const char *key, const CostEfficiency *table) {
    jsonw_key(json, key);
    jsonw_array(json, true);
    for (;; ++table) {
        jsonw_array(json, true);
        jsonw_real(json, table->amount);
        jsonw_real(json, table->efficiency);
        jsonw_end(json);
        if (table->amount == 0)
            break;
    }
    jsonw_end(json);
}

static void write_efficiency(Jsonw *json) {
    jsonw_key(json, "efficiency_by_size");
    jsonw_object(json, false);
    write_table(json, "bytes", cost_memory_efficiency);
    write_table(json, "flops", cost_flops_efficiency);
    jsonw_key(json, "high");
    jsonw_string(json, "half of it; in the low case all is 1");
    jsonw_key(json, "source");
    jsonw_string(json, cost_efficiency_source);
    jsonw_end(json);
}

/* A figure of a rank: member [index] of one of its arrays. */
typedef enum Figure { FIGURE_BUSY, FIGURE_MOVING, FIGURE_EXPOSED } Figure;

static double figure_of(const SimulatedRank *rank, Figure figure, int index) {
    return figure == FIGURE_BUSY     ? rank->busy[index]
           : figure == FIGURE_MOVING ? rank->moving[index]
                                     : rank->exposed[index];
}

/* The largest over ranks, by case. */
static void most(const Simulation *simulation, int64_t world, int64_t step, Figure figure,
                 int index, double value[COST_CASES]) {
    for (int at = 0; at < COST_CASES; ++at) {
        value[at] = 0;
        for (int64_t rank = 0; rank < world; ++rank)
            value[at] =
                fmax(value[at], figure_of(&simulation->steps[at][step].ranks[rank], figure, index));
    }
}

static void write_kinds(Jsonw *json, const Simulation *simulation, int64_t world, int64_t step) {
    jsonw_key(json, "kinds");
    jsonw_array(json, false);
    for (int kind = 0; kind < OP_KINDS; ++kind) {
        double busy[COST_CASES];
        most(simulation, world, step, FIGURE_BUSY, kind, busy);
        if (busy[COST_HIGH] <= 0)
            continue;
        jsonw_object(json, true);
        write_interval(json, "busiest_rank_s", busy, false);
        jsonw_key(json, "kind");
        jsonw_string(json, op_info[kind].name);
        jsonw_end(json);
    }
    jsonw_end(json);
}

static void write_moves(Jsonw *json, const Simulation *simulation, int64_t world, int64_t step) {
    jsonw_key(json, "moves");
    jsonw_array(json, false);
    for (int move = 0; move < SIMULATE_MOVES; ++move) {
        double moving[COST_CASES], exposed[COST_CASES];
        most(simulation, world, step, FIGURE_MOVING, move, moving);
        most(simulation, world, step, FIGURE_EXPOSED, move, exposed);
        if (moving[COST_HIGH] <= 0)
            continue;
        jsonw_object(json, true);
        write_interval(json, "exposed_s", exposed, false);
        jsonw_key(json, "move");
        jsonw_string(json, plan_move_names[move]);
        write_interval(json, "under_way_s", moving, false);
        jsonw_end(json);
    }
    jsonw_end(json);
}

static void write_ranks(Jsonw *json, const SimulatedStep *step, int64_t world) {
    jsonw_key(json, "ranks");
    jsonw_array(json, false);
    for (int64_t rank = 0; rank < world; ++rank) {
        const SimulatedRank *of = &step->ranks[rank];
        double exposed = 0;
        for (int move = 0; move < SIMULATE_MOVES; ++move)
            exposed += of->exposed[move];
        jsonw_object(json, true);
        jsonw_key(json, "compute_s");
        jsonw_real(json, of->compute);
        jsonw_key(json, "exposed_moves_s");
        jsonw_real(json, exposed);
        jsonw_key(json, "rank");
        jsonw_int(json, rank);
        jsonw_end(json);
    }
    jsonw_end(json);
}

static void write_step(Jsonw *json, const Simulation *simulation, const Schedule *schedule,
                       int64_t index) {
    double seconds[COST_CASES];
    for (int at = 0; at < COST_CASES; ++at)
        seconds[at] = simulation->steps[at][index].makespan;
    jsonw_object(json, false);
    write_kinds(json, simulation, schedule->world, index);
    write_moves(json, simulation, schedule->world, index);
    jsonw_key(json, "name");
    jsonw_string(json, schedule->plan->steps.items[index].name);
    write_ranks(json, &simulation->steps[COST_EXPECTED][index], schedule->world);
    write_interval(json, "seconds", seconds, false);
    jsonw_end(json);
}

void simulate_write(const Simulation *simulation, const Schedule *schedule, Buf *out) {
    Jsonw json;
    jsonw_begin(&json, out);
    jsonw_object(&json, false);
    write_assumptions(&json);
    write_efficiency(&json);
    jsonw_key(&json, "method");
    jsonw_string(&json,
                 "A roofline and latency-bandwidth estimate of the cluster in the topology at "
                 "the bounds of the workload, experts chosen uniformly; no measurement. low "
                 "is a lower bound on times, high a pessimistic case.");
    write_interval(&json, "prefill_s", simulation->prefill, false);
    jsonw_key(&json, "schema_version");
    jsonw_int(&json, SIMULATE_SCHEMA_VERSION);
    jsonw_key(&json, "steps");
    jsonw_array(&json, false);
    for (int64_t i = 0; i < schedule->plan->steps.count; ++i)
        write_step(&json, simulation, schedule, i);
    jsonw_end(&json);
    write_interval(&json, "throughput_tokens_per_s", simulation->throughput, true);
    write_interval(&json, "tpot_s", simulation->tpot, false);
    write_interval(&json, "tps_new_tokens_per_s", simulation->tps, true);
    jsonw_end(&json);
    jsonw_finish(&json);
}
