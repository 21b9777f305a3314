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
