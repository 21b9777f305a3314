/* command_check: gen check. Prints the rules that were proved and the memory of each rank. */
#include "run/inputs.h"
#include "run/prove.h"
#include "show/show.h"

static void report_json(const CheckReport *report) {
    Buf text = {0};
    Jsonw json;
    jsonw_begin(&json, &text);
    jsonw_object(&json, false);
    jsonw_key(&json, "failures");
    jsonw_int(&json, report->failures);
    prove_json(report, &json);
    jsonw_end(&json);
    jsonw_finish(&json);
    fputs(text.data, stdout);
    buf_free(&text);
}

static void report_text(Run *run, const Schedule *schedule, const CheckReport *report) {
    Buf text = {0};
    buf_printf(&text, "%s: %s\n\n", schedule->plan->name, inputs_grid(run, schedule->plan));
    show_proof_text(report, &text);
    buf_putc(&text, '\n');
    show_ledger_text(schedule, &report->ledger, &text);
    fputs(text.data, stdout);
    buf_free(&text);
}

Status command_check(Run *run) {
    Plan plan;
    Schedule schedule;
    CheckReport report;
    TRY(inputs_operand_plan(run, &plan));
    Status status = prove_plan(run, &plan, &schedule, &report);
    if (status != STATUS_OK && status != STATUS_NEGATIVE)
        return status;
    if (run_json(run))
        report_json(&report);
    else
        report_text(run, &schedule, &report);
    return status;
}
