/* command_plan: gen plan. Writes plan.json, or prints it for "-o -". */
#include "base/fs.h"
#include "base/jsonw.h"
#include "run/inputs.h"

#include <string.h>

static void report(Run *run, const Plan *plan, const char *path) {
    if (!run_json(run)) {
        printf("%s: %s\n", plan->name, inputs_grid(run, plan));
        inputs_print_choices(plan);
        for (int64_t i = 0; i < plan->idle.count; i++)
            printf("idle: node %lld GPU %lld: %s\n", (long long)plan->idle.items[i].node,
                   (long long)plan->idle.items[i].gpu, plan->idle.items[i].why);
        printf("wrote %s\n", path);
        return;
    }
    Buf text = {0};
    Jsonw json;
    jsonw_begin(&json, &text);
    jsonw_object(&json, false);
    jsonw_key(&json, "name");
    jsonw_string(&json, plan->name);
    jsonw_key(&json, "plan");
    jsonw_string(&json, path);
    jsonw_key(&json, "ranks");
    jsonw_int(&json, plan->ranks.count);
    jsonw_end(&json);
    jsonw_finish(&json);
    fputs(text.data, stdout);
    buf_free(&text);
}

Status command_plan(Run *run) {
    const char *path = run->options.values[OPTION_OUTPUT];
    Plan plan;
    Buf text = {0};
    TRY(inputs_plan(run, &plan));
    plan_write(&plan, &text);
    Status status = STATUS_OK;
    if (strcmp(path, "-") == 0) {
        run_say(run, "%s", inputs_grid(run, &plan));
        fwrite(text.data, 1, text.length, stdout);
    } else {
        status = fs_write(path, text.data, text.length, &run->diag);
        if (status == STATUS_OK)
            report(run, &plan, path);
    }
    buf_free(&text);
    return status;
}
