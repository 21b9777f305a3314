/* predict: see predict.h. */
#include "run/predict.h"

#include <stdlib.h>
#include <string.h>

/* --- what limits a step
 * ------------------------------------------------------------------------------- */

static const char *bound_reason(const SimulatedBound *bound) {
    if (bound->seconds <= bound->chain)
        return "the chain of its operations";
    if (bound->seconds <= bound->network)
        return "the busiest link or NICs";
    if (bound->seconds <= bound->memory)
        return "the busiest rank's memory traffic";
    return "the busiest rank's arithmetic";
}

static const char *bound_text(Run *run, const SimulatedStep *step) {
    const SimulatedBound *bound = &step->bound;
    return arena_printf(&run->arena, "%s by %s; the step takes %.2f times that",
                        run_seconds(run, bound->seconds), bound_reason(bound),
                        bound->seconds > 0 ? step->makespan / bound->seconds : 0);
}

typedef struct Part {
    const char *name;
    double seconds;
} Part;

static int by_seconds(const void *a, const void *b) {
    const Part *x = a, *y = b;
    if (x->seconds != y->seconds)
        return x->seconds > y->seconds ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* The kinds that make up most of the critical path, the longest first. */
static const char *path_text(Run *run, const Schedule *schedule, const SimulatedStep *step,
                             int most) {
    Part parts[OP_KINDS];
    const char *text = "";
    double said = 0;
    for (int kind = 0; kind < OP_KINDS; kind++)
        parts[kind] = (Part){op_info[kind].name, 0};
    for (int64_t i = 0; i < step->path.count; i++) {
        const SimulatedLink *link = &step->path.items[i];
        const Op *op = &schedule->ranks[link->rank].ops.items[link->op];
        parts[op->kind].seconds += link->end - link->begin;
    }
    qsort(parts, OP_KINDS, sizeof *parts, by_seconds);
    for (int i = 0; i < most && parts[i].seconds >= 0.005 * step->makespan; i++) {
        double share = parts[i].seconds / step->makespan;
        text = arena_printf(&run->arena, "%s%s%s %.0f %%", text, i ? ", " : "", parts[i].name,
                            100 * share);
        said += share;
    }
    if (said < 0.995)
        text = arena_printf(&run->arena, "%s, others %.0f %%", text, 100 * (1 - said));
    return text;
}

void predict_print(Run *run, const Simulation *simulation, const Schedule *schedule) {
    const PlanInputs *inputs = &schedule->plan->inputs;
    printf("  predicted for %s at batch %lld: TPOT %s (%s to %s), TPS %.0f (%.0f to %.0f), "
           "prefill %s, throughput %.0f tokens/s\n",
           inputs->topology.name, (long long)inputs->workload.batch,
           run_seconds(run, simulation->tpot[COST_EXPECTED]),
           run_seconds(run, simulation->tpot[COST_LOW]),
           run_seconds(run, simulation->tpot[COST_HIGH]), simulation->tps[COST_EXPECTED],
           simulation->tps[COST_HIGH], simulation->tps[COST_LOW],
           run_seconds(run, simulation->prefill[COST_EXPECTED]),
           simulation->throughput[COST_EXPECTED]);
    if (measured_is_there(&inputs->topology.measured)) {
        Buf basis = {0};
        cost_basis(schedule, &basis);
        printf("  prediction   %s\n", basis.data);
        buf_free(&basis);
    }
    int64_t last = schedule->plan->steps.count - 1;
    const SimulatedStep *step = &simulation->steps[COST_EXPECTED][last];
    printf("  %s is limited to %s; its critical path: %s\n", schedule->plan->steps.items[last].name,
           bound_text(run, step), path_text(run, schedule, step, 3));
}

/* --- at leisure
 * --------------------------------------------------------------------------------------- */

static void times_line(Run *run, const char *name, const double *value, Buf *out) {
    buf_printf(out, "%-16s %s (%s to %s)\n", name, run_seconds(run, value[COST_EXPECTED]),
               run_seconds(run, value[COST_LOW]), run_seconds(run, value[COST_HIGH]));
}

static void rate_line(const char *name, const double *value, Buf *out) {
    buf_printf(out, "%-16s %.0f (%.0f to %.0f) tokens/s\n", name, value[COST_EXPECTED],
               value[COST_HIGH], value[COST_LOW]);
}

static void move_lines(const Schedule *schedule, const SimulatedStep *step, Buf *out) {
    for (int move = 0; move < SIMULATE_MOVES; move++) {
        double busiest = 0, moving = 0, exposed = 0;
        for (int64_t rank = 0; rank < schedule->world; rank++) {
            const SimulatedRank *of = &step->ranks[rank];
            busiest = of->moving[move] > busiest ? of->moving[move] : busiest;
            moving += of->moving[move];
            exposed += of->exposed[move];
        }
        if (moving > 0)
            buf_printf(out, "    %-20s %5.1f %% of the step, %.0f %% of it hidden\n",
                       plan_move_names[move], 100 * busiest / step->makespan,
                       100 * (1 - exposed / moving));
    }
}

static void busiest_line(Run *run, const Schedule *schedule, const SimulatedStep *step, bool nics,
                         Buf *out) {
    int64_t busiest = -1;
    for (int64_t r = 0; r < cost_resource_count(schedule); r++)
        if (cost_resource(schedule, r).nics == nics && step->resources[r].bytes > 0 &&
            (busiest < 0 || step->resources[r].busy > step->resources[busiest].busy))
            busiest = r;
    if (busiest < 0)
        return;
    const SimulatedResource *of = &step->resources[busiest];
    CostResource which = cost_resource(schedule, busiest);
    buf_printf(out, "    %s %lld, %s: %s, in use %.1f %% of the time\n",
               nics ? "NICs of node" : "link of rank", (long long)(nics ? which.node : which.rank),
               which.in ? "in" : "out", run_bytes(run, of->bytes), 100 * of->busy / step->makespan);
}

static void step_text(Run *run, const Simulation *simulation, const Schedule *schedule,
                      int64_t index, Buf *out) {
    const SimulatedStep *step = &simulation->steps[COST_EXPECTED][index];
    SimulatedShares shares = simulate_shares(schedule, step);
    double seconds[COST_CASES];
    for (int at = 0; at < COST_CASES; at++)
        seconds[at] = simulation->steps[at][index].makespan;
    buf_putc(out, '\n');
    times_line(run, schedule->plan->steps.items[index].name, seconds, out);
    buf_printf(out, "  bound          %s\n", bound_text(run, step));
    buf_printf(out,
               "  GPUs           compute %.1f %% of the time, at %.1f %% of their FLOP/s and "
               "%.1f %% of their memory's bandwidth\n",
               100 * shares.computing, 100 * shares.utilisation, 100 * shares.memory);
    buf_printf(out, "  critical path  %s\n", path_text(run, schedule, step, 6));
    bool moves = false;
    for (int64_t r = 0; r < cost_resource_count(schedule); r++)
        moves = moves || step->resources[r].bytes > 0;
    if (!moves)
        return;
    buf_puts(out, "  moves\n");
    move_lines(schedule, step, out);
    buf_puts(out, "  busiest\n");
    busiest_line(run, schedule, step, false, out);
    busiest_line(run, schedule, step, true, out);
}

void predict_text(Run *run, const Simulation *simulation, const Schedule *schedule, Buf *out) {
    const PlanInputs *inputs = &schedule->plan->inputs;
    buf_printf(out,
               "predicted for %s at batch %lld, expected (low to high): ", inputs->topology.name,
               (long long)inputs->workload.batch);
    cost_basis(schedule, out);
    buf_puts(out, "\n\n");
    times_line(run, "TPOT", simulation->tpot, out);
    rate_line("TPS, new", simulation->tps, out);
    rate_line("throughput", simulation->throughput, out);
    for (int64_t i = 0; i < schedule->plan->steps.count; i++)
        step_text(run, simulation, schedule, i, out);
}

/* --- as JSON
 * ------------------------------------------------------------------------------------------ */

static void json_cases(Jsonw *json, const char *key, const double *values) {
    jsonw_key(json, key);
    jsonw_object(json, true);
    jsonw_key(json, "expected");
    jsonw_real(json, values[COST_EXPECTED]);
    jsonw_key(json, "high");
    jsonw_real(json, values[COST_HIGH]);
    jsonw_key(json, "low");
    jsonw_real(json, values[COST_LOW]);
    jsonw_end(json);
}

void predict_json(const Simulation *simulation, Jsonw *json) {
    jsonw_key(json, "times");
    jsonw_object(json, false);
    json_cases(json, "prefill_s", simulation->prefill);
    json_cases(json, "throughput", simulation->throughput);
    json_cases(json, "tpot_s", simulation->tpot);
    json_cases(json, "tps", simulation->tps);
    jsonw_end(json);
}
