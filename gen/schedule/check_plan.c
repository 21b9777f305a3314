/* check_plan: exchanges are what the plan says: its rows, sequences, slots, and the way in which they move; and there
 * is a step for what the workload asks. */
#include "schedule/check_rules.h"

/* --- exchanges ---------------------------------------------------------------------------------------- */

static const PlanMove *dispatch_of(const PlanStep *step) {
    for (int64_t i = 0; i < step->moves.count; ++i)
        if (step->moves.items[i].kind == MOVE_DISPATCH)
            return &step->moves.items[i];
    return NULL;
}

/* Parts of experts that a rank holds in the layer in which it holds most, and what all tokens pass. */
static int64_t slots_of(const Check *check, const PlanStage *stage, int64_t local) {
    int64_t most = 0;
    bool shared = false;
    int64_t *held = ARENA_ARRAY(check->scratch, check->model->layers + 1, int64_t);
    for (int64_t i = 0; i < stage->experts.count; ++i) {
        const PlanExpert *expert = &stage->experts.items[i];
        bool routed = expert->expert < check->model->experts;
        shared = shared || (expert->rank == local && !routed);
        for (int64_t l = expert->layers.begin;
             routed && expert->rank == local && l < expert->layers.end; ++l)
            most = ++held[l] > most ? held[l] : most;
    }
    return most + shared;
}

static void refuse(Check *check, const Exchange *exchange, const char *what, int64_t rank) {
    check_fail(check, CHECK_PLANNED, NULL, "exchange %s: %s%s", exchange->name, what,
               rank < 0 ? "" : arena_printf(check->scratch, " of rank %lld", (long long)rank));
}

static void check_source_of(Check *check, const Exchange *exchange, const ExchangeSource *source) {
    const Plan *plan = check->plan;
    const PlanStep *step = &plan->steps.items[exchange->step];
    int64_t base, member = 0;
    const PlanGroup *group = check_group(check, source->rank, &base, NULL);
    if (!group || base != exchange->copy * plan->ranks_per_copy) {
        refuse(check, exchange, "a source has no requests of its copy: that", source->rank);
        return;
    }
    while (group->members.items[member].rank + base != source->rank)
        ++member;
    int64_t requests = range_length(group->requests), n = group->members.count;
    int64_t first = requests * exchange->microbatch / step->microbatches;
    int64_t sequences = requests * (exchange->microbatch + 1) / step->microbatches - first;
    int64_t rows = sequences * step->tokens;
    Range owned = {rows * member / n, rows * (member + 1) / n};
    if (exchange->local)
        owned = (Range){0, rows};
    check_count(check, CHECK_PLANNED, 1);
    if (source->rows.begin != owned.begin || source->rows.end != owned.end ||
        source->tokens != step->tokens ||
        source->first_sequence !=
            exchange->copy * plan_copy_batch(plan) + group->requests.begin + first)
        refuse(check, exchange, "the plan gives other rows or sequences to the source",
               source->rank);
}

/* Everybody of the stage who has rows or experts takes part, unless each serves itself. */
static void check_ends(Check *check, const Exchange *exchange, const PlanStage *stage) {
    int64_t base = exchange->copy * check->plan->ranks_per_copy, sources = 0, targets = 0;
    for (int64_t i = 0; i < exchange->sources.count; ++i)
        check_source_of(check, exchange, &exchange->sources.items[i]);
    for (int64_t i = 0; i < exchange->targets.count; ++i) {
        const ExchangeTarget *target = &exchange->targets.items[i];
        check_count(check, CHECK_PLANNED, 1);
        if (target->slots != slots_of(check, stage, target->rank - base))
            refuse(check, exchange, "the plan gives other slots to the target", target->rank);
    }
    for (int64_t g = 0; g < stage->attention.count; ++g)
        sources += stage->attention.items[g].members.count;
    for (int64_t local = 0; local < check->plan->ranks_per_copy; ++local)
        for (int64_t i = 0, found = 0; !found && i < stage->experts.count; ++i)
            targets += found = stage->experts.items[i].rank == local;
    if (!exchange->local &&
        (exchange->sources.count != sources || exchange->targets.count != targets))
        refuse(check, exchange, "it lacks an owner of rows or a holder of experts of its stage",
               -1);
}

static void check_exchange(Check *check, const Exchange *exchange) {
    const PlanMove *move = dispatch_of(&check->plan->steps.items[exchange->step]);
    int64_t mode = move ? move->mode : MODE_EXACT, chunk = move ? move->chunk : 0;
    int64_t in_flight = move ? move->in_flight : 1;
    const PlanStage *stage = check_stage(check, exchange->targets.items[0].rank);
    ArenaMark mark = arena_mark(check->scratch);
    check_count(check, CHECK_PLANNED, 1);
    if (exchange->mode != mode || exchange->chunk != chunk || exchange->in_flight != in_flight)
        refuse(check, exchange, "its mode, chunk or transfers in flight are not those of the plan",
               -1);
    if (!stage)
        refuse(check, exchange, "a target is in no stage: that", exchange->targets.items[0].rank);
    else
        check_ends(check, exchange, stage);
    arena_rewind(check->scratch, mark);
}

/* --- steps -------------------------------------------------------------------------------------------- */

/* A program prefills prompts of any length that the workload has, and decodes. It may have more steps than those. */
static void check_steps(Check *check) {
    const Plan *plan = check->plan;
    bool prefills = false, decodes = false;
    for (int64_t s = 0; s < plan->steps.count; ++s) {
        const PlanStep *step = &plan->steps.items[s];
        prefills = prefills ||
                   (step->phase == PHASE_PREFILL && step->tokens == plan->inputs.workload.prefill);
        decodes = decodes || step->phase == PHASE_DECODE;
    }
    if (!prefills || !decodes)
        check_fail(check, CHECK_REQUESTS, "give the plan a step for all that the workload asks",
                   "no step %s",
                   prefills ? "decodes"
                            : arena_printf(check->scratch, "prefills prompts of %lld tokens",
                                           (long long)plan->inputs.workload.prefill));
}

void check_planned(Check *check) {
    check_steps(check);
    if (check->schedule->experts != plan_experts(check->plan) ||
        check->schedule->top_k != plan_choices(check->plan))
        check_fail(check, CHECK_PLANNED, NULL,
                   "tokens have %lld choices among %lld experts, the plan makes it %lld among %lld",
                   (long long)check->schedule->top_k, (long long)check->schedule->experts,
                   (long long)plan_choices(check->plan), (long long)plan_experts(check->plan));
    for (int64_t e = 0; e < check->schedule->exchanges.count; ++e)
        check_exchange(check, &check->schedule->exchanges.items[e]);
}
