/* random_case: see random_case.h. */
#include "random_case.h"

#include "plan/planner.h"
#include "plan/plan_digest.h"

/* --- steps ------------------------------------------------------------------------------------ */

static void random_step(RandomCase *made, const char *name, PlanPhase phase, bool shorter) {
    Choices *c = made->choices;
    Plan *plan = &made->plan;
    int64_t least = plan_copy_batch(plan);
    for (int64_t g = 0; g < plan->stages.items[0].attention.count; ++g) {
        Range requests = plan->stages.items[0].attention.items[g].requests;
        least = least_of(least, requests.end - requests.begin);
    }
    PlanStep *step = LIST_PUSH(made->arena, &plan->steps);
    step->name = name;
    step->phase = phase;
    step->tokens = phase == PHASE_DECODE ? 1 : plan->inputs.workload.prefill;
    if (shorter)
        step->tokens = 1 + draw(c, step->tokens);
    step->microbatches = 1 + draw_low(c, least_of(least, 4));
    if (draw_rare(c, 12)) /* more than there are requests: some are empty */
        step->microbatches += 1 + draw(c, 3);
    random_orders(made, step);
    random_moves(made, step);
}

void random_steps(RandomCase *made) {
    int64_t more = made->small ? 0 : draw_low(made->choices, 4);
    random_step(made, "prefill", PHASE_PREFILL, false);
    random_step(made, "decode", PHASE_DECODE, false);
    if (more == 2)
        random_step(made, "prefill-short", PHASE_PREFILL, true);
    if (more == 3)
        random_step(made, "decode-2", PHASE_DECODE, false);
}

/* --- what the shipped strategies make --------------------------------------------------------- */

static const char *random_options(RandomCase *made, int64_t gpus) {
    static const char *const outputs[] = {"flat",      "hierarchical", "ring",        "recursive",
                                          "pipelined", "sharded",      "ring-sharded"};
    static const char *const exchanges[] = {"direct", "pairwise", "aggregated"};
    Choices *c = made->choices;
    int64_t a = 1 + draw_low(c, gpus), b = 1 + draw_low(c, gpus);
    long long x = a, y = least_of(b, most_of(1, gpus / a)), experts = most_of(1, gpus - a);
    const char *text;
    switch (draw(c, 6)) {
    case 0:
        return "single";
    case 1:
        text = arena_printf(made->arena, "tp:tp=%lld", x);
        break;
    case 2:
        text = arena_printf(made->arena, "ep:ep=%lld,tp=%lld", x, y);
        break;
    case 3:
        text = arena_printf(made->arena, "pp:pp=%lld", x);
        break;
    case 4:
        text = arena_printf(made->arena, "tp-pp:tp=%lld,pp=%lld", x, y);
        break;
    default:
        text = arena_printf(
            made->arena, "ma-separation:attention=%lld,experts=%lld,groups=%lld,placement=%s", x,
            experts, 1 + (long long)draw_low(c, a), draw(c, 2) ? "packed" : "spread");
    }
    return arena_printf(made->arena,
                        "%s,output=%s,moves=%s,exchange=%s,chunk=%lld,in_flight=%lld,embedding=%s,"
                        "microbatches=%lld",
                        text, outputs[draw(c, 7)], draw(c, 2) ? "exact" : "padded",
                        exchanges[draw_low(c, 3)], draw_rare(c, 2) ? 1 + (long long)draw(c, 4) : 0,
                        1 + (long long)draw(c, 3), draw(c, 2) ? "split" : "copied",
                        1 + (long long)draw_low(c, 4));
}

Status random_strategy(RandomCase *made) {
    int64_t gpus = 1 + draw_low(made->choices, 8);
    random_topology(made, gpus);
    made->strategy = random_options(made, gpus);
    PlannerRequest request = {.strategy = made->strategy};
    return planner_run(made->arena, &request, &made->plan, made->diag);
}

/* --- */

Status random_case_draw(RandomCase *made) {
    Choices *c = made->choices;
    Plan *plan = &made->plan;
    random_workload(made);
    random_model(made);
    choices_body(c);
    made->processes = made->small && draw_rare(c, 4);
    if (draw_rare(c, 24)) {
        TRY(random_strategy(made));
    } else {
        plan->schema_version = PLAN_SCHEMA_VERSION;
        plan->name = "random";
        plan->strategy = "drawn";
        random_placement(made);
        random_ranks(made);
        random_steps(made);
        *(PlanWhy *)LIST_PUSH(made->arena, &plan->why) =
            (PlanWhy){"all of it", "drawn", "", "random_case.c"};
    }
    plan_digest_inputs(made->arena, &plan->inputs);
    return STATUS_OK;
}
