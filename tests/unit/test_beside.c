/* The feed-forward beside the experts as one of them: what lowering makes of it, which plans are refused, and that each
 * place is taken where it is priced least. */
#include "plan_fixture.h"
#include "run/price.h"
#include "schedule/schedule.h"

#define CLUSTER TEST_SOURCE "/topologies/a100-4x4.yaml"
#define GATED TEST_SOURCE "/tests/data/latent-gated.yaml"

static void read_inputs(Fixture *f, int64_t batch, int64_t prefill, int64_t context) {
    PlanInputs *inputs = &f->plan.inputs;
    assert_int_equal(model_read(&f->arena, GATED, NULL, &inputs->model, &f->diag), STATUS_OK);
    assert_int_equal(topology_read(&f->arena, CLUSTER, &inputs->topology, &f->diag), STATUS_OK);
    inputs->workload = (Workload){.batch = batch,
                                  .prefill = prefill,
                                  .context = context,
                                  .dtype = ELEMENT_BF16,
                                  .candidates = 1};
}

static Status ask(Fixture *f, const char *strategy, PlannerPricing price) {
    PlannerRequest request = {.strategy = strategy, .seconds = 100, .price = price};
    return planner_run(&f->arena, &request, &f->plan, &f->diag);
}

static const Op *op_of(const Schedule *schedule, int64_t rank, OpKind kind, int64_t n) {
    const RankSchedule *of = &schedule->ranks[rank];
    for (int64_t i = 0; i < of->ops.count; ++i)
        if (of->ops.items[i].kind == (int64_t)kind && n-- == 0)
            return &of->ops.items[i];
    return NULL;
}

static int64_t number(const Op *op, const char *name) {
    return op->args[op_arg((OpKind)op->kind, name)].value;
}

static void it_is_a_slot_behind_the_experts(void **state) {
    Fixture *f = *state;
    Schedule schedule;
    read_inputs(f, 6, 5, 16);
    assert_int_equal(ask(f, "ma-separation:attention=3,experts=2,groups=3,shared=columns", NULL),
                     STATUS_OK);
    assert_int_equal(schedule_lower(&f->arena, &f->plan, &schedule, &f->diag), STATUS_OK);
    assert_int_equal(schedule.experts, 7); /* of 6 */
    assert_int_equal(schedule.top_k, 4);   /* of 3 */
    assert_int_equal(schedule.parts, 2);
    const Op *experts = op_of(&schedule, 3, OP_expert_ffn, 0);
    const Op *beside = op_of(&schedule, 3, OP_expert_ffn, 1);
    assert_int_equal(number(experts, "first"), 0);
    assert_int_equal(number(experts, "slots"), 3);
    assert_int_equal(number(beside, "first"), 3);
    assert_int_equal(number(beside, "slots"), 1);
    assert_int_equal(number(beside, "held"), 4);
    assert_int_equal(number(beside, "columns"), 19); /* half of 38 */
    const RouteTable *table = &schedule.routes.items[0];
    for (int64_t part = 0; part < 2; ++part) {
        assert_int_equal(table->target[6 * 2 + part], part);
        assert_int_equal(table->slot[6 * 2 + part], 3);
    }
    for (int64_t n = 0; op_of(&schedule, 0, OP_dense_ffn, n); ++n) /* of dense layers alone */
        assert_int_equal(number(op_of(&schedule, 0, OP_dense_ffn, n), "columns"), 70);
}

static PlanExpert *shared_part(Fixture *f, int64_t n) {
    for (int64_t i = 0; i < f->plan.stages.items[0].experts.count; ++i) {
        PlanExpert *part = &f->plan.stages.items[0].experts.items[i];
        if (part->expert == plan_shared_expert(&f->plan) && n-- == 0)
            return part;
    }
    return NULL;
}

static void plans_that_cannot_be_are_refused(void **state) {
    Fixture *f = *state;
    for (int i = 0; i < 3; ++i) {
        read_inputs(f, 6, 5, 16);
        assert_int_equal(
            ask(f, "ma-separation:attention=3,experts=2,groups=3,shared=experts", NULL), STATUS_OK);
        assert_non_null(shared_part(f, 1));
        if (i == 0) /* the same part in all layers of a rank; this is one of two runs of layers */
            shared_part(f, 0)->columns.end = 20;
        else if (i == 1)
            shared_part(f, 0)->columns.end = 39;
        else
            *(PlanFfn *)LIST_PUSH(&f->arena, &f->plan.stages.items[0].ffn) =
                (PlanFfn){FFN_SHARED, 0, {0, 38}};
        assert_int_equal(plan_validate(&f->plan, NULL, &f->diag), STATUS_DATA);
        fixture_expect(f, i < 2 ? "E0506" : "E0515",
                       i == 0   ? "which all tokens pass"
                       : i == 1 ? "of 38"
                                : "shared columns");
    }
}

/* Sizes at which it matters: a model of 64 experts on 16 GPUs. */
static void each_place_is_taken_where_it_is_cheapest(void **state) {
    static const struct {
        const char *strategy, *taken;
        int64_t context;
    } cases[] = {
        /* Many attention ranks, each with its own requests: their part runs while rows travel. */
        {"ma-separation:attention=12,experts=4,groups=12,microbatches=2", "with attention", 256},
        /* Few, which split heads: a sum over the group is spared, and many expert ranks share rows. */
        {"ma-separation:attention=4,experts=12,groups=1,microbatches=1", "experts, experts", 130},
        /* All ranks of a group alike: one sum for both. */
        {"tp:tp=4", "with experts", 256},
    };
    Fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        read_inputs(f, 96, 128, cases[i].context);
        Model *model = &f->plan.inputs.model;
        model->hidden = 2048;
        model->experts = 64;
        model->expert_hidden = 1408;
        model->shared_hidden = 2816;
        model->dense_hidden = model->max_positions = 4096;
        assert_int_equal(ask(f, cases[i].strategy, price_plan), STATUS_OK);
        const char *choice = "";
        for (int64_t w = 0; w < f->plan.why.count; ++w)
            if (strstr(f->plan.why.items[w].choice, "feed-forward beside experts"))
                choice = f->plan.why.items[w].choice;
        if (!strstr(choice, cases[i].taken))
            fail_msg("%s takes: %s", cases[i].strategy, choice);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(it_is_a_slot_behind_the_experts),
        TEST(plans_that_cannot_be_are_refused),
        TEST(each_place_is_taken_where_it_is_cheapest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
