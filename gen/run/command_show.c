/* command_show: gen show. A plan, or what one rank of it holds and does, in one of several formats. */
#include "base/fs.h"
#include "run/inputs.h"
#include "run/prove.h"
#include "show/html.h"
#include "show/show.h"
#include "show/trace.h"

#include <string.h>

typedef enum ShowFormat {
    SHOW_TEXT,
    SHOW_JSON,
    SHOW_DOT,
    SHOW_TRACE,
    SHOW_HTML,
    SHOW_FORMATS
} ShowFormat;
static const char *const format_names[SHOW_FORMATS + 1] = {"text",  "json", "dot",
                                                           "trace", "html", NULL};

/* Options that only some formats take, by format. */
static const struct {
    OptionId id;
    bool by[SHOW_FORMATS];
    const char *formats;
} limited[] = {
    {OPTION_RANK,
     {[SHOW_TEXT] = true, [SHOW_JSON] = true, [SHOW_TRACE] = true},
     "text, json and trace"},
    {OPTION_STEP,
     {[SHOW_DOT] = true, [SHOW_TRACE] = true, [SHOW_HTML] = true},
     "dot, trace and html"},
    {OPTION_EMULATION, {[SHOW_HTML] = true}, "html"},
    {OPTION_MEASUREMENT, {[SHOW_HTML] = true}, "html"},
};

static Status format_of(Run *run, ShowFormat *format) {
    const char *name = run->options.values[OPTION_FORMAT];
    int at = 0;
    *format = run_json(run) ? SHOW_JSON : SHOW_TEXT;
    if (!name)
        return STATUS_OK;
    while (format_names[at] && strcmp(format_names[at], name) != 0)
        at++;
    if (at == SHOW_FORMATS || (run_json(run) && at != SHOW_JSON)) {
        const char *nearest = at == SHOW_FORMATS ? diag_nearest(name, format_names) : "json";
        diag_error(&run->diag, options_place(&run->diag, OPTION_FORMAT), "E0918",
                   nearest ? arena_printf(&run->arena, "did you mean %s?", nearest)
                           : "write text, json, dot, trace or html",
                   at == SHOW_FORMATS ? "there is no format '%s'" : "--json is not %s", name);
        return STATUS_USAGE;
    }
    *format = (ShowFormat)at;
    return STATUS_OK;
}

static Status check_options(Run *run, ShowFormat format) {
    for (size_t i = 0; i < sizeof limited / sizeof *limited; i++) {
        if (!options_given(&run->options, limited[i].id) || limited[i].by[format])
            continue;
        diag_error(&run->diag, options_place(&run->diag, limited[i].id), "E0916",
                   arena_printf(&run->arena, "it goes with %s", limited[i].formats),
                   "the format %s does not take it", format_names[format]);
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

/* The step that --step names; without it the decode step, or the last one. */
static Status step_of(Run *run, const Plan *plan, int64_t *step) {
    const char *name = run->options.values[OPTION_STEP];
    const char **names = ARENA_ARRAY(&run->arena, plan->steps.count + 1, const char *);
    *step = plan->steps.count - 1;
    for (int64_t i = 0; i < plan->steps.count; i++) {
        names[i] = plan->steps.items[i].name;
        if (name ? strcmp(name, names[i]) == 0 : plan->steps.items[i].phase == PHASE_DECODE) {
            *step = i;
            return STATUS_OK;
        }
    }
    if (!name)
        return STATUS_OK;
    const char *nearest = diag_nearest(name, names);
    diag_error(&run->diag, options_place(&run->diag, OPTION_STEP), "E0918",
               nearest ? arena_printf(&run->arena, "did you mean %s?", nearest)
                       : arena_printf(&run->arena, "write %s%s", names[0],
                                      names[1] ? ", or another step that gen show tells" : ""),
               "the plan has no step '%s'", name);
    return STATUS_USAGE;
}

/* To the file of -o, or stdout. */
static Status deliver(Run *run, const Buf *text) {
    const char *path = run->options.values[OPTION_OUTPUT];
    if (path && strcmp(path, "-") != 0) {
        TRY(fs_write(path, text->data, text->length, &run->diag));
        run_say(run, "wrote %s", path);
        return STATUS_OK;
    }
    fwrite(text->data, 1, text->length, stdout);
    return STATUS_OK;
}

static Status make_page(Run *run, const Schedule *schedule, const CheckReport *report, int64_t step,
                        Buf *text) {
    const struct {
        OptionId id;
        const char *name;
    } given[] = {{OPTION_EMULATION, "emulation"}, {OPTION_MEASUREMENT, "measurement"}};
    CompareRecord records[2];
    int64_t count = 0;
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        if (options_given(&run->options, given[i].id))
            TRY(compare_read(&run->arena, schedule, given[i].name, run->options.values[given[i].id],
                             &records[count++], &run->diag));
    Simulation simulation = simulate(&run->arena, schedule);
    HtmlPage page = {.schedule = schedule,
                     .simulation = &simulation,
                     .ledger = &report->ledger,
                     .records = records,
                     .record_count = count,
                     .step = step,
                     .share = run->options.values[OPTION_SHARE]};
    return html_write(&page, text, &run->diag);
}

static Status make_text(Run *run, ShowFormat format, Buf *text) {
    Plan plan;
    Schedule schedule;
    int64_t rank, step;
    TRY(inputs_operand_plan(run, &plan));
    TRY(options_int(&run->options, OPTION_RANK, 0, plan.ranks.count - 1, -1, &rank, &run->diag));
    TRY(step_of(run, &plan, &step));
    if (format == SHOW_TRACE || format == SHOW_HTML) { /* a time line is of what was proved */
        CheckReport report;
        TRY(prove_plan(run, &plan, &schedule, &report));
        if (format == SHOW_HTML)
            return make_page(run, &schedule, &report, step, text);
        trace_write(&schedule, options_given(&run->options, OPTION_STEP) ? step : -1, rank,
                    COST_EXPECTED, text);
        return STATUS_OK;
    }
    TRY(schedule_lower(&run->arena, &plan, &schedule, &run->diag));
    if (format == SHOW_DOT)
        show_dot(&schedule, step, text);
    else if (format == SHOW_JSON && rank < 0)
        plan_write(&plan, text);
    else if (format == SHOW_JSON)
        show_rank_json(&schedule, rank, text);
    else if (rank < 0)
        show_plan_text(&schedule, text);
    else
        show_rank_text(&schedule, rank, text);
    return STATUS_OK;
}

Status command_show(Run *run) {
    ShowFormat format;
    Buf text = {0};
    TRY(format_of(run, &format));
    TRY(check_options(run, format));
    Status status = make_text(run, format, &text);
    if (status == STATUS_OK)
        status = deliver(run, &text);
    buf_free(&text);
    return status;
}
