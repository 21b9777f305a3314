/* point_figures: shares, rates and bytes of a decode step over all ranks. See point_internal.h. Scratch is freed before
 * return. */
#include "report/point_internal.h"

#include "report/quantity.h"
#include "schedule/walk.h"

#include <math.h>
#include <string.h>

/* In numeric order, whatever the cases of the costs were good for. */
static void put(Point *point, PointMetric metric, const double cases[COST_CASES]) {
    double *to = point->figures[metric];
    to[COST_EXPECTED] = cases[COST_EXPECTED];
    to[COST_LOW] = fmin(cases[COST_EXPECTED], fmin(cases[COST_LOW], cases[COST_HIGH]));
    to[COST_HIGH] = fmax(cases[COST_EXPECTED], fmax(cases[COST_LOW], cases[COST_HIGH]));
}

static void put_exact(Point *point, PointMetric metric, double value) {
    put(point, metric, (const double[COST_CASES]){value, value, value});
}

/* Sums over ranks of what the simulation tells of one case, in seconds. */
typedef struct Sums {
    double moving[SIMULATE_MOVES], moves, standing;
} Sums;

static Sums sums_of(const PointStudy *study, CostCase at) {
    Sums sum = {0};
    const SimulatedStep *step = &study->simulation->steps[at][study->decode];
    for (int64_t rank = 0; rank < study->schedule->world; rank++)
        for (int move = 0; move < SIMULATE_MOVES; move++) {
            sum.moving[move] += step->ranks[rank].moving[move];
            sum.moves += step->ranks[rank].moving[move];
            sum.standing += step->ranks[rank].exposed[move];
        }
    return sum;
}

/* --- what is hidden ----------------------------------------------------------------------------------- */

typedef LIST_OF(const TimelineItem *) Items;

/* How long of a move the kernels from *kernel on run. Both come in the order of time: *kernel moves on. */
static double beside(const Items *kernels, int64_t *kernel, const TimelineItem *move) {
    double sum = 0;
    while (*kernel < kernels->count && kernels->items[*kernel]->end <= move->begin)
        ++*kernel;
    for (int64_t k = *kernel; k < kernels->count && kernels->items[k]->begin < move->end; k++)
        sum += fmax(0, fmin(move->end, kernels->items[k]->end) -
                           fmax(move->begin, kernels->items[k]->begin));
    return sum;
}

/* Seconds of the moves of a rank that have kernels running beside them. */
static double rank_beside(Arena *scratch, const PointStudy *study, const Timeline *line,
                          int64_t rank) {
    Items kernels = {0}, moves = {0};
    for (int64_t i = 0; i < line->items.count; i++) {
        const TimelineItem *item = &line->items.items[i];
        if (item->rank != rank)
            continue;
        bool move = walk_is_move(&study->schedule->ranks[rank].ops.items[item->op]);
        *(const TimelineItem **)LIST_PUSH(scratch, move ? &moves : &kernels) = item;
    }
    double sum = 0;
    int64_t kernel = 0;
    for (int64_t i = 0; i < moves.count; i++)
        sum += beside(&kernels, &kernel, moves.items[i]);
    return sum;
}

/* Where no move has a stream of its own, nothing is hidden and the long time line is not asked for. */
static bool has_streams(const Schedule *schedule) {
    for (int64_t i = 0; i < schedule->channels.count; i++)
        if (schedule->channels.items[i].stream != 0)
            return true;
    return false;
}

/* Of the ranks of a role one stands for all. */
static double hidden_share(const PointStudy *study, CostCase at) {
    const Schedule *schedule = study->schedule;
    const SimulatedStep *step = &study->simulation->steps[at][study->decode];
    if (!has_streams(schedule))
        return 0;
    Arena scratch = {0};
    Timeline line = simulate_timeline(&scratch, schedule, study->decode, at);
    double hidden = 0, moving = 0;
    for (int64_t r = 0; r < schedule->roles.count; r++) {
        const Role *role = &schedule->roles.items[r];
        int64_t rank = role->ranks.items[0];
        hidden += (double)role->ranks.count * rank_beside(&scratch, study, &line, rank);
        for (int move = 0; move < SIMULATE_MOVES; move++)
            moving += (double)role->ranks.count * step->ranks[rank].moving[move];
    }
    arena_free(&scratch);
    return moving > 0 ? fmin(1, hidden / moving) : 0;
}

/* --- a decode step ------------------------------------------------------------------------------------ */

/* Of the ports of the busiest node. */
static double network_share(const PointStudy *study, CostCase at) {
    const SimulatedStep *step = &study->simulation->steps[at][study->decode];
    double most = 0;
    for (int64_t i = 0; i < cost_resource_count(study->schedule); i++) {
        double capacity = cost_capacity(study->schedule, i, COST_LOW);
        if (cost_resource(study->schedule, i).nics && capacity > 0)
            most = fmax(most, step->resources[i].bytes / capacity);
    }
    return most / step->makespan;
}

/* Power of a GPU that stands still all the time, and of one that computes: energy needs them, and topologies do not
 * have them. Peak: the board power in NVIDIA's data sheets of SXM boards. Idle: assumed, with clocks kept up between
 * kernels. Hosts, switches and cooling are left out. */
static const struct {
    const char *type; /* how a GPU's type begins */
    double idle, peak;
} powers[] = {{"a100", 60, 400}, {"h100", 75, 700}, {"h200", 75, 700}};

