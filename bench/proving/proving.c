/* proving: how long the proof of a plan takes, without reading, lowering and simulating it. Prints ranks, operations in
 * all lists, operations executed in a run of each step, and processor seconds, the least of several runs, of the proof as
 * it is and of the flat form, which goes through every layer. */
#include "schedule/check.h"
#include "schedule/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double processor_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

typedef Status (*Form)(const Schedule *, CheckReport *, Arena *, Diag *);

/* The least of `repeats` runs; ends the program where the proof refuses. */
static double seconds_of(Form form, const Schedule *schedule, int repeats) {
    double best = 1e9;
    for (int i = 0; i < repeats; ++i) {
        Arena arena = {0};
        Diag diag = {.arena = &arena};
        CheckReport report;
        double begin = processor_seconds();
        if (form(schedule, &report, &arena, &diag) != STATUS_OK) {
            diag_render(&diag, stderr);
            exit(1);
        }
        double took = processor_seconds() - begin;
        best = took < best ? took : best;
        arena_free(&arena);
    }
    return best;
}

int main(int argc, char **argv) {
    int repeats = argc > 2 ? atoi(argv[2]) : 5;
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    Plan plan;
    Schedule schedule;
    int64_t listed = 0, executed = 0;
    if (argc < 2 || repeats < 1) {
        fprintf(stderr, "usage: proving PLAN [REPEATS]\n");
        return 2;
    }
    if (plan_read(&arena, argv[1], &plan, &diag) != STATUS_OK ||
        schedule_lower(&arena, &plan, &schedule, &diag) != STATUS_OK) {
        diag_render(&diag, stderr);
        return 1;
    }
    for (int64_t rank = 0; rank < schedule.world; ++rank) {
        listed += schedule.ranks[rank].ops.count;
        for (int64_t step = 0; step < plan.steps.count; ++step) {
            WalkCursor cursor = walk_begin(&schedule.ranks[rank], step);
            for (WalkItem item; walk_next(&cursor, &item);)
                ++executed;
        }
    }
    printf("%lld %lld %lld %.4f %.4f\n", (long long)schedule.world, (long long)listed,
           (long long)executed, seconds_of(check_schedule, &schedule, repeats),
           seconds_of(check_schedule_flat, &schedule, repeats));
    arena_free(&arena);
    return 0;
}
