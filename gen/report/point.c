/* point: see point.h. Each question has an arena and a Diag of its own, so that a refusal is an answer. */
#include "report/point.h"

#include "report/point_internal.h"
#include "schedule/check.h"

#include <string.h>

const PointMetricInfo point_metrics[POINT_METRIC_COUNT] = {
#define METRIC(id, name, unit, rate, doc) {name, unit, rate, doc},
    POINT_METRICS(METRIC)
#undef METRIC
};

PointMetric point_metric(const char *name) {
    PointMetric metric = 0;
    while (metric < POINT_METRIC_COUNT && strcmp(point_metrics[metric].name, name) != 0)
        metric++;
    return metric;
}

/* --- why there is no figure --------------------------------------------------------------------------- */

static const struct {
    const char *code, *word;
} words[] = {
    {"E0573", "memory"}, {"E0460", "declined"}, {"E0461", "time"},   {"E0462", "time"},
    {"E0402", "length"}, {"E0464", "unknown"},  {"E0465", "option"}, {"E0466", "option"},
    {"E02", "model"},    {"E03", "topology"},   {"E04", "refused"},  {"E05", "proof"},
};

static const char *word_of(const char *code) {
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncmp(words[i].code, code, strlen(words[i].code)) == 0)
            return words[i].word;
    return "input";
}

/* What a strategy says, without that it is the strategy that says it. */
static const char *said(const DiagMessage *message) {
    static const char mark[] = " declines: ";
    const char *at = strcmp(message->code, "E0460") == 0 ? strstr(message->text, mark) : NULL;
    return at ? at + strlen(mark) : message->text;
}

static void refuse(Arena *arena, Point *point, Status status, const Diag *diag) {
    const DiagMessage *first = NULL;
    for (int64_t i = 0; i < diag->count && !first; i++)
        if (diag->messages[i].level == DIAG_ERROR)
            first = &diag->messages[i];
    point->status = status;
    point->code = first ? arena_strdup(arena, first->code) : "";
    point->word = first ? word_of(first->code) : "refused";
    point->reason = first ? arena_strdup(arena, said(first)) : "no reason is known";
}

/* --- the way to them ---------------------------------------------------------------------------------- */

static Status read_inputs(Arena *arena, const PointRequest *request, PlanInputs *inputs,
                          Diag *diag) {
    const OverrideList *settings = request->settings;
    TRY(model_read_with(arena, request->model, request->share, settings, &inputs->model, diag));
    TRY(topology_read_with(arena, request->topology, settings, &inputs->topology, diag));
    TRY(workload_read_with(arena, request->workload, settings, &inputs->workload, diag));
    workload_complete(&inputs->workload, &inputs->model);
    return workload_check(&inputs->workload, &inputs->model, diag_nowhere(), diag);
}

static Status fits(const Ledger *ledger, Point *point, Diag *diag) {
    const LedgerRow *fullest = &ledger->rows[0];
    for (int64_t i = 1; i < ledger->count; i++)
        if ((double)ledger->rows[i].total / (double)ledger->rows[i].capacity >
            (double)fullest->total / (double)fullest->capacity)
            fullest = &ledger->rows[i];
    point->memory = fullest->total;
    point->capacity = fullest->capacity;
    if (fullest->total <= fullest->capacity)
        return STATUS_OK;
    char need[24], capacity[24], weights[24], state[24], rest[24];
    diag_error(diag, diag_nowhere(), "E0573", NULL,
               "rank %lld needs %s of %s: weights %s, cache %s, buffers %s",
               (long long)fullest->rank, ledger_bytes(need, fullest->total),
               ledger_bytes(capacity, fullest->capacity), ledger_bytes(weights, fullest->weights),
               ledger_bytes(state, fullest->state),
               ledger_bytes(rest, fullest->total - fullest->weights - fullest->state));
    return STATUS_NEGATIVE;
}

static int64_t decode_step(const Plan *plan) {
    for (int64_t i = 0; i < plan->steps.count; i++)
        if (plan->steps.items[i].phase == PHASE_DECODE)
            return i;
    return -1;
}

static const char *first_decision(Arena *arena, const Plan *plan) {
    for (int64_t i = 0; i < plan->why.count; i++)
        if (plan->why.items[i].runner_up && *plan->why.items[i].runner_up)
            return arena_strdup(arena, plan->why.items[i].choice);
    return "";
}

static Status evaluate(Arena *arena, Arena *scratch, const PointRequest *request, Point *point,
                       Diag *diag) {
    Plan plan = {0};
    Schedule schedule;
    CheckReport proof = {0};
    TRY(read_inputs(scratch, request, &plan.inputs, diag));
    point->gpus = topology_gpu_count(&plan.inputs.topology);
    point->batch = plan.inputs.workload.batch;
    point->context = plan.inputs.workload.context;
    PlannerRequest planner = {
        .strategy = request->strategy, .share = request->share, .price = request->price};
    TRY(planner_run(scratch, &planner, &plan, diag));
    point->ranks = plan.ranks.count;
    point->copies = plan.copies;
    point->decision = first_decision(arena, &plan);
    TRY(schedule_lower(scratch, &plan, &schedule, diag));
    Ledger ledger = ledger_make(scratch, &schedule);
    TRY(fits(&ledger, point, diag));
    TRY(check_schedule(&schedule, &proof, scratch, diag));
    Simulation simulation = simulate(scratch, &schedule);
    PointStudy study = {.request = request,
                        .schedule = &schedule,
                        .simulation = &simulation,
                        .ledger = &ledger,
                        .decode = decode_step(&plan),
                        .gpus = (double)point->gpus,
                        .point = point};
    point_figures(arena, &study);
    return STATUS_OK;
}

Status point_evaluate(Arena *arena, const PointRequest *request, Point *point, Diag *diag) {
    Arena scratch = {0};
    Diag own = {.arena = &scratch};
    *point = (Point){.word = "", .reason = "", .code = "", .bound = "", .decision = ""};
    point->strategy = arena_strdup(arena, request->strategy);
    Status status = evaluate(arena, &scratch, request, point, &own);
    bool broken = status == STATUS_SOFTWARE || status == STATUS_UNAVAILABLE;
    if (status != STATUS_OK)
        refuse(arena, point, status, &own);
    if (broken)
        diag_error(diag, diag_nowhere(), point->code, NULL, "%s", point->reason);
    arena_free(&scratch);
    return broken ? status : STATUS_OK;
}
