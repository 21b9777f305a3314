/* command_explain: gen explain CODE. */
#include "base/jsonw.h"
#include "run/command.h"
#include "run/explain_table.h"
#include "schedule/check.h"

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

Status command_explain(Run *run) {
    const char *code = run->options.operand;
    const char *text = explanation(run, code);
    if (!text) {
        diag_error(&run->diag, diag_nowhere(), "E0910",
                   "codes look like E0312: they stand in brackets in a message",
                   "there is no code '%s'", code);
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
