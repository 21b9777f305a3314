/* calibrate_read: from the results of measured programs to samples: what an operation took, beside what it does. */
#include "base/fs.h"
#include "run/arrays.h"
#include "run/calibrate.h"
#include "run/calibrate_fit.h"
#include "schedule/cost.h"
#include "schedule/walk.h"

#include <math.h>
#include <string.h>

enum { RESULT_BYTES = 16 << 20 };

/* Which quantile of the rounds counts: the least. Means of a round hold what interrupted any of its executions, which
 * medians of steps, with which predictions are compared, do not. */
static const double quietest = 0;

/* Times of one program: rows are operations of roles, as the program lists them. */
typedef struct Times {
    int64_t rows, rounds;
    const int32_t *role, *op;
    double *busy, *wait; /* [rounds][rows] seconds of one execution, the mean of a round */
    double *begin, *end; /* [rounds][world][rows] mean clock readings of the executions */
} Times;

/* --- reading -------------------------------------------------------------------------------------------- */

static Status refuse(Run *run, const char *path, const char *code, const char *help,
                     const char *cause) {
    DiagSource *source = ARENA_NEW(&run->arena, DiagSource);
    source->name = path;
    return diag_error(&run->diag, (DiagPlace){.source = source}, code, help, "%s", cause);
}

static Status check_rows(Run *run, const Arrays *arrays, const CalibrateCase *item, int64_t rows,
                         const int32_t *role, const int32_t *op) {
    const Schedule *schedule = item->schedule;
    for (int64_t i = 0; i < rows; i++) {
        bool known = role[i] >= 0 && role[i] < schedule->roles.count;
        if (known) {
            int64_t first = schedule->roles.items[role[i]].ranks.items[0];
            known = op[i] >= 0 && op[i] < schedule->ranks[first].ops.count;
        }
        if (!known)
            return refuse(run, arrays->path, "E0341", "measure again",
                          "it times an operation that the program has not");
    }
    return STATUS_OK;
}

static Status read_round(Run *run, const CalibrateCase *item, const char *path, int64_t round,
                         Times *times) {
    Arrays arrays;
    TRY(arrays_read(&run->arena, path, RESULT_BYTES, &arrays, &run->diag));
    if (strcmp(arrays.digest, item->digest) != 0)
        return refuse(run, path, "E0341",
                      "emit and measure with this gen and this topology: gen calibrate --emit-only",
                      arena_printf(&run->arena, "these are results of another program than %s",
                                   item->program->name));
    const Array *role = arrays_get(&arrays, "role", RT_I32, 1, &run->diag);
    const Array *op = arrays_get(&arrays, "op", RT_I32, 1, &run->diag);
    const Array *busy = arrays_get(&arrays, "mean_s", RT_F64, 1, &run->diag);
    const Array *wait = arrays_get(&arrays, "wait_s", RT_F64, 1, &run->diag);
    const Array *begin = arrays_get(&arrays, "begin_s", RT_F64, 2, &run->diag);
    const Array *end = arrays_get(&arrays, "end_s", RT_F64, 2, &run->diag);
    if (!role || !op || !busy || !wait || !begin || !end)
        return STATUS_DATA;
    int64_t rows = role->shape[0];
    int64_t world = item->schedule->world, columns = begin->shape[1];
    bool alike = op->shape[0] == rows && busy->shape[0] == rows && wait->shape[0] == rows &&
                 begin->shape[0] == world && end->shape[0] == world && columns >= rows &&
                 end->shape[1] == columns;
    if (!alike || (round > 0 && (rows != times->rows ||
                                 memcmp(times->op, op->data, (size_t)rows * sizeof(int32_t)) != 0)))
        return refuse(run, path, "E0341", "measure again",
                      "its arrays differ in length, or from those of the first round");
    TRY(check_rows(run, &arrays, item, rows, role->data, op->data));
    if (round == 0) {
        times->rows = rows;
        times->role = role->data;
        times->op = op->data;
        times->busy = ARENA_ARRAY(&run->arena, rows * times->rounds, double);
        times->wait = ARENA_ARRAY(&run->arena, rows * times->rounds, double);
        times->begin = ARENA_ARRAY(&run->arena, rows * times->rounds * world, double);
        times->end = ARENA_ARRAY(&run->arena, rows * times->rounds * world, double);
    }
    memcpy(times->busy + round * rows, busy->data, (size_t)rows * sizeof(double));
    memcpy(times->wait + round * rows, wait->data, (size_t)rows * sizeof(double));
    for (int64_t rank = 0; rank < world; rank++) {
        int64_t to = (round * world + rank) * rows, from = rank * columns;
        memcpy(times->begin + to, (const double *)begin->data + from,
               (size_t)rows * sizeof(double));
        memcpy(times->end + to, (const double *)end->data + from, (size_t)rows * sizeof(double));
    }
    return STATUS_OK;
}

