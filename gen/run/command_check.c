/* command_check: gen check. Prints the rules that were proved and the memory of each rank; of a program also whether its
 * certificate holds, with --certificate nothing else. */
#include "base/fs.h"
#include "run/certified.h"
#include "run/inputs.h"
#include "run/prove.h"
#include "run/records.h"
#include "schedule/certificate.h"
#include "show/show.h"

/* `records`, `certified`: NULL where there are none. */
static void report_json(const CheckReport *report, const RecordsReport *records,
                        const Certified *certified) {
    Buf text = {0};
    Jsonw json;
    jsonw_begin(&json, &text);
    jsonw_object(&json, false);
    if (records)
        records_json(records, &json);
    if (certified)
        certified_json(certified, &json);
    jsonw_key(&json, "failures");
    jsonw_int(&json, report->failures);
    prove_json(report, &json);
    jsonw_end(&json);
    jsonw_finish(&json);
    fputs(text.data, stdout);
    buf_free(&text);
}

static void report_text(Run *run, const Schedule *schedule, const CheckReport *report,
                        const RecordsReport *records, const Certified *certified) {
    Buf text = {0};
    buf_printf(&text, "%s: %s\n\n", schedule->plan->name, inputs_grid(run, schedule->plan));
    show_proof_text(report, &text);
    buf_putc(&text, '\n');
    show_ledger_text(schedule, &report->ledger, &text);
    if (certified)
        buf_printf(&text, "\n%s\n", certified_text(run, certified));
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

/* The small checker alone. */
static Status check_certificate(Run *run) {
    Certified found;
    TRY(certified_check(run, run->options.operand, run->options.values[OPTION_CERTIFICATE],
                        &found));
    if (!run_json(run)) {
        puts(certified_text(run, &found));
        return STATUS_OK;
    }
    Buf text = {0};
    Jsonw json;
    jsonw_begin(&json, &text);
    jsonw_object(&json, false);
    certified_json(&found, &json);
    jsonw_end(&json);
    jsonw_finish(&json);
    fputs(text.data, stdout);
    buf_free(&text);
    return STATUS_OK;
}

/* -o: what was proved gets a certificate. */
static Status write_certificate(Run *run, const Schedule *schedule) {
    Buf text = {0};
    Status status = certificate_text(&run->arena, schedule, &text, &run->diag);
    if (status == STATUS_OK)
        status = fs_write(run->options.values[OPTION_OUTPUT], text.data, text.length, &run->diag);
    buf_free(&text);
    return status;
}

/* Of a program's folder that has one. */
static Status check_program(Run *run, Certified *found, const Certified **certified) {
    const char *dir = run->options.operand;
    if (!fs_is_directory(dir) || !fs_exists(fs_join(&run->arena, dir, "certificate.json")))
        return STATUS_OK;
    TRY(certified_check(run, dir, NULL, found));
    *certified = found;
    return STATUS_OK;
}

Status command_check(Run *run) {
    if (options_given(&run->options, OPTION_CERTIFICATE))
        return check_certificate(run);
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
    Certified found;
    const Certified *certified = NULL;
    Status holds = check_program(run, &found, &certified);
    if (holds == STATUS_OK && status == STATUS_OK && options_given(&run->options, OPTION_OUTPUT))
        holds = write_certificate(run, &schedule);
    if (run_json(run))
        report_json(&report, compared, certified);
    else
        report_text(run, &schedule, &report, compared, certified);
    return holds == STATUS_OK ? status : holds;
}
