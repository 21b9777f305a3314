/* gen's side of an emulation: the figures that a program gets, and what is made of the times that it writes. */
#include "../schedule/schedule_fixture.h"
#include "run/arrays.h"
#include "run/emulate.h"
#include "schedule/walk.h"

#include <math.h>
#include <unistd.h>

#define SEPARATED "ma-separation:attention=4,experts=4,groups=2,microbatches=2"
#define PIPELINED "tp-pp:tp=2,pp=2,microbatches=2,output=ring"

static char path[64];

static int setup(void **state) {
    (void)state;
    strcpy(path, "/tmp/test_emulate_compare.XXXXXX");
    int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int teardown(void **state) {
    (void)state;
    return unlink(path);
}

/* --- figures ------------------------------------------------------------------------------------------------ */

typedef struct Figures {
    const int64_t *first;
    const double *op_s, *fixed_s, *move_s, *share;
    const int32_t *op_move, *move_first, *resource;
    int64_t moves;
} Figures;

static const void *data_of(Fixture *f, const Arrays *arrays, const char *name, rt_type type) {
    const Array *array = arrays_get(arrays, name, type, 1, &f->diag);
    assert_non_null(array);
    return array->data;
}

static Figures read_figures(Fixture *f) {
    Arrays arrays;
    assert_int_equal(arrays_read(&f->arena, path, 1 << 24, &arrays, &f->diag), STATUS_OK);
    return (Figures){
        .first = data_of(f, &arrays, "op_first", RT_I64),
        .op_s = data_of(f, &arrays, "op_s", RT_F64),
        .op_move = data_of(f, &arrays, "op_move", RT_I32),
        .fixed_s = data_of(f, &arrays, "fixed_s", RT_F64),
        .move_s = data_of(f, &arrays, "move_s", RT_F64),
        .move_first = data_of(f, &arrays, "move_first", RT_I32),
        .resource = data_of(f, &arrays, "use_resource", RT_I32),
        .share = data_of(f, &arrays, "use_share", RT_F64),
        .moves = arrays_get(&arrays, "move_s", RT_F64, 1, &f->diag)->shape[0],
    };
}

/* Kernels take what was simulated; members of a move have one figure, which is what it takes at least. */
static void check_figures(const char *strategy) {
    Fixture f;
    const double scales[] = {1, 1};
    fixture_make(&f, MA_SMALL, strategy, 16);
    assert_int_equal(emulate_figures_write(&f.arena, &f.schedule, scales, path, &f.diag),
                     STATUS_OK);
    Figures figures = read_figures(&f);
    int64_t moves = 0;
    for (int64_t s = 0; s < f.plan.steps.count; s++) {
        Timeline timeline = simulate_timeline(&f.arena, &f.schedule, s, COST_EXPECTED);
        int32_t *move_of = ARENA_ARRAY(&f.arena, timeline.items.count, int32_t);
        for (int64_t i = 0; i < timeline.items.count; i++) {
            const TimelineItem *item = &timeline.items.items[i];
            int64_t entry = figures.first[item->rank] + item->op;
            int32_t move = figures.op_move[entry];
            double seconds = item->end - item->begin;
            if (item->meeting < 0) {
                assert_int_equal(move, -1);
                assert_true(fabs(seconds - figures.op_s[entry]) < 1e-12);
                continue;
            }
            assert_in_range(move, 0, figures.moves - 1);
            assert_true(seconds > (figures.fixed_s[move] + figures.move_s[move]) * .999999);
            if (move_of[item->meeting])
                assert_int_equal(move_of[item->meeting], move + 1);
            moves += !move_of[item->meeting];
            move_of[item->meeting] = move + 1;
        }
    }
    assert_true(moves > 0 && figures.moves < moves); /* bodies repeat */
    for (int32_t u = 0; u < figures.move_first[figures.moves]; u++) {
        assert_in_range(figures.resource[u], 0, cost_resource_count(&f.schedule) - 1);
        assert_true(figures.share[u] > 0 && figures.share[u] <= 1);
    }
    fixture_free(&f);
}

static void figures_are_the_cost_models(void **state) {
    (void)state;
    check_figures(SEPARATED);
    check_figures(PIPELINED);
}

/* --- comparison ---------------------------------------------------------------------------------------------- */

enum { RUNS = 3 };
static const double stretched[RUNS] = {1.3, 1.1, 1.2}; /* times of what was simulated */
static const double lateness[RUNS] = {3e-3, 2e-3, 1e-3};

typedef struct Written {
    Fixture f;
    Timeline timelines[2];
    int64_t events, runs;
    int32_t run_step[2 * RUNS], *run, *rank, *op, *layer;
    double scale[2 * RUNS], took[2 * RUNS], late[2 * RUNS], *begin, *end;
    EmulatedStep steps[2];
} Written;

/* What a program would write whose runs took longer than simulated. */
static void written_make(Written *w) {
    *w = (Written){0};
    fixture_make(&w->f, MA_SMALL, SEPARATED, 16);
    Arena *arena = &w->f.arena;
    for (int s = 0; s < 2; s++)
        w->timelines[s] = simulate_timeline(arena, &w->f.schedule, s, COST_EXPECTED);
    int64_t most = RUNS * (w->timelines[0].items.count + w->timelines[1].items.count) + 1;
    w->run = ARENA_ARRAY(arena, most, int32_t);
    w->rank = ARENA_ARRAY(arena, most, int32_t);
    w->op = ARENA_ARRAY(arena, most, int32_t);
    w->layer = ARENA_ARRAY(arena, most, int32_t);
    w->begin = ARENA_ARRAY(arena, most, double);
    w->end = ARENA_ARRAY(arena, most, double);
    for (w->runs = 0; w->runs < 2 * RUNS; w->runs++) {
        const Timeline *timeline = &w->timelines[w->runs / RUNS];
        double factor = stretched[w->runs % RUNS];
        w->run_step[w->runs] = (int32_t)(w->runs / RUNS);
        w->scale[w->runs] = 10;
        w->took[w->runs] = timeline->makespan * factor;
        w->late[w->runs] = lateness[w->runs % RUNS];
        for (int64_t i = 0; i < timeline->items.count; i++, w->events++) {
            const TimelineItem *item = &timeline->items.items[i];
            w->run[w->events] = (int32_t)w->runs;
            w->rank[w->events] = item->rank;
            w->op[w->events] = item->op;
            w->layer[w->events] = item->layer;
            w->begin[w->events] = item->begin * factor;
            w->end[w->events] = item->end * factor;
        }
    }
}

static Status compare(Written *w) {
    const Array arrays[] = {
        {"run_step", RT_I32, 1, {w->runs}, w->run_step},
        {"run_scale", RT_F64, 1, {w->runs}, w->scale},
        {"run_s", RT_F64, 1, {w->runs}, w->took},
        {"run_late_s", RT_F64, 1, {w->runs}, w->late},
        {"event_run", RT_I32, 1, {w->events}, w->run},
        {"event_rank", RT_I32, 1, {w->events}, w->rank},
        {"event_op", RT_I32, 1, {w->events}, w->op},
        {"event_layer", RT_I32, 1, {w->events}, w->layer},
        {"event_begin_s", RT_F64, 1, {w->events}, w->begin},
        {"event_end_s", RT_F64, 1, {w->events}, w->end},
    };
    assert_int_equal(arrays_write(path, NULL, arrays, 10, &w->f.diag), STATUS_OK);
    return emulate_compare(&w->f.arena, &w->f.schedule, w->timelines, path, w->steps, &w->f.diag);
}

static void assert_ratio(EmulatedBusy busy, double ratio) {
    assert_true(busy.simulated > 0 && fabs(busy.emulated / busy.simulated - ratio) < 1e-9);
}

static void the_least_late_run_counts(void **state) {
    (void)state;
    Written w;
    written_make(&w);
    assert_int_equal(compare(&w), STATUS_OK);
    for (int s = 0; s < 2; s++) {
        const EmulatedStep *step = &w.steps[s];
        assert_int_equal(step->runs, RUNS);
        assert_true(fabs(step->seconds / step->simulated - 1.2) < 1e-9);
        assert_true(fabs(step->median / step->simulated - 1.2) < 1e-9);
        assert_true(fabs(step->least / step->simulated - 1.1) < 1e-9);
        assert_true(fabs(step->most / step->simulated - 1.3) < 1e-9);
        assert_true(step->late == 1e-3 && step->scale == 10);
        assert_true(step->missing == 0 && step->surplus == 0);
        assert_ratio(step->streams[0], 1.2);
        assert_ratio(step->moves[MOVE_DISPATCH], 1.2);
        assert_true(step->rank >= 0 && step->simulated_end == step->simulated); /* the last */
    }
    fixture_free(&w.f);
}

static void other_operations_are_counted(void **state) {
    (void)state;
    Written w;
    written_make(&w);
    int64_t first = 2 * w.timelines[0].items.count; /* of the run that counts */
    assert_int_equal(w.run[first], 2);
    w.layer[first] += 17;
    assert_int_equal(compare(&w), STATUS_OK);
    assert_int_equal(w.steps[0].missing, 1);
    assert_int_equal(w.steps[0].surplus, 1);
    assert_int_equal(w.steps[1].missing, 0);
    fixture_free(&w.f);
}

static void refused(Written *w, const char *part) {
    assert_int_equal(compare(w), STATUS_DATA);
    assert_string_equal(w->f.diag.messages[w->f.diag.count - 1].code, "E0801");
    if (!strstr(w->f.diag.messages[w->f.diag.count - 1].text, part))
        fail_msg("\"%s\" is not said but: %s", part, w->f.diag.messages[w->f.diag.count - 1].text);
    fixture_free(&w->f);
}

static void files_of_others_are_refused(void **state) {
    (void)state;
    Written w;
    written_make(&w);
    w.op[3] = INT32_MAX;
    refused(&w, "event 3 names no operation");
    written_make(&w);
    w.run[5] = 2 * RUNS;
    refused(&w, "event 5 names no operation");
    written_make(&w);
    w.end[0] = NAN;
    refused(&w, "event 0 names no operation");
    written_make(&w);
    for (int i = 0; i < 2 * RUNS; i++)
        w.run_step[i] = 0;
    refused(&w, "step 1 did not run");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_the_cost_models),
        cmocka_unit_test(the_least_late_run_counts),
        cmocka_unit_test(other_operations_are_counted),
        cmocka_unit_test(files_of_others_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
