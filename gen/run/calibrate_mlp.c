/* calibrate_mlp: a cost model of form mlp from the samples of a calibration: what `--cost DIR/mlp.json` reads. */
#include "base/fs.h"
#include "run/calibrate.h"
#include "run/calibrate_fit.h"
#include "run/calibrate_network.h"
#include "schedule/cost.h"

#include <math.h>
#include <string.h>

enum { PASSES = 300 };

static void add_feature(Arena *arena, TextList *features, const char *name) {
    *(const char **)LIST_PUSH(arena, features) = name;
}

/* Work and ranks, and each kind that was measured. The peaks are the same for all samples of a machine. */
static void list_features(Arena *arena, const CalibrateSamples *samples, TextList *features) {
    bool listed[OP_KINDS] = {false};
    add_feature(arena, features, "flops");
    add_feature(arena, features, "bytes");
    add_feature(arena, features, "ranks");
    for (int64_t i = 0; i < samples->count; i++) {
        const CalibrateSample *sample = &samples->items[i];
        if (sample->move || listed[sample->op->kind])
            continue;
        listed[sample->op->kind] = true;
        add_feature(arena, features, arena_printf(arena, "kind:%s", sample->kind));
    }
}

typedef struct Rows {
    int64_t count;
    double *inputs, *wanted, *weights; /* [count][features], [count], [count] */
} Rows;

/* A row counts by the root of its share of a step: what takes long must be told best, and the rest not forgotten. */
static Rows rows_of(Run *run, const Calibration *calibration, const CalibrateSamples *samples,
                    const TextList *features) {
    int64_t width = features->count;
    Rows rows = {.inputs = ARENA_ARRAY(&run->arena, samples->count * width, double),
                 .wanted = ARENA_ARRAY(&run->arena, samples->count, double),
                 .weights = ARENA_ARRAY(&run->arena, samples->count, double)};
    for (int64_t i = 0; i < samples->count; i++) {
        const CalibrateSample *sample = &samples->items[i];
        const Schedule *schedule = calibration->cases.items[sample->program].schedule;
        int64_t rank = schedule->roles.items[sample->role].ranks.items[0];
        double step = 0;
        if (sample->move || sample->seconds <= 0)
            continue;
        for (int64_t k = 0; k < samples->count; k++) {
            const CalibrateSample *other = &samples->items[k];
            if (other->program == sample->program && other->step == sample->step &&
                other->role == sample->role)
                step += other->count * other->seconds;
        }
        cost_features(schedule, rank, sample->op, features, rows.inputs + rows.count * width);
        rows.wanted[rows.count] = log2(sample->seconds);
        rows.weights[rows.count++] = sqrt(sample->count * sample->seconds / step);
    }
    return rows;
}

/* The interval of the kernels that take most of the steps' time. */
static void set_interval(Run *run, const Rows *rows, CostNetwork *network) {
    double *ratios = ARENA_ARRAY(&run->arena, rows->count, double);
    int64_t count = 0;
    for (int64_t r = 0; r < rows->count; r++)
        if (rows->weights[r] >= 0.3)
            ratios[count++] =
                exp2(rows->wanted[r] -
                     network_value(network, rows->inputs + r * network->features.count));
    network->low = count ? fmin(1, fit_quantile(ratios, count, 0.05)) : 1;
    network->high = count ? fmax(1, fit_quantile(ratios, count, 0.95)) : 1;
}

Status calibrate_write_mlp(Run *run, const Calibration *calibration,
                           const CalibrateSamples *samples, const Measured *measured,
                           const char *path) {
    CostModel model;
    Buf text = {0};
    Jsonw json;
    TRY(cost_model_read(&run->arena, "roofline", NULL, &model, &run->diag));
    model.form = COST_MLP;
    model.doc = arena_printf(&run->arena, "kernels as gen calibrate measured them on %s",
                             calibrate_machine_text(run, measured->processor, measured->cores));
    CostNetwork *network = LIST_PUSH(&run->arena, &model.network);
    network->source = arena_printf(&run->arena, "gen calibrate, %lld programs on %s",
                                   (long long)calibration->cases.count, measured->processor);
    list_features(&run->arena, samples, &network->features);
    Rows rows = rows_of(run, calibration, samples, &network->features);
    double error = network_fit(&run->arena, rows.inputs, rows.wanted, rows.weights, rows.count,
                               PASSES, network);
    set_interval(run, &rows, network);
    run_detail(run, "the network is off by a factor of %.3f", exp2(sqrt(error)));
    jsonw_begin(&json, &text);
    schema_write(&cost_model_schema, &model, &json);
    jsonw_finish(&json);
    Status status = fs_write(path, text.data, text.length, &run->diag);
    buf_free(&text);
    return status;
}
