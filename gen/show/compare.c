/* compare: events of a trace, told apart into runs of their step by how often the same operation came before.
 * Scratch is freed before return; jansson's tree as well. */
#include "show/compare.h"

#include "base/fs.h"
#include "base/jsonr.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COMPARE_LIMIT = 1 << 28 };

/* An executed operation. */
typedef struct Event {
    int64_t step, rank, op, layer, run;
    double begin, end, waited; /* s; of that, waiting for others */
} Event;

typedef LIST_OF(Event) Events;

static int by_operation(const void *a, const void *b) {
    const Event *x = a, *y = b;
    const int64_t left[] = {x->step, x->rank, x->op, x->layer};
    const int64_t right[] = {y->step, y->rank, y->op, y->layer};
    for (int i = 0; i < 4; ++i)
        if (left[i] != right[i])
            return left[i] < right[i] ? -1 : 1;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Number the runs: the n-th time that an operation of a rank works on a layer is the n-th run. */
static int64_t number_runs(Events *events) {
    int64_t most = 0;
    if (events->count > 0)
        qsort(events->items, (size_t)events->count, sizeof(Event), by_operation);
    for (int64_t i = 0; i < events->count; ++i) {
        Event *event = &events->items[i], *before = i > 0 ? event - 1 : NULL;
        bool again = before && before->step == event->step && before->rank == event->rank &&
                     before->op == event->op && before->layer == event->layer;
        event->run = again ? before->run + 1 : 0;
        most = event->run + 1 > most ? event->run + 1 : most;
    }
    return most;
}

static void add_kinds(const Schedule *schedule, const Events *events, int64_t step,
                      CompareStep *result) {
    for (int kind = 0; kind < OP_KINDS; ++kind) {
        double sum = 0;
        int64_t ranks = 0, last = -1;
        for (int64_t i = 0; i < events->count; ++i) {
            const Event *event = &events->items[i];
            if (event->step != step ||
                schedule->ranks[event->rank].ops.items[event->op].kind != kind)
                continue;
            sum += event->end - event->begin - event->waited;
            ranks += event->rank != last; /* they are sorted by rank */
            last = event->rank;
        }
        result->kinds[kind].ranks = ranks;
        if (ranks > 0)
            result->kinds[kind].seconds = sum / (double)ranks / (double)result->runs;
    }
}

static CompareStep of_events(Arena *scratch, const Schedule *schedule, const Events *events,
                             int64_t runs, int64_t step) {
    CompareStep result = {0};
    double *begin = ARENA_ARRAY(scratch, runs + 1, double);
    double *end = ARENA_ARRAY(scratch, runs + 1, double);
    for (int64_t r = 0; r < runs; ++r) {
        begin[r] = INFINITY;
        end[r] = -INFINITY;
    }
    for (int64_t i = 0; i < events->count; ++i) {
        const Event *event = &events->items[i];
        if (event->step != step)
            continue;
        begin[event->run] = fmin(begin[event->run], event->begin);
        end[event->run] = fmax(end[event->run], event->end);
        result.runs = event->run + 1 > result.runs ? event->run + 1 : result.runs;
    }
    if (result.runs == 0)
        return result;
    for (int64_t r = 0; r < result.runs; ++r)
        begin[r] = end[r] - begin[r];
    qsort(begin, (size_t)result.runs, sizeof *begin, by_value);
    result.least = begin[0];
    result.most = begin[result.runs - 1];
    result.median = begin[(result.runs - 1) / 2];
    add_kinds(schedule, events, step, &result);
    return result;
}

CompareStep compare_simulated(const Schedule *schedule, const Timeline *line) {
    Arena scratch = {0};
    Events events = {0};
    for (int64_t i = 0; i < line->items.count; ++i) {
        const TimelineItem *item = &line->items.items[i];
        *(Event *)LIST_PUSH(&scratch, &events) =
            (Event){0, item->rank, item->op, item->layer, 0, item->begin, item->end, 0};
    }
    int64_t runs = number_runs(&events);
    CompareStep step = of_events(&scratch, schedule, &events, runs, 0);
    arena_free(&scratch);
    return step;
}

/* --- reading
 * ------------------------------------------------------------------------------------------ */

static int64_t step_named(const Plan *plan, const char *name) {
    for (int64_t i = 0; name && i < plan->steps.count; ++i)
        if (strcmp(plan->steps.items[i].name, name) == 0)
            return i;
    return -1;
}

/* A slice of a trace; false: it is no operation of this plan. */
static bool read_event(const Schedule *schedule, const json_t *slice, Event *event) {
    const json_t *arguments = json_object_get(slice, "args");
    const json_t *rank = json_object_get(slice, "pid"), *op = json_object_get(arguments, "op");
    const json_t *layer = json_object_get(arguments, "layer");
    const json_t *begin = json_object_get(slice, "ts"), *length = json_object_get(slice, "dur");
    const char *kind = json_string_value(json_object_get(slice, "name"));
    *event = (Event){
        .step = step_named(schedule->plan, json_string_value(json_object_get(arguments, "step"))),
        .rank = json_is_integer(rank) ? json_integer_value(rank) : -1,
        .op = json_is_integer(op) ? json_integer_value(op) : -1,
        .layer = json_is_integer(layer) ? json_integer_value(layer) : -1,
        .begin = json_number_value(begin) * 1e-6,
        .end = (json_number_value(begin) + json_number_value(length)) * 1e-6,
        .waited = json_number_value(json_object_get(arguments, "wait_us")) * 1e-6};
    if (event->step < 0 || event->rank < 0 || event->rank >= schedule->world || event->op < 0 ||
        event->op >= schedule->ranks[event->rank].ops.count || !json_is_number(begin) ||
        !json_is_number(length) || event->end < event->begin)
        return false;
    event->waited = fmax(0, fmin(event->waited, event->end - event->begin));
    return kind &&
           strcmp(op_info[schedule->ranks[event->rank].ops.items[event->op].kind].name, kind) == 0;
}

static Status refuse(const char *path, Diag *diag, const char *why) {
    return diag_error(diag, diag_nowhere(), "E0730",
                      "give the file of gen run DIR --trace FILE, with or without --emulate",
                      "%s: %s", path, why);
}

static Status read_events(Arena *scratch, const Schedule *schedule, const char *path,
                          const json_t *root, Events *events, Diag *diag) {
    const json_t *list = json_object_get(root, "traceEvents");
    size_t i;
    json_t *slice;
    if (!json_is_array(list))
        return refuse(path, diag, "this is no trace: it has no traceEvents");
    json_array_foreach(list, i, slice) {
        const char *phase = json_string_value(json_object_get(slice, "ph"));
        if (!phase || strcmp(phase, "X") != 0)
            continue;
        if (!read_event(schedule, slice, LIST_PUSH(scratch, events)))
            return refuse(path, diag,
                          arena_printf(diag->arena,
                                       "event %zu is no operation of this plan: the trace is of "
                                       "another program",
                                       i));
    }
    if (events->count == 0)
        return refuse(path, diag, "the trace has no operations");
    return STATUS_OK;
}

Status compare_read(Arena *arena, const Schedule *schedule, const char *name, const char *path,
                    CompareRecord *record, Diag *diag) {
    Arena scratch = {0};
    Events events = {0};
    char *text;
    size_t length;
    json_error_t error;
    Status status = fs_read(&scratch, path, COMPARE_LIMIT, &text, &length, diag);
    json_t *root = status == STATUS_OK ? jsonr_parse(text, length, &error) : NULL;
    if (status == STATUS_OK && !root)
        status =
            refuse(path, diag, arena_printf(diag->arena, "line %d: %s", error.line, error.text));
    if (status == STATUS_OK)
        status = read_events(&scratch, schedule, path, root, &events, diag);
    if (status == STATUS_OK) {
        int64_t runs = number_runs(&events), steps = schedule->plan->steps.count;
        *record = (CompareRecord){.name = name, .steps = ARENA_ARRAY(arena, steps, CompareStep)};
        for (int64_t i = 0; i < steps; ++i)
            record->steps[i] = of_events(&scratch, schedule, &events, runs, i);
    }
    json_decref(root);
    arena_free(&scratch);
    return status;
}
