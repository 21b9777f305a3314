/* command_explain: gen explain CODE tells of a diagnostic, gen explain PLAN why the plan is as it is. */
#include "base/jsonw.h"
#include "run/command.h"
#include "base/fs.h"
#include "run/explain_table.h"
#include "run/inputs.h"
#include "run/prove.h"
#include "schedule/check.h"
#include "show/explain.h"

#include <string.h>

static const struct {
    const char *code, *name, *proves;
} rules[] = {
#define RULE(id, name, code, unit, proves) {code, name, proves},
    CHECK_RULES(RULE)
#undef RULE
};

static const ExplainExample *example_of(const char *code) {
    static const ExplainExample none = {0};
    static const ExplainExample rule = {
        .look = "the plan at the place that the counterexample names; gen show PLAN --rank N"};
    for (const ExplainExample *entry = explain_examples; entry->code; entry++)
        if (strcmp(entry->code, code) == 0)
            return entry;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].code, code) == 0)
            return &rule;
    return &none;
}

static void print_text(const char *code, const char *text, const ExplainExample *example) {
    printf("%s\n\n%s\n", code, text);
    if (example->wrong || example->right || example->look)
        putchar('\n');
    if (example->wrong)
        printf("  wrong: %s\n", example->wrong);
    if (example->right)
        printf("  right: %s\n", example->right);
    if (example->look)
        printf("  look:  %s\n", example->look);
}

static void json_member(Jsonw *json, const char *key, const char *text) {
    if (!text)
        return;
    jsonw_key(json, key);
    jsonw_string(json, text);
}

/* Text of a code, or NULL. */
static const char *explanation(Run *run, const char *code) {
    for (const Explanation *entry = explain_table; entry->code; entry++)
        if (strcmp(entry->code, code) == 0)
            return entry->text;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].code, code) == 0)
            return arena_printf(&run->arena,
                                "The proof rule %s refuses the plan. It proves that\n%s.\nThe "
                                "message names a counterexample; docs/proof.md tells more.",
                                rules[i].name, rules[i].proves);
    return NULL;
}

static Status explain_plan(Run *run) {
    Plan plan;
    Schedule schedule;
    CheckReport report;
    Buf text = {0};
    TRY(inputs_operand_plan(run, &plan));
    TRY(prove_plan(run, &plan, &schedule, &report));
    Simulation simulation = simulate(&run->arena, &schedule);
    if (run_json(run))
        explain_json(&schedule, &simulation, &report.ledger, &text);
    else
        explain_text(&schedule, &simulation, &report.ledger, &text);
    fwrite(text.data, 1, text.length, stdout);
    buf_free(&text);
    return STATUS_OK;
}

Status command_explain(Run *run) {
    const char *code = run->options.operand;
    const char *text = explanation(run, code);
    if (!text && fs_exists(code))
        return explain_plan(run);
    if (!text) {
        diag_error(&run->diag, diag_nowhere(), "E0910",
                   "write a code such as E0312, which stands in brackets in a message, or the "
                   "path of a plan",
                   "there is no code and no file '%s'", code);
        return STATUS_USAGE;
    }
    if (!run_json(run)) {
        print_text(code, text, example_of(code));
        return STATUS_OK;
    }
    Buf out = {0};
    Jsonw json;
    jsonw_begin(&json, &out);
    jsonw_object(&json, false);
    const ExplainExample *example = example_of(code);
    json_member(&json, "code", code);
    json_member(&json, "look", example->look);
    json_member(&json, "right", example->right);
    json_member(&json, "text", text);
    json_member(&json, "wrong", example->wrong);
    jsonw_end(&json);
    jsonw_finish(&json);
    fputs(out.data, stdout);
    buf_free(&out);
    return STATUS_OK;
}
