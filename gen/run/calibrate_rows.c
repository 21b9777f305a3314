/* calibrate_rows: from samples to the rows of a topology, each with the interval that its predictions hold in. How far
 * a row may be off is seen on programs that it was not fitted to: each program in turn is left out. */
#include "run/calibrate.h"
#include "run/calibrate_fit.h"

#include <math.h>
#include <string.h>

/* Samples of one kind with one number of ranks. */
typedef struct Group {
    const char *kind;
    int64_t ranks;
    bool move;
    LIST_OF(FitSample) samples;
    LIST_OF(const CalibrateSample *) of;
    double *left_out; /* [samples] seconds that a fit without the sample's program expects */
    double low, high;
} Group;

typedef LIST_OF(Group) Groups;

static Group *group_of(Run *run, Groups *groups, const CalibrateSample *sample) {
    for (int64_t i = 0; i < groups->count; i++)
        if (strcmp(groups->items[i].kind, sample->kind) == 0 &&
            groups->items[i].ranks == sample->ranks)
            return &groups->items[i];
    Group *group = LIST_PUSH(&run->arena, groups);
    *group = (Group){.kind = sample->kind, .ranks = sample->ranks, .move = sample->move};
    return group;
}

static void add_sample(Run *run, Groups *groups, const CalibrateSample *sample) {
    Group *group = group_of(run, groups, sample);
    *(const CalibrateSample **)LIST_PUSH(&run->arena, &group->of) = sample;
    *(FitSample *)LIST_PUSH(&run->arena, &group->samples) =
        (FitSample){.work = sample->work, .seconds = sample->seconds, .program = sample->program};
}

/* --- how far off ---------------------------------------------------------------------------------------- */

static double expect(Arena *arena, const Group *group, int64_t without, const FitSample *sample) {
    if (group->move) {
        MeasuredMove row = {0};
        fit_move(arena, group->samples.items, group->samples.count, without, &row);
        return row.seconds + row.per_byte * sample->work.bytes;
    }
    MeasuredKernel row = {0};
    fit_kernel(arena, group->samples.items, group->samples.count, without, &row);
    return measured_seconds(&row, &sample->work);
}

/* A kind that one program alone has cannot be left out: it is as certain as its samples lie together. */
static bool several_programs(const Group *group) {
    for (int64_t i = 1; i < group->samples.count; i++)
        if (group->samples.items[i].program != group->samples.items[0].program)
            return true;
    return false;
}

static void leave_out(Run *run, Group *group) {
    int64_t count = group->samples.count;
    double *ratios = ARENA_ARRAY(&run->arena, count, double);
    bool several = several_programs(group);
    group->left_out = ARENA_ARRAY(&run->arena, count, double);
    for (int64_t i = 0; i < count; i++) {
        Arena scratch = {0};
        const FitSample *sample = &group->samples.items[i];
        group->left_out[i] = expect(&scratch, group, several ? sample->program : -1, sample);
        arena_free(&scratch);
        ratios[i] = group->left_out[i] > 0 ? sample->seconds / group->left_out[i] : 1;
    }
    group->low = fmin(1, fit_quantile(ratios, count, 0.05));
    group->high = fmax(1, fit_quantile(ratios, count, 0.95));
}

/* --- steps ---------------------------------------------------------------------------------------------- */

/* A step of the ranks of a role, measured and as expected without its program. */
typedef struct Total {
    int64_t program, step, role;
    double measured, low, high;
} Total;

typedef LIST_OF(Total) Totals;

static Total *total_of(Arena *arena, Totals *totals, const CalibrateSample *sample) {
    for (int64_t i = 0; i < totals->count; i++) {
        Total *total = &totals->items[i];
        if (total->program == sample->program && total->step == sample->step &&
            total->role == sample->role)
            return total;
    }
    Total *total = LIST_PUSH(arena, totals);
    *total = (Total){.program = sample->program, .step = sample->step, .role = sample->role};
    return total;
}

static double covered(const Groups *groups, double power) {
    Arena scratch = {0};
    Totals totals = {0};
    int64_t within = 0;
    for (int64_t g = 0; g < groups->count; g++) {
        const Group *group = &groups->items[g];
        for (int64_t i = 0; i < group->of.count; i++) {
            const CalibrateSample *sample = group->of.items[i];
            Total *total = total_of(&scratch, &totals, sample);
            total->measured += sample->count * sample->seconds;
            total->low += sample->count * group->left_out[i] * pow(group->low, power);
            total->high += sample->count * group->left_out[i] * pow(group->high, power);
        }
    }
    for (int64_t i = 0; i < totals.count; i++)
        within += totals.items[i].low <= totals.items[i].measured &&
                  totals.items[i].measured <= totals.items[i].high;
    double share = totals.count ? (double)within / (double)totals.count : 1;
    arena_free(&scratch);
    return share;
}

/* Errors of operations in one step partly cancel, so that the ends of all their intervals together are too far apart;
 * a step that none of them foresees needs more. The power that makes them hold for the steps that were measured. */
static double find_power(const Groups *groups) {
    const double least = 0.05, most = 3, step = 0.025;
    double power = least;
    while (power < most && covered(groups, power) < CALIBRATE_COVERAGE)
        power += step;
    return power;
}

/* --- rows ----------------------------------------------------------------------------------------------- */

static void push_row(Run *run, const Group *group, double power, Measured *measured) {
    double low = pow(group->low, power), high = pow(group->high, power);
    if (group->move) {
        MeasuredMove *row = LIST_PUSH(&run->arena, &measured->moves);
        *row = (MeasuredMove){group->kind, group->ranks, 0, 0, low, high};
        fit_move(&run->arena, group->samples.items, group->samples.count, -1, row);
        return;
    }
    MeasuredKernel *row = LIST_PUSH(&run->arena, &measured->kernels);
    *row = (MeasuredKernel){.kind = group->kind, .ranks = group->ranks, .low = low, .high = high};
    fit_kernel(&run->arena, group->samples.items, group->samples.count, -1, row);
}

/* Moves between ranks of one role are told better, and count alone where a kind has them. */
static bool is_told_better(const CalibrateSamples *samples, const CalibrateSample *sample) {
    for (int64_t i = 0; sample->mixed && i < samples->count; i++) {
        const CalibrateSample *other = &samples->items[i];
        if (!other->mixed && other->ranks == sample->ranks &&
            strcmp(other->kind, sample->kind) == 0)
            return true;
    }
    return false;
}

void calibrate_rows(Run *run, const CalibrateSamples *samples, Measured *measured) {
    Groups groups = {0};
    for (int64_t i = 0; i < samples->count; i++)
        if (!is_told_better(samples, &samples->items[i]))
            add_sample(run, &groups, &samples->items[i]);
    for (int64_t i = 0; i < groups.count; i++)
        leave_out(run, &groups.items[i]);
    double power = find_power(&groups);
    run_detail(run, "intervals to the power of %.3f hold for %.0f %% of the measured steps", power,
               100 * covered(&groups, power));
    for (int64_t i = 0; i < groups.count; i++)
        push_row(run, &groups.items[i], power, measured);
}
