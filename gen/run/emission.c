/* emission: see emission.h. The stages are other modules'; here they are joined and reported. */
#include "run/emission.h"

#include "base/fs.h"
#include "emit/program.h"
#include "run/inputs.h"
#include "run/launch.h"
#include "run/predict.h"
#include "run/prove.h"
#include "run/target.h"
#include "schedule/certificate.h"
#include "show/show.h"

#include <string.h>

typedef struct Emission {
    const Plan *plan;
    const char *dir;
    Schedule schedule;
    CheckReport report;
    Simulation simulation;
} Emission;

/* Smallest and largest total of the ranks of a role. */
static void role_memory(const Emission *emission, const Role *role, int64_t *least, int64_t *most) {
    *least = INT64_MAX;
    *most = 0;
    for (int64_t i = 0; i < role->ranks.count; i++) {
        int64_t total = emission->report.ledger.rows[role->ranks.items[i]].total;
        *least = total < *least ? total : *least;
        *most = total > *most ? total : *most;
    }
}

static void print_roles(const Emission *emission) {
    const Schedule *schedule = &emission->schedule;
    for (int64_t r = 0; r < schedule->roles.count; r++) {
        const Role *role = &schedule->roles.items[r];
        int64_t least, most;
        char text[24];
        role_memory(emission, role, &least, &most);
        printf("  %-12s %3lld rank%s  %s", role->name, (long long)role->ranks.count,
               role->ranks.count == 1 ? " " : "s", ledger_bytes(text, least));
        if (least != most)
            printf(" to %s", ledger_bytes(text, most));
        printf(" a rank of %s\n",
               ledger_bytes(text, emission->report.ledger.rows[role->ranks.items[0]].capacity));
    }
}

/* On stderr: why a plan is refused, as far as that is memory. */
static void print_ledger(const Emission *emission) {
    Buf text = {0};
    show_ledger_text(&emission->schedule, &emission->report.ledger, &text);
    fputs(text.data, stderr);
    buf_free(&text);
}

/* Does the folder that the model is of hold a checkpoint, too? */
static bool has_weights(Run *run, const char *model) {
    return fs_is_directory(model) &&
           (fs_exists(fs_join(&run->arena, model, "model.safetensors")) ||
            fs_exists(fs_join(&run->arena, model, "model.safetensors.index.json")));
}

static void report_text(Run *run, const Emission *emission) {
    const char *dir = launch_quote(&run->arena, emission->dir);
    printf("%s: %s\n", emission->plan->name, inputs_grid(run, emission->plan));
    inputs_print_choices(emission->plan);
    print_roles(emission);
    printf("  proved       %lld of %d rules\n", (long long)prove_count(&emission->report),
           CHECK_RULE_COUNT);
    predict_print(run, &emission->simulation, &emission->schedule);
    printf("wrote %s; next:\n  gen build %s\n", emission->dir, dir);
    const char *model = run->options.values[OPTION_MODEL];
    if (model && has_weights(run, model))
        printf("  gen weights %s --from %s\n", dir, launch_quote(&run->arena, model));
    printf("  gen verify %s\n  gen bench %s\n", dir, dir);
}

static void report_json(const Emission *emission) {
    Buf text = {0};
    Jsonw json;
    jsonw_begin(&json, &text);
    jsonw_object(&json, false);
    jsonw_key(&json, "directory");
    jsonw_string(&json, emission->dir);
    jsonw_key(&json, "name");
    jsonw_string(&json, emission->plan->name);
    jsonw_key(&json, "proved");
    jsonw_int(&json, prove_count(&emission->report));
    jsonw_key(&json, "ranks");
    jsonw_int(&json, emission->plan->ranks.count);
    jsonw_key(&json, "roles");
    jsonw_array(&json, false);
    for (int64_t r = 0; r < emission->schedule.roles.count; r++) {
        const Role *role = &emission->schedule.roles.items[r];
        int64_t least, most;
        role_memory(emission, role, &least, &most);
        jsonw_object(&json, true);
        jsonw_key(&json, "bytes");
        jsonw_int(&json, most);
        jsonw_key(&json, "name");
        jsonw_string(&json, role->name);
        jsonw_key(&json, "ranks");
        jsonw_int(&json, role->ranks.count);
        jsonw_end(&json);
    }
    jsonw_end(&json);
    predict_json(&emission->simulation, &json);
    jsonw_end(&json);
    jsonw_finish(&json);
    fputs(text.data, stdout);
    buf_free(&text);
}

enum { CERTIFICATE_MAX = 64 << 20 };

/* That of the proof, or the one that --certificate names, e.g. one that was reviewed. */
static Status certificate_for(Run *run, const Schedule *schedule, char **text) {
    const char *path = run->options.values[OPTION_CERTIFICATE];
    size_t length;
    if (path)
        return fs_read(&run->arena, path, CERTIFICATE_MAX, text, &length, &run->diag);
    Buf made = {0};
    Status status = certificate_text(&run->arena, schedule, &made, &run->diag);
    *text = status == STATUS_OK ? arena_strndup(&run->arena, made.data, made.length) : NULL;
    buf_free(&made);
    return status;
}

Status emission_write(Run *run, const Plan *plan, const char *dir) {
    Emission emission = {.plan = plan, .dir = dir};
    EmitOptions options = {.share = run->options.values[OPTION_SHARE],
                           .version = TOPOSMITH_VERSION,
                           .certificate = run->options.values[OPTION_CERTIFICATE]};
    TRY(target_read(run, &options.target));
    Status status = prove_plan(run, plan, &emission.schedule, &emission.report);
    if (status == STATUS_NEGATIVE && !options_given(&run->options, OPTION_QUIET))
        print_ledger(&emission);
    TRY(status);
    char *certificate;
    TRY(certificate_for(run, &emission.schedule, &certificate));
    emission.simulation = simulate(&run->arena, &emission.schedule);
    Buf prediction = {0};
    simulate_write(&emission.simulation, &emission.schedule, &prediction);
    status = emit_program(&run->arena, &emission.schedule, certificate, prediction.data, dir,
                          options, &run->diag);
    buf_free(&prediction);
    TRY(status);
    if (run_json(run))
        report_json(&emission);
    else
        report_text(run, &emission);
    return STATUS_OK;
}
