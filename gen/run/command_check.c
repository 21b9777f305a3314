/* command_check: gen check. Prints the rules that were proved and the memory of each rank. */
#include "run/inputs.h"
#include "run/prove.h"

static void report_json(const CheckReport *report) {
    Buf text = {0};
    Json json;
    json_begin(&json, &text);
    json_object(&json, false);
    json_key(&json, "failures");
    json_int(&json, report->failures);
    prove_json(report, &json);
    json_end(&json);
    json_finish(&json);
    fputs(text.data, stdout);
    buf_free(&text);
}

static void report_text(Run *run, const Schedule *schedule, const CheckReport *report) {
    const Plan *plan = schedule->plan;
    printf("%s: %s\n\nproof\n", plan->name, inputs_grid(run, plan));
    prove_print_rules(report);
    printf("\nmemory\n");
    prove_print_ledger(schedule, report, stdout);
    printf("\n%lld of %d rules proved\n", (long long)prove_count(report), CHECK_RULE_COUNT);
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