/* Rounds 1, 2, ... as far as they are there. */
static Status read_times(Run *run, const CalibrateCase *item, const char *path, Times *times) {
    *times = (Times){0};
    for (;; times->rounds++) {
        const char *file = arena_printf(&run->arena, "%s/%s-%lld/measure.rta", path,
                                        item->program->name, (long long)times->rounds + 1);
        if (!fs_exists(file))
            break;
    }
    if (!times->rounds) {
        refuse(run, arena_printf(&run->arena, "%s/%s-1/measure.rta", path, item->program->name),
               "E0342", "measure all programs: sh measure.sh RUNTIME in the folder of --emit-only",
               "there is no result of this program");
        return STATUS_NOINPUT;
    }
    for (int64_t round = 0; round < times->rounds; round++)
        TRY(read_round(run, item,
                       arena_printf(&run->arena, "%s/%s-%lld/measure.rta", path,
                                    item->program->name, (long long)round + 1),
                       round, times));
    return STATUS_OK;
}

/* --- over the rounds ------------------------------------------------------------------------------------ */

/* Seconds of a row in one array, or in the sum of two: the least of the rounds. What else runs on a machine
 * only ever adds, so that the rounds that were least disturbed tell most of the operation. */
static double least_disturbed(Run *run, const Times *times, const double *one, const double *other,
                              int64_t row) {
    double *values = ARENA_ARRAY(&run->arena, times->rounds, double);
    for (int64_t round = 0; round < times->rounds; round++)
        values[round] =
            one[round * times->rows + row] + (other ? other[round * times->rows + row] : 0);
    return fit_quantile(values, times->rounds, quietest);
}

/* --- samples -------------------------------------------------------------------------------------------- */

static const Op *op_of(const CalibrateCase *item, const Times *times, int64_t row) {
    const Role *role = &item->schedule->roles.items[times->role[row]];
    return &item->schedule->ranks[role->ranks.items[0]].ops.items[times->op[row]];
}

/* The step that an operation belongs to; *count: how often a rank executes it there. */
static int64_t step_of(const CalibrateCase *item, int64_t rank, int64_t op, double *count) {
    int64_t found = -1;
    *count = 0;
    for (int64_t step = 0; step < item->plan->steps.count; step++) {
        const RankStep *work = &item->schedule->ranks[rank].steps[step];
        for (int64_t i = 0; i < work->segments.count; i++) {
            const Segment *segment = &work->segments.items[i];
            if (op < segment->first || op >= segment->first + segment->count)
                continue;
            *count += (double)(segment->layers.end - segment->layers.begin);
            found = step;
        }
    }
    return found;
}

static bool is_of(const IntList *ranks, int64_t rank) {
    for (int64_t i = 0; i < ranks->count; i++)
        if (ranks->items[i] == rank)
            return true;
    return false;
}

/* Whether two operations of two ranks are the same move of a step. */
static bool meets(const Op *a, const Op *b) {
    return walk_is_move(b) && a->channel == b->channel && a->exchange == b->exchange &&
           a->microbatch == b->microbatch &&
           (op_info[a->kind].class == OPCLASS_PAIR ? a->kind != b->kind : a->kind == b->kind);
}

