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

static void json_number(Json *json, const char *key, int64_t value) {
    json_key(json, key);
    json_int(json, value);
}

void prove_json(const CheckReport *report, Json *json) {
    json_key(json, "ledger");
    json_array(json, false);
    for (int64_t i = 0; i < report->ledger.count; i++) {
        const LedgerRow *row = &report->ledger.rows[i];
        json_object(json, true);
        json_number(json, "activations", row->activations);
        json_number(json, "capacity", row->capacity);
        json_number(json, "padding", row->padding);
        json_number(json, "rank", row->rank);
        json_number(json, "state", row->state);
        json_number(json, "total", row->total);
        json_number(json, "weights", row->weights);
        json_number(json, "windows", row->windows);
        json_number(json, "workspace", row->workspace);
        json_end(json);
    }
    json_end(json);
    json_key(json, "rules");
    json_array(json, false);
    for (int i = 0; i < CHECK_RULE_COUNT; i++) {
        const CheckRule *rule = &report->rules[i];
        json_object(json, true);
        json_number(json, "count", rule->count);
        json_number(json, "failures", rule->failures);
        json_key(json, "name");
        json_string(json, rule->name);
        json_key(json, "ran");
        json_bool(json, rule->ran);
        json_end(json);
    }
    json_end(json);
}
