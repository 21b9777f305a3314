/* command_check: gen check. Prints the rules that were proved and the memory of each rank. */
#include "run/inputs.h"
#include "run/prove.h"
#include "run/records.h"
#include "show/show.h"

/* `records`: NULL where none are compared. */
static void report_json(const CheckReport *report, const RecordsReport *records) {
    Buf text = {0};
    Jsonw json;
    jsonw_begin(&json, &text);
    jsonw_object(&json, false);
    if (records)
        records_json(records, &json);
    jsonw_key(&json, "failures");
    jsonw_int(&json, report->failures);
    prove_json(report, &json);
    jsonw_end(&json);
    jsonw_finish(&json);
    fputs(text.data, stdout);
    buf_free(&text);
}

static void report_text(Run *run, const Schedule *schedule, const CheckReport *report,
                        const RecordsReport *records) {
    Buf text = {0};
    buf_printf(&text, "%s: %s\n\n", schedule->plan->name, inputs_grid(run, schedule->plan));
    show_proof_text(report, &text);
    buf_putc(&text, '\n');
    show_ledger_text(schedule, &report->ledger, &text);
    if (records)
        buf_printf(&text, "\n%s\n", records_text(run, records));
    fputs(text.data, stdout);
    buf_free(&text);
}

/* What ranks wrote elsewhere, beside the schedule; statements are shown from the program's folder. */
static Status compare_records(Run *run, const Schedule *schedule, RecordsReport *records) {
    const RecordsRequest request = {.schedule = schedule,
                                    .dir = run->options.operand,
                                    .prefix = run->options.values[OPTION_RECORD],
                                    .waves = -1,
                                    .decode = -1};
    return records_check(run, &request, records);
}

Status command_check(Run *run) {
    Plan plan;
    Schedule schedule;
    CheckReport report;
    TRY(inputs_operand_plan(run, &plan));
    Status status = prove_plan(run, &plan, &schedule, &report);
    if (status != STATUS_OK && status != STATUS_NEGATIVE)
        return status;
    RecordsReport records;
    const RecordsReport *compared = NULL;
    if (options_given(&run->options, OPTION_RECORD)) {
        Status calls = compare_records(run, &schedule, &records);
        if (calls != STATUS_OK && calls != STATUS_NEGATIVE)
            return calls;
        compared = &records;
        status = calls == STATUS_OK ? status : calls;
    }
    if (run_json(run))
        report_json(&report, compared);
    else
        report_text(run, &schedule, &report, compared);
    return status;
}
