/* simulate_write: prediction.json. It computes nothing but sums and shares. */
#include "schedule/simulate.h"

#include <math.h>

enum { SIMULATE_SCHEMA_VERSION = 2 };

/* --- pieces
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

static void write_real(Jsonw *json, const char *key, double value) {
    jsonw_key(json, key);
    jsonw_real(json, value);
}

/* The constants and tables behind it all, with their sources. */
static void write_cost(Jsonw *json) {
    jsonw_key(json, "cost_model");
    schema_write(&cost_model_schema, cost_model(), json);
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

/* Of a kind of move over all ranks: how much of the time under way did computing not stand still. */
static double hidden(const SimulatedStep *step, int64_t world, int move) {
    double moving = 0, exposed = 0;
    for (int64_t rank = 0; rank < world; ++rank) {
        moving += step->ranks[rank].moving[move];
        exposed += step->ranks[rank].exposed[move];
    }
    return moving > 0 ? 1 - exposed / moving : 0;
}

static void write_moves(Jsonw *json, const Simulation *simulation, int64_t world, int64_t step) {
    const SimulatedStep *expected = &simulation->steps[COST_EXPECTED][step];
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
        write_real(json, "hidden_share", hidden(expected, world, move));
        jsonw_key_string(json, "move", plan_move_names[move]);
        write_real(json, "share_of_step", moving[COST_EXPECTED] / expected->makespan);
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
        write_real(json, "compute_s", of->compute);
        write_real(json, "exposed_moves_s", exposed);
        write_real(json, "flops", of->flops);
        write_real(json, "memory_bytes", of->bytes);
        jsonw_key_int(json, "rank", rank);
        jsonw_end(json);
    }
    jsonw_end(json);
}

static void write_bound(Jsonw *json, const SimulatedStep *step) {
    const SimulatedBound *bound = &step->bound;
    jsonw_key(json, "bound");
    jsonw_object(json, true);
    write_real(json, "chain_s", bound->chain);
    write_real(json, "compute_s", bound->compute);
    write_real(json, "memory_s", bound->memory);
    write_real(json, "network_s", bound->network);
    write_real(json, "seconds", bound->seconds);
    write_real(json, "times_the_bound", bound->seconds > 0 ? step->makespan / bound->seconds : 0);
    jsonw_end(json);
}

static void write_path(Jsonw *json, const Schedule *schedule, const SimulatedStep *step) {
    double by_kind[OP_KINDS] = {0};
    jsonw_key(json, "critical_path");
    jsonw_object(json, false);
    for (int64_t i = 0; i < step->path.count; ++i) {
        const SimulatedLink *link = &step->path.items[i];
        by_kind[schedule->ranks[link->rank].ops.items[link->op].kind] += link->end - link->begin;
    }
    jsonw_key(json, "by_kind");
    jsonw_array(json, false);
    for (int kind = 0; kind < OP_KINDS; ++kind) {
        if (by_kind[kind] <= 0)
            continue;
        jsonw_object(json, true);
        jsonw_key_string(json, "kind", op_info[kind].name);
        write_real(json, "seconds", by_kind[kind]);
        write_real(json, "share", by_kind[kind] / step->makespan);
        jsonw_end(json);
    }
    jsonw_end(json);
    jsonw_key(json, "operations");
    jsonw_array(json, false);
    for (int64_t i = 0; i < step->path.count; ++i) {
        const SimulatedLink *link = &step->path.items[i];
        const Op *op = &schedule->ranks[link->rank].ops.items[link->op];
        jsonw_object(json, true);
        write_real(json, "begin_s", link->begin);
        jsonw_key_string(json, "kind", op_info[op->kind].name);
        jsonw_key_int(json, "layer", link->layer);
        jsonw_key_int(json, "op", link->op);
        jsonw_key_int(json, "rank", link->rank);
        write_real(json, "seconds", link->end - link->begin);
        jsonw_end(json);
    }
    jsonw_end(json);
    jsonw_end(json);
}

/* Links and NICs that anything passed over. */
static void write_resources(Jsonw *json, const Schedule *schedule, const SimulatedStep *step,
                            bool nics) {
    jsonw_key(json, nics ? "nics" : "links");
    jsonw_array(json, false);
    for (int64_t r = 0; r < cost_resource_count(schedule); ++r) {
        const SimulatedResource *of = &step->resources[r];
        CostResource which = cost_resource(schedule, r);
        if (which.nics != nics || of->bytes <= 0)
            continue;
        jsonw_object(json, true);
        write_real(json, "bytes", of->bytes);
        jsonw_key_string(json, "direction", which.in ? "in" : "out");
        if (nics)
            jsonw_key_int(json, "node", which.node);
        write_real(json, "peak", of->peak);
        if (!nics)
            jsonw_key_int(json, "rank", which.rank);
        write_real(json, "utilisation", of->busy / step->makespan);
        jsonw_end(json);
    }
    jsonw_end(json);
}

static void write_step(Jsonw *json, const Simulation *simulation, const Schedule *schedule,
                       int64_t index) {
    const SimulatedStep *step = &simulation->steps[COST_EXPECTED][index];
    SimulatedShares shares = simulate_shares(schedule, step);
    double seconds[COST_CASES];
    for (int at = 0; at < COST_CASES; ++at)
        seconds[at] = simulation->steps[at][index].makespan;
    jsonw_object(json, false);
    write_bound(json, step);
    write_real(json, "computing_share", shares.computing);
    write_path(json, schedule, step);
    write_kinds(json, simulation, schedule->world, index);
    write_resources(json, schedule, step, false);
    write_real(json, "memory_efficiency", shares.memory);
    write_moves(json, simulation, schedule->world, index);
    jsonw_key_string(json, "name", schedule->plan->steps.items[index].name);
    write_resources(json, schedule, step, true);
    write_ranks(json, step, schedule->world);
    write_interval(json, "seconds", seconds, false);
    write_real(json, "utilisation", shares.utilisation);
    jsonw_end(json);
}

/* Only where operations were measured: else the method says all. */
static void write_basis(Jsonw *json, const Schedule *schedule) {
    Buf basis = {0};
    if (!measured_is_there(&schedule->plan->inputs.topology.measured))
        return;
    cost_basis(schedule, &basis);
    jsonw_key_string(json, "basis", basis.data);
    buf_free(&basis);
}

void simulate_write(const Simulation *simulation, const Schedule *schedule, Buf *out) {
    Jsonw json;
    jsonw_begin(&json, out);
    jsonw_object(&json, false);
    write_basis(&json, schedule);
    write_cost(&json);
    jsonw_key(&json, "method");
    jsonw_string(&json,
                 "A roofline and latency-bandwidth estimate of the cluster in the topology at "
                 "the bounds of the workload, experts chosen uniformly; no measurement. low "
                 "is a lower bound on times, high a pessimistic case. Moves share links and NICs "
                 "with those under way at the same time, max-min fair.");
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
