/* inputs: flags of the workload override its file; names that serving frameworks use become options of the
 * strategy, which says itself what it takes. All lies in the run's arena. */
#include "run/inputs.h"

#include "base/fs.h"
#include "plan/planner.h"
#include "run/price.h"
#include "schedule/cost_model.h"

#include <string.h>

static const struct {
    OptionId id;
    const char *field;
} workload_flags[] = {
    {OPTION_BATCH, "batch"}, {OPTION_PREFILL, "prefill"},       {OPTION_CONTEXT, "context"},
    {OPTION_DTYPE, "dtype"}, {OPTION_CANDIDATES, "candidates"},
};

static const struct {
    OptionId id;
    const char *key;
} strategy_flags[] = {
    {OPTION_TENSOR_PARALLEL, "tp"},
    {OPTION_PIPELINE_PARALLEL, "pp"},
    {OPTION_DATA_PARALLEL, "dp"},
    {OPTION_EXPERT_PARALLEL, "ep"},
};

Status inputs_settings(Run *run, OverrideList *settings) {
    const Options *options = &run->options;
    Status status = STATUS_OK;
    for (size_t i = 0; i < sizeof workload_flags / sizeof *workload_flags; i++) {
        const char *text = options->values[workload_flags[i].id];
        DiagPlace place = options_place(&run->diag, workload_flags[i].id);
        if (text && override_add(&run->arena, OVERRIDE_WORKLOAD, workload_flags[i].field, text,
                                 place, settings, &run->diag) != STATUS_OK)
            status = STATUS_USAGE;
    }
    for (int64_t i = 0; i < options->many_count; i++)
        if (options->many[i].id == OPTION_SET &&
            inputs_override(run, options->many[i].text, settings) != STATUS_OK)
            status = STATUS_USAGE;
    return status;
}

Status inputs_override(Run *run, const char *text, OverrideList *settings) {
    DiagSource *source = ARENA_NEW(&run->arena, DiagSource);
    source->name = arena_printf(&run->arena, "--%s %s", options_name(OPTION_SET), text);
    return override_parse(&run->arena, text, (DiagPlace){.source = source}, settings, &run->diag);
}

/* Whether "key=" is among the options of a strategy text. */
static bool has_key(const char *text, const char *key) {
    size_t length = strlen(key);
    for (const char *at = strpbrk(text, ":,"); at; at = strpbrk(at + 1, ":,"))
        if (strncmp(at + 1, key, length) == 0 && at[1 + length] == '=')
            return true;
    return false;
}

static Status strategy_text(Run *run, const char **text) {
    const Options *options = &run->options;
    *text = options->values[OPTION_STRATEGY];
    if (!*text)
        *text = "single";
    for (size_t i = 0; i < sizeof strategy_flags / sizeof *strategy_flags; i++) {
        OptionId id = strategy_flags[i].id;
        const char *key = strategy_flags[i].key;
        int64_t value;
        TRY(options_int(options, id, 1, 1 << 20, 1, &value, &run->diag));
        if (!options_given(options, id))
            continue;
        if (has_key(*text, key)) {
            diag_error(&run->diag, options_place(&run->diag, id), "E0915", "give it once",
                       "the strategy has %s= already", key);
            return STATUS_USAGE;
        }
        const char *dot = strstr(*text, ".lua");
        bool more = strchr(dot ? dot : *text, ':');
        *text = arena_printf(&run->arena, "%s%c%s=%lld", *text, more ? ',' : ':', key,
                             (long long)value);
    }
    return STATUS_OK;
}

Status inputs_check_share(Run *run) {
    const char *share = run->options.values[OPTION_SHARE];
    if (!share || fs_is_directory(share))
        return STATUS_OK;
    diag_error(&run->diag, options_place(&run->diag, OPTION_SHARE), "E0901",
               "name a folder with lua/ or templates/ in it", "there is no folder %s", share);
    return STATUS_NOINPUT;
}

Status inputs_cost(Run *run) {
    const char *const *values = run->options.values;
    const char *name = values[OPTION_COST] ? values[OPTION_COST] : "roofline";
    CostModel *model = ARENA_NEW(&run->arena, CostModel);
    TRY(cost_model_read(&run->arena, name, values[OPTION_SHARE], model, &run->diag));
    cost_model_use(model);
    return STATUS_OK;
}

static Status check_name(Run *run) {
    const char *name = run->options.values[OPTION_NAME];
    if (!name || plan_name_is_plain(name))
        return STATUS_OK;
    diag_error(&run->diag, options_place(&run->diag, OPTION_NAME), "E0918",
               "use a-z, 0-9 and '-' (not first), at most 100 of them",
               "'%s' cannot name a program", name);
    return STATUS_USAGE;
}

Status inputs_read(Run *run, const OverrideList *more, PlanInputs *inputs) {
    const char *const *values = run->options.values;
    OverrideList settings = {0};
    TRY(inputs_check_share(run));
    TRY(inputs_cost(run));
    Status status = inputs_settings(run, &settings);
    for (int64_t i = 0; more && i < more->count; i++)
        *(Override *)LIST_PUSH(&run->arena, &settings) = more->items[i];
    Status model = model_read_with(&run->arena, values[OPTION_MODEL], values[OPTION_SHARE],
                                   &settings, &inputs->model, &run->diag);
    Status topology = topology_read_with(&run->arena, values[OPTION_TOPOLOGY], &settings,
                                         &inputs->topology, &run->diag);
    Status workload = workload_read_with(&run->arena, values[OPTION_WORKLOAD], &settings,
                                         &inputs->workload, &run->diag);
    TRY(model);
    TRY(topology);
    TRY(workload);
    TRY(status);
    workload_complete(&inputs->workload, &inputs->model);
    return workload_check(&inputs->workload, &inputs->model, diag_nowhere(), &run->diag);
}

