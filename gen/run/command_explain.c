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
        printf("%s\n\n%s\n", code, text);
        return STATUS_OK;
    }
    Buf out = {0};
    Jsonw json;
    jsonw_begin(&json, &out);
    jsonw_object(&json, false);
    jsonw_key(&json, "code");
    jsonw_string(&json, code);
    jsonw_key(&json, "text");
    jsonw_string(&json, text);
    jsonw_end(&json);
    jsonw_finish(&json);
    fputs(out.data, stdout);
    buf_free(&out);
    return STATUS_OK;
}