/* The row of the move of `row` in the times of another rank; -1: it has no part in it. */
static int64_t row_of(const CalibrateCase *item, const Times *times, int64_t rank, int64_t row) {
    const Schedule *schedule = item->schedule;
    const Role *role = &schedule->roles.items[times->role[row]];
    int64_t first = role->ranks.items[0];
    double count;
    if (is_of(&role->ranks, rank)) /* ranks of a role do the same */
        return row;
    for (int64_t other = 0; other < times->rows; other++)
        if (is_of(&schedule->roles.items[times->role[other]].ranks, rank) &&
            meets(op_of(item, times, row), &schedule->ranks[rank].ops.items[times->op[other]]) &&
            step_of(item, rank, times->op[other], &count) ==
                step_of(item, first, times->op[row], &count))
            return other;
    return -1;
}

/* Whether ranks of several roles take part. They come in turn, the one waiting here and the other there, which the
 * means of their clocks do not tell. */
static bool is_mixed(const CalibrateCase *item, const Times *times, int64_t row) {
    for (int64_t rank = 0; rank < item->schedule->world; rank++) {
        int64_t other = row_of(item, times, rank, row);
        if (other >= 0 && other != row)
            return true;
    }
    return false;
}

/* A move takes from when its last member came until the last one is done. Clock readings are means over the same
 * executions, so that members that come late in turn count as part of the move, as they do in a step. */
static double move_seconds(Run *run, const CalibrateCase *item, const Times *times, int64_t row) {
    double *values = ARENA_ARRAY(&run->arena, times->rounds, double);
    for (int64_t round = 0; round < times->rounds; round++) {
        double begin = 0, end = 0;
        for (int64_t rank = 0; rank < item->schedule->world; rank++) {
            int64_t other = row_of(item, times, rank, row);
            if (other < 0)
                continue;
            int64_t at = (round * item->schedule->world + rank) * times->rows + other;
            begin = fmax(begin, times->begin[at]);
            end = fmax(end, times->end[at]);
        }
        values[round] = end - begin;
    }
    return fit_quantile(values, times->rounds, quietest);
}

static CalibrateSample sample_of(Run *run, const CalibrateCase *item, const Times *times,
                                 int64_t row) {
    const Schedule *schedule = item->schedule;
    const Op *op = op_of(item, times, row);
    int64_t rank = schedule->roles.items[times->role[row]].ranks.items[0];
    CalibrateSample sample = {.kind = op_info[op->kind].name,
                              .op = op,
                              .move = walk_is_move(op),
                              .role = times->role[row],
                              .ranks = schedule->world};
    sample.step = step_of(item, rank, times->op[row], &sample.count);
    if (sample.move) {
        CostDemand demand = cost_move(&run->arena, schedule, rank, op, COST_EXPECTED);
        sample.work.bytes = cost_busiest(&demand);
        sample.seconds = move_seconds(run, item, times, row);
        sample.mixed = is_mixed(item, times, row);
    } else {
        sample.work = cost_work(schedule, op);
        sample.seconds = least_disturbed(run, times, times->busy, times->wait, row);
    }
    return sample;
}

Status calibrate_read(Run *run, const Calibration *calibration, const char *path,
                      CalibrateSamples *samples) {
    for (int64_t c = 0; c < calibration->cases.count; c++) {
        const CalibrateCase *item = &calibration->cases.items[c];
        Times times;
        TRY(read_times(run, item, path, &times));
        for (int64_t row = 0; row < times.rows; row++) {
            CalibrateSample sample = sample_of(run, item, &times, row);
            sample.program = c;
            if (sample.move && sample.work.bytes <= 0)
                continue; /* between a rank and itself: no move */
            *(CalibrateSample *)LIST_PUSH(&run->arena, samples) = sample;
        }
    }
    return STATUS_OK;
}
