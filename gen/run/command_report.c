/* command_report: gen report. The source documents' claims beside our predictions, as Markdown and as one HTML file. */
#include "base/fs.h"
#include "report/report_write.h"
#include "run/inputs.h"
#include "run/locate.h"
#include "run/price.h"

static const char MARKDOWN[] = "report.md", HTML[] = "report.html", JSON[] = "report.json";

static void on_point(void *context, int64_t done, int64_t of) {
    run_progress(context, "deployment %lld of %lld", (long long)done + 1, (long long)of);
}

static Status add_file(FsTree *tree, const char *name, const Buf *text, Diag *diag) {
    return fs_tree_add(tree, name, text->data, text->length, diag);
}

/* All three files or none; `json` is what --json prints too. */
static Status write_files(Run *run, const Report *report, const Buf *json) {
    Buf markdown = {0}, html = {0};
    FsTree *tree = NULL;
    Status status;
    report_markdown(report, &markdown);
    TRY_TO(report_page(report, run->options.values[OPTION_SHARE], &html, &run->diag), done);
    TRY_TO(fs_tree_begin(&tree, &run->arena, run->options.values[OPTION_OUTPUT], JSON, &run->diag),
           done);
    TRY_TO(add_file(tree, MARKDOWN, &markdown, &run->diag), abort);
    TRY_TO(add_file(tree, HTML, &html, &run->diag), abort);
    TRY_TO(add_file(tree, JSON, json, &run->diag), abort);
    static const char *const keep[] = {NULL};
    TRY_TO(fs_tree_commit(tree, keep, &run->diag), abort);
abort:
    if (status != STATUS_OK)
        fs_tree_abort(tree);
done:
    buf_free(&markdown);
    buf_free(&html);
    return status;
}

static void print(Run *run, const Report *report) {
    for (int64_t s = 0; s < report->studies.count; s++) {
        const ReportStudy *study = &report->studies.items[s];
        ReportTally tally = report_tally(study);
        printf("%s: %lld deployments, %lld of them cannot be planned\n", study->name,
               (long long)tally.points, (long long)tally.unplanned);
        printf("  %lld claims compared: %lld agree, %lld in part, %lld do not, %lld have no "
               "deployment\n",
               (long long)tally.claims, (long long)tally.within, (long long)tally.partly,
               (long long)tally.outside, (long long)tally.infeasible);
        if (study->arithmetic)
            printf("  %lld computations over their own figures: %lld do not hold\n",
                   (long long)(tally.checks - tally.implied), (long long)tally.failed);
    }
    printf("wrote %s: %s, %s, %s\n", run->options.values[OPTION_OUTPUT], MARKDOWN, HTML, JSON);
}

Status command_report(Run *run) {
    Report report = {0};
    ReportRequest request = {.share = run->options.values[OPTION_SHARE],
                             .only = run->options.values[OPTION_ONLY],
                             .price = price_plan,
                             .progress = on_point,
                             .context = run};
    TRY(inputs_check_share(run));
    TRY(inputs_cost(run));
    TRY(locate_inputs(run, "models", &request.models));
    TRY(locate_inputs(run, "topologies", &request.topologies));
    TRY(report_make(&run->arena, &request, &report, &run->diag));
    run_progress_end(run);
    Buf text = {0};
    Jsonw json;
    jsonw_begin(&json, &text);
    report_json(&report, &json);
    jsonw_finish(&json);
    Status status = write_files(run, &report, &text);
    if (status == STATUS_OK && run_json(run))
        fwrite(text.data, 1, text.length, stdout);
    else if (status == STATUS_OK)
        print(run, &report);
    buf_free(&text);
    return status;
}