Status inputs_plan(Run *run, Plan *plan) {
    const Options *options = &run->options;
    const char *share = options->values[OPTION_SHARE];
    *plan = (Plan){0};
    TRY(check_name(run));
    TRY(inputs_read(run, NULL, &plan->inputs));
    PlannerRequest request = {
        .share = share, .name = options->values[OPTION_NAME], .price = price_plan};
    TRY(strategy_text(run, &request.strategy));
    run_detail(run, "planning with %s", request.strategy);
    return planner_run(&run->arena, &request, plan, &run->diag);
}

void inputs_print_choices(const Plan *plan) {
    enum { PRINTED = 3 };
    int printed = 0;
    for (int64_t i = 0; i < plan->why.count && printed < PRINTED; i++) {
        const PlanWhy *why = &plan->why.items[i];
        if (!why->runner_up || !*why->runner_up)
            continue;
        printf("  chosen       %s: %s; next best %s\n", why->choice, why->reason, why->runner_up);
        printed++;
    }
}

Status inputs_program_plan(Run *run, const char *dir, Plan *plan) {
    const char *path = fs_join(&run->arena, dir, "plan.json");
    if (!fs_exists(path)) {
        diag_error(&run->diag, diag_nowhere(), "E0714",
                   "emit one first: gen make -m MODEL -t TOPOLOGY -o DIR",
                   fs_exists(dir) ? "%s is no emitted program: it has no plan.json"
                                  : "there is no program %s",
                   dir);
        return STATUS_NOINPUT;
    }
    return plan_read(&run->arena, path, plan, &run->diag);
}

Status inputs_operand_plan(Run *run, Plan *plan) {
    return inputs_plan_at(run, run->options.operand, plan);
}

Status inputs_plan_at(Run *run, const char *path, Plan *plan) {
    TRY(inputs_check_share(run));
    TRY(inputs_cost(run));
    if (fs_is_directory(path))
        return inputs_program_plan(run, path, plan);
    return plan_read(&run->arena, path, plan, &run->diag);
}

/* --- the rank grid ------------------------------------------------------------------------------------ */

typedef struct Grid {
    int64_t groups, least, most; /* request groups, and members of the smallest and largest */
    int64_t attention, experts, both;
} Grid;

static Grid grid_of(Run *run, const Plan *plan) {
    Grid grid = {.least = INT64_MAX};
    enum { ATTENTION = 1, EXPERT = 2 };
    char *does = ARENA_ARRAY(&run->arena, plan->ranks_per_copy, char);
    for (int64_t s = 0; s < plan->stages.count; s++) {
        const PlanStage *stage = &plan->stages.items[s];
        for (int64_t g = 0; g < stage->attention.count; g++) {
            const PlanGroup *group = &stage->attention.items[g];
            grid.groups += s == 0; /* those of later stages serve the same requests */
            grid.least = group->members.count < grid.least ? group->members.count : grid.least;
            grid.most = group->members.count > grid.most ? group->members.count : grid.most;
            for (int64_t m = 0; m < group->members.count; m++)
                does[group->members.items[m].rank] |= ATTENTION;
        }
        for (int64_t e = 0; e < stage->experts.count; e++)
            does[stage->experts.items[e].rank] |= EXPERT;
    }
    for (int64_t rank = 0; rank < plan->ranks_per_copy; rank++) {
        grid.attention += does[rank] == ATTENTION;
        grid.experts += does[rank] == EXPERT;
        grid.both += does[rank] == (ATTENTION | EXPERT);
    }
    return grid;
}

const char *inputs_grid(Run *run, const Plan *plan) {
    Grid grid = grid_of(run, plan);
    Buf text = {0};
    buf_printf(&text, "%lld rank%s = %lld cop%s of ", (long long)plan->ranks.count,
               plan->ranks.count == 1 ? "" : "s", (long long)plan->copies,
               plan->copies == 1 ? "y" : "ies");
    if (grid.both)
        buf_printf(&text, "%lld with attention and experts%s", (long long)grid.both,
                   grid.attention || grid.experts ? " + " : "");
    if (grid.attention)
        buf_printf(&text, "%lld attention%s", (long long)grid.attention, grid.experts ? " + " : "");
    if (grid.experts)
        buf_printf(&text, "%lld expert", (long long)grid.experts);
    if (plan->stages.count > 1)
        buf_printf(&text, " in %lld stages", (long long)plan->stages.count);
    buf_printf(&text, "; %lld request group%s of ", (long long)grid.groups,
               grid.groups == 1 ? "" : "s");
    if (grid.least == grid.most)
        buf_printf(&text, "%lld", (long long)grid.most);
    else
        buf_printf(&text, "%lld to %lld", (long long)grid.least, (long long)grid.most);
    const char *line = arena_strdup(&run->arena, text.data);
    buf_free(&text);
    return line;
}
