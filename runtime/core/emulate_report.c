/* emulate_report: what an emulation measured, gathered from the segment after the ranks have ended: printed, and
 * as the array file "emulation" (rt_format.h). Times are seconds of the cluster. */
#include "core/output.h"
#include "core/results.h"
#include "core/emulate.h"

#include <math.h>
#include <stdlib.h>

typedef struct Columns {
    int64_t runs, events;
    int32_t *step, *run, *rank, *op, *layer;
    double *scale, *took, *late, *begin, *end;
    double *before; /* of a run: begin of its times in the time line */
} Columns;

static void columns_free(Columns *c) {
    void *all[] = {c->step, c->run,  c->rank,  c->op,  c->layer, c->scale,
                   c->took, c->late, c->begin, c->end, c->before};
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i)
        free(all[i]);
}

static bool columns_create(Columns *c, const rt_segment *segment) {
    *c = (Columns){.runs = rt_emulation_runs(segment->job)};
    for (int32_t r = 0; r < segment->program->world; ++r)
        c->events += rt_segment_area(segment, r)->events;
    size_t runs = (size_t)c->runs + 1, events = (size_t)c->events + 1;
    c->step = calloc(runs, sizeof *c->step);
    c->scale = calloc(runs, sizeof *c->scale);
    c->took = calloc(runs, sizeof *c->took);
    c->late = calloc(runs, sizeof *c->late);
    c->before = calloc(runs, sizeof *c->before);
    c->run = calloc(events, sizeof *c->run);
    c->rank = calloc(events, sizeof *c->rank);
    c->op = calloc(events, sizeof *c->op);
    c->layer = calloc(events, sizeof *c->layer);
    c->begin = calloc(events, sizeof *c->begin);
    c->end = calloc(events, sizeof *c->end);
    return c->step && c->scale && c->took && c->late && c->before && c->run && c->rank && c->op &&
           c->layer && c->begin && c->end;
}

static void fill_runs(Columns *c, const rt_segment *segment) {
    const rt_emu emu = rt_emulation_at(segment);
    for (int64_t i = 0; i < c->runs; ++i) {
        c->step[i] = (int32_t)(rt_emulation_step(segment->job, i) - segment->program->step);
        c->scale[i] = emu.run[i].scale;
        c->before[i] = emu.run[i].before;
        for (int32_t r = 0; r < segment->program->world; ++r) {
            c->took[i] = fmax(c->took[i], emu.end[r * c->runs + i]);
            c->late[i] = fmax(c->late[i], emu.late[r * c->runs + i]);
        }
    }
}

static void fill_events(Columns *c, const rt_segment *segment) {
    int64_t at = 0;
    for (int32_t r = 0; r < segment->program->world; ++r) {
        const rt_event *events = rt_segment_array(segment, r, segment->area_events);
        for (int64_t i = 0; i < rt_segment_area(segment, r)->events; ++i, ++at) {
            c->run[at] = events[i].run;
            c->rank[at] = r;
            c->op[at] = events[i].op;
            c->layer[at] = events[i].layer;
            c->begin[at] = events[i].begin - c->before[events[i].run];
            c->end[at] = events[i].end - c->before[events[i].run];
        }
    }
}

static void print(const Columns *c, const rt_segment *segment) {
    bool json = segment->job->options->json;
    printf("%s", json ? "{\"runs\":[" : "step               seconds    late by      scale\n");
    for (int64_t i = 0; i < c->runs; ++i) {
        const char *name = segment->program->step[c->step[i]].name;
        if (json) {
            printf("%s{\"step\":", i ? "," : "");
            rt_output_string(stdout, name);
            printf(",\"seconds\":%.9g,\"late_s\":%.9g,\"scale\":%.9g}", c->took[i], c->late[i],
                   c->scale[i]);
        } else {
            printf("%-14s %11.9f  %.9f %10.3f\n", name, c->took[i], c->late[i], c->scale[i]);
        }
    }
    printf("%s", json ? "]}\n" : "");
}

rt_status rt_emulate_report(const rt_segment *segment, rt_error *error) {
    Columns c;
    rt_status status = RT_OK;
    if (!columns_create(&c, segment)) {
        status = rt_error_set(error, RT_UNAVAILABLE, "no memory for %lld operations",
                              (long long)c.events);
        goto done;
    }
    fill_runs(&c, segment);
    fill_events(&c, segment);
    print(&c, segment);
    const rt_array arrays[] = {
        {"run_step", RT_I32, 1, {c.runs}, c.step},
        {"run_scale", RT_F64, 1, {c.runs}, c.scale},
        {"run_s", RT_F64, 1, {c.runs}, c.took},
        {"run_late_s", RT_F64, 1, {c.runs}, c.late},
        {"event_run", RT_I32, 1, {c.events}, c.run},
        {"event_rank", RT_I32, 1, {c.events}, c.rank},
        {"event_op", RT_I32, 1, {c.events}, c.op},
        {"event_layer", RT_I32, 1, {c.events}, c.layer},
        {"event_begin_s", RT_F64, 1, {c.events}, c.begin},
        {"event_end_s", RT_F64, 1, {c.events}, c.end},
    };
    if (segment->job->options->out)
        status =
            rt_results_save(segment->job->options->out, "emulation.rta", segment->program->digest,
                            arrays, sizeof arrays / sizeof *arrays, error);
done:
    columns_free(&c);
    return status;
}