/* Of one GPU that computes this share of the time; NaN: it is none that we know. */
static double gpu_watts(const char *type, double share) {
    for (size_t i = 0; i < sizeof powers / sizeof *powers; i++)
        if (strncmp(type, powers[i].type, strlen(powers[i].type)) == 0)
            return powers[i].idle + share * (powers[i].peak - powers[i].idle);
    return NAN;
}

/* Of all GPUs of the cluster, also of those that the plan leaves idle. */
static double watts(const PointStudy *study, const SimulatedStep *step) {
    const Plan *plan = study->schedule->plan;
    const Topology *topology = &plan->inputs.topology;
    double sum = 0;
    for (int64_t rank = 0; rank < study->schedule->world; rank++)
        sum += gpu_watts(topology_node(topology, plan->ranks.items[rank].node)->gpu.type,
                         step->ranks[rank].compute / step->makespan);
    for (int64_t i = 0; i < plan->idle.count; i++)
        sum += gpu_watts(topology_node(topology, plan->idle.items[i].node)->gpu.type, 0);
    return sum;
}

/* One case of the costs. */
static void decode_case(const PointStudy *study, CostCase at,
                        double of[POINT_METRIC_COUNT][COST_CASES]) {
    double batch = (double)study->schedule->plan->inputs.workload.batch;
    double working = (double)study->schedule->world / study->gpus; /* share of the cluster */
    const SimulatedStep *step = &study->simulation->steps[at][study->decode];
    SimulatedShares shares = simulate_shares(study->schedule, step);
    Sums sum = sums_of(study, at);
    double ranks = step->makespan * (double)study->schedule->world;
    of[POINT_UTILISATION][at] = shares.computing * working;
    of[POINT_FLOPS_USED][at] = shares.utilisation * working;
    of[POINT_MEMORY_USED][at] = shares.memory * working;
    of[POINT_NETWORK_USED][at] = network_share(study, at);
    of[POINT_ALL_REDUCE][at] =
        (sum.moving[MOVE_ATTENTION_OUTPUT] + sum.moving[MOVE_GATHER] + sum.moving[MOVE_EMBEDDING] +
         sum.moving[MOVE_FFN_OUTPUT] + sum.moving[MOVE_NORM]) /
        ranks;
    of[POINT_ALL_TO_ALL][at] = (sum.moving[MOVE_DISPATCH] + sum.moving[MOVE_COMBINE]) / ranks;
    of[POINT_HANDOVER][at] = sum.moving[MOVE_HANDOVER] / ranks;
    of[POINT_COMMUNICATION][at] = sum.moves / ranks;
    of[POINT_STANDING][at] = sum.standing / ranks;
    of[POINT_HIDDEN][at] = hidden_share(study, at);
    of[POINT_ENERGY][at] = step->makespan * watts(study, step) / batch;
}

static void decode_figures(const PointStudy *study) {
    double of[POINT_METRIC_COUNT][COST_CASES];
    for (int at = 0; at < COST_CASES; at++)
        decode_case(study, (CostCase)at, of);
    for (int metric = POINT_UTILISATION; metric <= POINT_HIDDEN; metric++)
        put(study->point, (PointMetric)metric, of[metric]);
    put(study->point, POINT_ENERGY, of[POINT_ENERGY]);
}

/* What no order could go below, in words: the chain of operations, and the most of what needs no order. */
static void bound_figures(Arena *arena, const PointStudy *study) {
    const SimulatedBound *bound = &study->simulation->steps[COST_EXPECTED][study->decode].bound;
    const struct {
        const char *what;
        double seconds;
    } parts[] = {{"arithmetic at its peak", bound->compute},
                 {"memory at its full bandwidth", bound->memory},
                 {"the busiest link or port at its full bandwidth", bound->network}};
    size_t most = 0;
    for (size_t i = 1; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].seconds > parts[most].seconds)
            most = i;
    Buf text = {0};
    if (bound->chain > parts[most].seconds) {
        buf_puts(&text, "operations that wait for each other take ");
        quantity_text("s", bound->chain, &text);
        buf_puts(&text, " at least, ");
    }
    buf_printf(&text, "%s takes ", parts[most].what);
    quantity_text("s", parts[most].seconds, &text);
    study->point->bound = arena_strdup(arena, text.data);
    buf_free(&text);
    put_exact(study->point, POINT_BOUND, bound->seconds);
}

/* Weights are those of the rank that holds most. */
static void memory_figures(const PointStudy *study) {
    const Workload *workload = &study->schedule->plan->inputs.workload;
    Point *point = study->point;
    double weights = 0;
    for (int64_t i = 0; i < study->ledger->count; i++)
        weights = fmax(weights, (double)study->ledger->rows[i].weights);
    put_exact(point, POINT_WEIGHTS, weights);
    put_exact(point, POINT_TRAINING_STATE, 16 * weights / (double)element_bytes(workload->dtype));
    put_exact(point, POINT_MEMORY, (double)point->memory);
    put_exact(point, POINT_MEMORY_SHARE, (double)point->memory / (double)point->capacity);
}

void point_figures(Arena *arena, const PointStudy *study) {
    Point *point = study->point;
    put(point, POINT_TPOT, study->simulation->tpot);
    put(point, POINT_TPS, study->simulation->tps);
    put(point, POINT_THROUGHPUT, study->simulation->throughput);
    put(point, POINT_PREFILL, study->simulation->prefill);
    memory_figures(study);
    if (study->decode < 0)
        return;
    decode_figures(study);
    bound_figures(arena, study);
}
