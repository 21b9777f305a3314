/* cost_measured: costs as gen calibrate measured them on one machine, where the topology carries them. It knows the
 * rows of the topology, not how they came about. */
#include "schedule/cost.h"

#include "schedule/walk.h"

#include <math.h>
#include <string.h>

/* A document's coefficients are to be seen as they are. */
static const Measured *measured_of(const Schedule *schedule) {
    const PlanInputs *inputs = &schedule->plan->inputs;
    const Measured *measured = &inputs->topology.measured;
    bool fits = measured_is_there(measured) && cost_model()->form != COST_LINEAR &&
                strcmp(measured->dtype, element_names[inputs->workload.dtype]) == 0;
    return fits ? measured : NULL;
}

bool cost_serial(const Schedule *schedule) {
    return measured_is_there(&schedule->plan->inputs.topology.measured);
}

/* An exchange of a rank with itself is none. */
static bool moves_anything(const Schedule *schedule, const Op *op) {
    return op_info[op->kind].class != OPCLASS_EXCHANGE ||
           !schedule->exchanges.items[op->exchange].local;
}

bool cost_measured(const Schedule *schedule) {
    return measured_of(schedule) != NULL && cost_model()->form == COST_ROOFLINE;
}

/* Kinds that the schedule has and nothing was measured of. */
static void list_unmeasured(const Schedule *schedule, const Measured *measured, Buf *out) {
    bool listed[OP_KINDS] = {false};
    const char *before = "; from equations: ";
    for (int64_t rank = 0; rank < schedule->world; rank++) {
        const RankSchedule *of = &schedule->ranks[rank];
        for (int64_t i = 0; i < of->ops.count; i++) {
            int64_t kind = of->ops.items[i].kind;
            const char *name = op_info[kind].name;
            bool known = walk_is_move(&of->ops.items[i])
                             ? measured_move(measured, name, schedule->world) != NULL
                             : measured_kernel(measured, name, schedule->world) != NULL;
            if (known || listed[kind] || !moves_anything(schedule, &of->ops.items[i]))
                continue;
            listed[kind] = true;
            buf_printf(out, "%s%s", before, name);
            before = ", ";
        }
    }
}

static void put_machine(const Measured *measured, int64_t ranks, Buf *out) {
    buf_printf(out, "as measured on %s, %lld core%s", measured->processor,
               (long long)measured->cores, measured->cores == 1 ? "" : "s");
    if (measured_sharing(measured, ranks) > 1)
        buf_printf(out, ", which %lld ranks share", (long long)ranks);
}

void cost_basis(const Schedule *schedule, Buf *out) {
    const Measured *all = &schedule->plan->inputs.topology.measured;
    const Measured *measured = measured_of(schedule);
    const CostModel *model = cost_model();
    if (model->form == COST_LINEAR) {
        buf_printf(out, "an estimate by the cost model %s; nothing was measured", model->name);
    } else if (model->form == COST_MLP) {
        buf_printf(out, "kernels by the cost model %s, moves ", model->name);
        if (measured)
            put_machine(measured, schedule->world, out);
        else
            buf_puts(out, "by equations");
    } else if (!measured_is_there(all)) {
        buf_puts(out, "an estimate from rooflines; nothing was measured");
    } else if (!measured) {
        buf_printf(out,
                   "an estimate from rooflines: operations were measured with %s elements only",
                   all->dtype);
    } else {
        buf_puts(out, "from operations ");
        put_machine(measured, schedule->world, out);
        list_unmeasured(schedule, measured, out);
    }
}

static double factor(double low, double high, CostCase at) {
    return at == COST_LOW ? low : at == COST_HIGH ? high : 1;
}

/* Share of the choices that a capacity leaves, which holds for whole sequences in prefill: an expert's choices of a
 * sequence are binomial, here by the normal distribution of equal mean and variance, and those past the capacity are
 * dropped. */
static double kept_share(const Schedule *schedule, const Op *op) {
    const Model *model = &schedule->plan->inputs.model;
    const Exchange *exchange = &schedule->exchanges.items[op->exchange];
    double tokens = exchange->sources.count ? (double)exchange->sources.items[0].tokens : 1;
    double hit = (double)model->top_k / (double)model->experts;
    double mean = tokens * hit, deviation = sqrt(mean * (1 - hit));
    if (model->capacity_factor <= 0 || tokens <= 1 || deviation <= 0)
        return 1;
    double room = (ceil(model->capacity_factor * mean) - mean) / deviation;
    double density = exp(-room * room / 2) / sqrt(2 * acos(-1));
    double past = deviation * (density - room * erfc(room / sqrt(2)) / 2);
    return fmax(0, 1 - past / mean);
}

/* Values of the inner width that the activation is taken of: a row of `columns` takes 2 x matrices x hidden FLOPs
 * for each. */
static double activations(const Model *model, double flops) {
    return flops / (2 * (model->gated ? 3 : 2) * (double)model->hidden);
}

MeasuredWork cost_work(const Schedule *schedule, const Op *op) {
    const Model *model = &schedule->plan->inputs.model;
    MeasuredWork work = {.flops = op->flops, .bytes = op->bytes};
    if (op->kind == OP_expert_ffn && op->exchange >= 0)
        work.flops *= kept_share(schedule, op);
    if (op->kind == OP_expert_ffn || op->kind == OP_dense_ffn)
        work.elements = activations(model, work.flops);
    if (op->kind == OP_attention) /* a pair of query and key: one product each with key and value */
        work.elements = work.flops / (4 * (double)model->head_dim);
    return work;
}

bool cost_measured_kernel(const Schedule *schedule, const Op *op, CostCase at, double *seconds) {
    const Measured *measured = measured_of(schedule);
    if (!cost_measured(schedule))
        return false;
    const MeasuredKernel *row = measured_kernel(measured, op_info[op->kind].name, schedule->world);
    if (!row)
        return false;
    MeasuredWork work = cost_work(schedule, op);
    *seconds = measured_seconds(row, &work) * factor(row->low, row->high, at) *
               measured_sharing(measured, schedule->world);
    return true;
}

double cost_busiest(const CostDemand *demand) {
    double bytes = 0;
    for (int64_t i = 0; i < demand->shares.count; i++)
        bytes = fmax(bytes, demand->shares.items[i].bytes);
    return bytes;
}

/* Memory of one machine is shared already in what was measured, so the move takes its time by itself. */
bool cost_measured_move(const Schedule *schedule, const Op *op, CostCase at, CostDemand *demand) {
    const Measured *measured = measured_of(schedule);
    if (!measured || !demand->shares.count)
        return false;
    const MeasuredMove *row = measured_move(measured, op_info[op->kind].name, schedule->world);
    if (!row)
        return false;
    demand->fixed = (row->seconds + row->per_byte * cost_busiest(demand)) *
                    factor(row->low, row->high, at) * measured_sharing(measured, schedule->world);
    demand->seconds = 0;
    demand->how = "measured";
    return true;
}
