/* prove: see prove.h. Nothing here judges: the rules are in gen/schedule/check*.c. */
#include "run/prove.h"

Status prove_plan(Run *run, const Plan *plan, Schedule *schedule, CheckReport *report) {
    *report = (CheckReport){0};
    TRY(schedule_lower(&run->arena, plan, schedule, &run->diag));
    return check_schedule(schedule, report, &run->arena, &run->diag);
}

int64_t prove_count(const CheckReport *report) {
    int64_t count = 0;
    for (int i = 0; i < CHECK_RULE_COUNT; i++)
        count += report->rules[i].ran && report->rules[i].failures == 0;
    return count;
}

static void json_number(Jsonw *json, const char *key, int64_t value) {
    jsonw_key(json, key);
    jsonw_int(json, value);
}

void prove_json(const CheckReport *report, Jsonw *json) {
    jsonw_key(json, "ledger");
    jsonw_array(json, false);
    for (int64_t i = 0; i < report->ledger.count; i++) {
        const LedgerRow *row = &report->ledger.rows[i];
        jsonw_object(json, true);
        json_number(json, "activations", row->activations);
        json_number(json, "capacity", row->capacity);
        json_number(json, "padding", row->padding);
        json_number(json, "rank", row->rank);
        json_number(json, "state", row->state);
        json_number(json, "total", row->total);
        json_number(json, "weights", row->weights);
        json_number(json, "windows", row->windows);
        json_number(json, "workspace", row->workspace);
        jsonw_end(json);
    }
    jsonw_end(json);
    jsonw_key(json, "rules");
    jsonw_array(json, false);
    for (int i = 0; i < CHECK_RULE_COUNT; i++) {
        const CheckRule *rule = &report->rules[i];
        jsonw_object(json, true);
        json_number(json, "count", rule->count);
        json_number(json, "failures", rule->failures);
        jsonw_key(json, "name");
        jsonw_string(json, rule->name);
        jsonw_key(json, "ran");
        jsonw_bool(json, rule->ran);
        jsonw_end(json);
    }
    jsonw_end(json);
}
