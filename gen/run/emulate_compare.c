/* emulate_compare: see emulate.h. The program's file is another process's: it is read as data of anyone's. */
#include "run/arrays.h"
#include "run/emulate.h"
#include "schedule/walk.h"

#include <math.h>
#include <stdlib.h>

enum { FILE_LIMIT = 1 << 30 };

/* The arrays of the file. */
typedef struct Emulation {
    int64_t runs, events;
    const int32_t *run_step, *run, *rank, *op, *layer;
    const double *run_s, *run_scale, *run_late_s, *begin, *end;
} Emulation;

static Status find(const Arrays *arrays, const char *name, rt_type type, int64_t *count,
                   const void **data, Diag *diag) {
    const Array *array = arrays_get(arrays, name, type, 1, diag);
    if (!array)
        return STATUS_DATA;
    if (*count >= 0 && array->shape[0] != *count) {
        diag_error(diag, diag_nowhere(), "E0801", "the program and gen must be of one version",
                   "%s: the array \"%s\" has %lld entries of %lld", arrays->path, name,
                   (long long)array->shape[0], (long long)*count);
        return STATUS_DATA;
    }
    *count = array->shape[0];
    *data = array->data;
    return STATUS_OK;
}

static Status read_emulation(Arena *arena, const char *path, Emulation *e, Diag *diag) {
    Arrays arrays;
    int64_t runs = -1, events = -1;
    TRY(arrays_read(arena, path, FILE_LIMIT, &arrays, diag));
    const struct {
        const char *name;
        rt_type type;
        int64_t *count;
        const void **data;
    } wanted[] = {
        {"run_step", RT_I32, &runs, (const void **)&e->run_step},
        {"run_scale", RT_F64, &runs, (const void **)&e->run_scale},
        {"run_s", RT_F64, &runs, (const void **)&e->run_s},
        {"run_late_s", RT_F64, &runs, (const void **)&e->run_late_s},
        {"event_run", RT_I32, &events, (const void **)&e->run},
        {"event_rank", RT_I32, &events, (const void **)&e->rank},
        {"event_op", RT_I32, &events, (const void **)&e->op},
        {"event_layer", RT_I32, &events, (const void **)&e->layer},
        {"event_begin_s", RT_F64, &events, (const void **)&e->begin},
        {"event_end_s", RT_F64, &events, (const void **)&e->end},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        TRY(find(&arrays, wanted[i].name, wanted[i].type, wanted[i].count, wanted[i].data, diag));
    e->runs = runs;
    e->events = events;
    return STATUS_OK;
}

/* Events name operations that are there. */
static Status check_events(const Schedule *schedule, const Emulation *e, const char *path,
                           Diag *diag) {
    for (int64_t i = 0; i < e->events; i++) {
        bool good = e->rank[i] >= 0 && e->rank[i] < schedule->world && e->run[i] >= 0 &&
                    e->run[i] < e->runs && e->op[i] >= 0 &&
                    e->op[i] < schedule->ranks[e->rank[i]].ops.count && isfinite(e->begin[i]) &&
                    isfinite(e->end[i]);
        if (!good) {
            diag_error(diag, diag_nowhere(), "E0801", "the program and gen must be of one version",
                       "%s: event %lld names no operation of this plan", path, (long long)i);
            return STATUS_DATA;
        }
    }
    return STATUS_OK;
}

/* --- operations, in one order ----------------------------------------------------------------------------- */

typedef struct Executed {
    int32_t rank, op, layer;
    double begin, end;
} Executed;

static int by_operation(const void *a, const void *b) {
    const Executed *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->op != y->op)
        return x->op < y->op ? -1 : 1;
    if (x->layer != y->layer)
        return x->layer < y->layer ? -1 : 1;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

typedef struct ExecutedList {
    Executed *items;
    int64_t count;
} ExecutedList;

static ExecutedList of_timeline(Arena *arena, const Timeline *timeline) {
    ExecutedList list = {ARENA_ARRAY(arena, timeline->items.count + 1, Executed), 0};
    for (; list.count < timeline->items.count; list.count++) {
        const TimelineItem *item = &timeline->items.items[list.count];
        list.items[list.count] =
            (Executed){item->rank, item->op, item->layer, item->begin, item->end};
    }
    qsort(list.items, (size_t)list.count, sizeof *list.items, by_operation);
    return list;
}

static ExecutedList of_run(Arena *arena, const Emulation *e, int64_t run) {
    int64_t count = 0;
    for (int64_t i = 0; i < e->events; i++)
        count += e->run[i] == run;
    ExecutedList list = {ARENA_ARRAY(arena, count + 1, Executed), 0};
    for (int64_t i = 0; i < e->events; i++)
        if (e->run[i] == run)
            list.items[list.count++] =
                (Executed){e->rank[i], e->op[i], e->layer[i], e->begin[i], e->end[i]};
    qsort(list.items, (size_t)list.count, sizeof *list.items, by_operation);
    return list;
}

static void add_busy(const Schedule *schedule, const Executed *executed, bool emulated,
                     EmulatedStep *step) {
    const Op *op = &schedule->ranks[executed->rank].ops.items[executed->op];
    double seconds = executed->end - executed->begin;
    EmulatedBusy *stream = &step->streams[op->stream];
    *(emulated ? &stream->emulated : &stream->simulated) += seconds;
    if (!walk_is_move(op))
        return;
    EmulatedBusy *move = &step->moves[schedule->channels.items[op->channel].move];
    *(emulated ? &move->emulated : &move->simulated) += seconds;
}

static void compare_ends(const Executed *simulated, const Executed *emulated, EmulatedStep *step) {
    double difference = fabs(emulated->end - simulated->end);
    if (step->rank >= 0 && difference <= fabs(step->emulated_end - step->simulated_end))
        return;
    step->rank = simulated->rank;
    step->op = simulated->op;
    step->layer = simulated->layer;
    step->simulated_end = simulated->end;
    step->emulated_end = emulated->end;
}

static void compare_operations(const Schedule *schedule, const ExecutedList *simulated,
                               const ExecutedList *emulated, EmulatedStep *step) {
    for (int64_t s = 0, e = 0; s < simulated->count || e < emulated->count;) {
        const Executed *x = s < simulated->count ? &simulated->items[s] : NULL;
        const Executed *y = e < emulated->count ? &emulated->items[e] : NULL;
        bool same = x && y && x->rank == y->rank && x->op == y->op && x->layer == y->layer;
        bool first = x && (!y || by_operation(x, y) < 0);
        if (same || first)
            add_busy(schedule, x, false, step);
        if (same || !first)
            add_busy(schedule, y, true, step);
        if (same)
            compare_ends(x, y, step);
        step->missing += !same && first;
        step->surplus += !same && !first;
        s += same || first;
        e += same || !first;
    }
}

/* --- steps ------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The run of a step in which this host was least late, which says most of the program; -1: there is none. */
static int64_t best_run(Arena *arena, const Emulation *e, int64_t index, EmulatedStep *step) {
    double *took = ARENA_ARRAY(arena, e->runs + 1, double);
    int64_t best = -1;
    for (int64_t i = 0; i < e->runs; i++) {
        if (e->run_step[i] != index)
            continue;
        took[step->runs++] = e->run_s[i];
        if (best < 0 || e->run_late_s[i] < e->run_late_s[best])
            best = i;
    }
    if (best < 0)
        return -1;
    qsort(took, (size_t)step->runs, sizeof *took, by_value);
    step->least = took[0];
    step->most = took[step->runs - 1];
    step->median = took[(step->runs - 1) / 2];
    step->seconds = e->run_s[best];
    step->late = e->run_late_s[best];
    step->scale = e->run_scale[best];
    return best;
}

Status emulate_compare(Arena *arena, const Schedule *schedule, const Timeline *timelines,
                       const char *path, EmulatedStep *steps, Diag *diag) {
    Emulation emulation;
    TRY(read_emulation(arena, path, &emulation, diag));
    TRY(check_events(schedule, &emulation, path, diag));
    for (int64_t s = 0; s < schedule->plan->steps.count; s++) {
        EmulatedStep *step = &steps[s];
        *step = (EmulatedStep){.simulated = timelines[s].makespan, .rank = -1};
        int64_t run = best_run(arena, &emulation, s, step);
        if (run < 0)
            return diag_error(diag, diag_nowhere(), "E0801",
                              "the program and gen must be of one version",
                              "%s: step %lld did not run", path, (long long)s);
        ExecutedList simulated = of_timeline(arena, &timelines[s]);
        ExecutedList emulated = of_run(arena, &emulation, run);
        compare_operations(schedule, &simulated, &emulated, step);
    }
    return STATUS_OK;
}
