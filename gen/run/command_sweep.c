/* command_sweep: gen sweep. Which strategy is best where, over a grid of inputs. */
#include "base/fs.h"
#include "report/sweep_write.h"
#include "run/inputs.h"
#include "run/price.h"

#include <string.h>

typedef enum Format { FORMAT_NONE, FORMAT_HTML, FORMAT_SVG, FORMAT_CSV } Format;

static Status read_format(Run *run, Format *format) {
    static const char *const ends[] = {"", ".html", ".svg", ".csv"};
    const char *path = run->options.values[OPTION_OUTPUT];
    const char *dot = path ? strrchr(path, '.') : NULL;
    *format = FORMAT_NONE;
    if (!path)
        return STATUS_OK;
    for (int i = 1; dot && i < 4; i++)
        if (strcmp(dot, ends[i]) == 0)
            *format = (Format)i;
    if (*format != FORMAT_NONE)
        return STATUS_OK;
    diag_error(&run->diag, options_place(&run->diag, OPTION_OUTPUT), "E0918",
               "name a file that ends in .html, .svg or .csv", "'%s' has no format that gen writes",
               path);
    return STATUS_USAGE;
}

static Status read_metric(Run *run, PointMetric *metric) {
    const char *name = run->options.values[OPTION_BY];
    *metric = name ? point_metric(name) : POINT_TPOT;
    if (*metric != POINT_METRIC_COUNT)
        return STATUS_OK;
    const char *names[POINT_METRIC_COUNT + 1] = {0};
    const char *list = "use one of";
    for (int i = 0; i < POINT_METRIC_COUNT; i++) {
        names[i] = point_metrics[i].name;
        list = arena_printf(&run->arena, "%s%s %s", list, i ? "," : "", names[i]);
    }
    const char *nearest = diag_nearest(name, names);
    diag_error(&run->diag, options_place(&run->diag, OPTION_BY), "E0918",
               nearest ? arena_printf(&run->arena, "did you mean %s?", nearest) : list,
               "there is no figure '%s'", name);
    return STATUS_USAGE;
}

static Status read_keys(Run *run, Sweep *sweep) {
    const Options *options = &run->options;
    Status status = STATUS_OK;
    for (int64_t i = 0; i < options->many_count; i++) {
        if (options->many[i].id != OPTION_VARY)
            continue;
        DiagSource *source = ARENA_NEW(&run->arena, DiagSource);
        source->name = arena_printf(&run->arena, "--vary %s", options->many[i].text);
        if (sweep_key(&run->arena, options->many[i].text, (DiagPlace){.source = source}, sweep,
                      &run->diag) != STATUS_OK)
            status = STATUS_USAGE;
    }
    return status;
}

static void on_point(void *context, int64_t done, int64_t of) {
    run_progress(context, "point %lld of %lld", (long long)done + 1, (long long)of);
}

static Status write_file(Run *run, const Sweep *sweep, Format format) {
    const char *path = run->options.values[OPTION_OUTPUT];
    Buf out = {0};
    Status status = STATUS_OK;
    if (format == FORMAT_HTML)
        status = sweep_page(sweep, run->options.values[OPTION_SHARE], &out, &run->diag);
    else if (format == FORMAT_SVG)
        sweep_svg(sweep, &out);
    else
        sweep_csv(sweep, &out);
    if (status == STATUS_OK)
        status = fs_write(path, out.data, out.length, &run->diag);
    if (status == STATUS_OK && !run_json(run))
        printf("wrote %s\n", path);
    buf_free(&out);
    return status;
}

static void print(const Run *run, const Sweep *sweep) {
    Buf out = {0};
    if (run_json(run)) {
        Jsonw json;
        jsonw_begin(&json, &out);
        sweep_json(sweep, &json);
        jsonw_finish(&json);
    } else {
        sweep_text(sweep, &out);
    }
    fwrite(out.data, 1, out.length, stdout);
    buf_free(&out);
}

Status command_sweep(Run *run) {
    const Options *options = &run->options;
    OverrideList settings = {0};
    Format format;
    Sweep sweep = {.base = {.model = options->values[OPTION_MODEL],
                            .topology = options->values[OPTION_TOPOLOGY],
                            .workload = options->values[OPTION_WORKLOAD],
                            .settings = &settings,
                            .share = options->values[OPTION_SHARE],
                            .price = price_plan}};
    TRY(inputs_check_share(run));
    TRY(inputs_cost(run));
    TRY(read_format(run, &format));
    TRY(read_metric(run, &sweep.by));
    TRY(inputs_settings(run, &settings));
    TRY(sweep_strategies(&run->arena, options->values[OPTION_STRATEGY], &sweep, &run->diag));
    TRY(read_keys(run, &sweep));
    TRY(sweep_run(&run->arena, &sweep, on_point, run, &run->diag));
    run_progress_end(run);
    print(run, &sweep);
    if (format != FORMAT_NONE)
        TRY(write_file(run, &sweep, format));
    return sweep_answers(&sweep) ? STATUS_OK : STATUS_NEGATIVE;
}
