/* cost: equations against figures worked out by hand, and the effects that decide between
 * placements: NICs that are shared, incast, sizes of chunks. */
#include "../schedule/schedule_fixture.h"
#include "schedule/cost.h"

#include <math.h>

#define FLAT                                                                                       \
    "ma-separation:attention=12,experts=4,groups=1,placement=packed,microbatches=1,output=flat"
#define HIERARCHICAL                                                                               \
    "ma-separation:attention=12,experts=4,groups=1,placement=packed,microbatches=1,output="        \
    "hierarchical"

static void assert_near(double value, double expected, double share) {
    if (fabs(value - expected) > share * expected)
        fail_msg("%g is not within %g of %g", value, share, expected);
}

static void kernels_follow_the_roofline(void **state) {
    Fixture f;
    fixture_make(&f, MIXTRAL, "single", 3);
    f.plan.inputs.workload.dtype = ELEMENT_BF16;
    Op op = {.kind = OP_linear, .flops = 312e12, .bytes = 1e6};
    assert_near(cost_kernel(&f.schedule, 0, &op, COST_LOW), 1.0, 1e-9);
    assert_near(cost_kernel(&f.schedule, 0, &op, COST_EXPECTED), 1 / .95 + 4e-6, 1e-9);
    assert_near(cost_kernel(&f.schedule, 0, &op, COST_HIGH), 2 / .95 + 10e-6, 1e-9);
    f.plan.inputs.workload.dtype = ELEMENT_F32;
    assert_near(cost_kernel(&f.schedule, 0, &op, COST_LOW), 16.0, 1e-9);
    op = (Op){.kind = OP_add, .flops = 1, .bytes = 2.04e12};
    assert_near(cost_kernel(&f.schedule, 0, &op, COST_LOW), 1.0, 1e-9);
    op.bytes = 0; /* no less than nothing */
    assert_true(cost_kernel(&f.schedule, 0, &op, COST_EXPECTED) >= 4e-6);
    fixture_free(&f);
}

/* A stage of a move takes its own time, or that of all that goes over the NICs of node 0 then. */
static double stage_seconds(Fixture *f, Op op, int64_t number, CostCase at) {
    CostDemand own = cost_move(&f->arena, &f->schedule, 0, &op, at);
    double over_nics = 0;
    int64_t seen = -1;
    for (int64_t rank = 0; rank < 4; ++rank) {
        op.channel = f->schedule.ranks[rank].ops.items[number].channel;
        CostDemand demand = cost_move(&f->arena, &f->schedule, rank, &op, at);
        for (int64_t i = 0; op.channel != seen && i < demand.shares.count; ++i)
            if (demand.shares.items[i].resource == cost_nics(&f->schedule, 0, false))
                over_nics += demand.seconds * demand.shares.items[i].use;
        seen = op.channel;
    }
    return own.fixed + fmax(own.seconds, over_nics);
}

/* Seconds of moving 32 MiB, the sum over the stages of the attention output. */
static double output_seconds(const char *strategy, int64_t nics, CostCase at) {
    Fixture f;
    fixture_make(&f, MA_SMALL, strategy, 12);
    f.plan.inputs.topology.nodes.items[0].nics = nics;
    double seconds = 0;
    const RankSchedule *rank = &f.schedule.ranks[0];
    for (int64_t i = 0; i < rank->steps[0].segments.items[1].count; ++i) {
        Op op = rank->ops.items[rank->steps[0].segments.items[1].first + i];
        if (op_info[op.kind].class != OPCLASS_COLLECTIVE ||
            f.schedule.channels.items[op.channel].move != MOVE_ATTENTION_OUTPUT)
            continue;
        op.args[op_arg((OpKind)op.kind, "units")].value = 8 << 20;
        op.args[op_arg((OpKind)op.kind, "unit_bytes")].value = 4;
        seconds += stage_seconds(&f, op, rank->steps[0].segments.items[1].first + i, at);
    }
    fixture_free(&f);
    return seconds;
}

/* The case of 12 ranks on 3 nodes with 32 MB: one NIC a node makes a flat ring the slower, four
 * make them equal. The figures are those of NCCL's own constants. */
static void nics_decide_between_flat_and_hierarchical(void **state) {
    double flat = output_seconds(FLAT, 1, COST_EXPECTED);
    double rails = output_seconds(HIERARCHICAL, 1, COST_EXPECTED);
    assert_near(flat, 2.69e-3, 0.1);
    assert_near(rails, 2.18e-3, 0.1);
    assert_near(output_seconds(FLAT, 4, COST_EXPECTED), 0.77e-3, 0.2);
    assert_near(output_seconds(HIERARCHICAL, 4, COST_EXPECTED), 0.78e-3, 0.2);
    assert_true(output_seconds(FLAT, 1, COST_LOW) < flat);
    assert_true(output_seconds(FLAT, 1, COST_HIGH) > flat);
}

static double exchange_seconds(const char *strategy, OpKind kind, int64_t chunk) {
    Fixture f;
    fixture_make(&f, MA_SMALL, strategy, 24);
    for (int64_t i = 0; i < f.schedule.exchanges.count; ++i)
        f.schedule.exchanges.items[i].chunk = chunk;
    Op op = f.schedule.ranks[0].ops.items[fixture_op(&f, 0, kind, 0)];
    CostDemand demand = cost_move(&f.arena, &f.schedule, 0, &op, COST_LOW);
    double seconds = cost_alone(&demand);
    fixture_free(&f);
    return seconds;
}

static void incast_and_chunks_cost(void **state) {
    /* Four expert ranks behind one NIC, or behind four. */
    double packed = exchange_seconds("ma-separation:attention=12,experts=4,groups=12,placement="
                                     "packed,microbatches=1,moves=padded",
                                     OP_dispatch, 0);
    double spread = exchange_seconds("ma-separation:attention=12,experts=4,groups=12,placement="
                                     "spread,microbatches=1,moves=padded",
                                     OP_dispatch, 0);
    assert_true(packed > spread);
    /* 12 sources with 48 rows of 1032 bytes to each of 4 targets through one NIC of 25 GB/s. */
    assert_near(packed, 12 * 4 * (48 * 1032 + 4) / 25e9 + 5e-6, 1e-6);
    double exact = exchange_seconds("ma-separation:attention=12,experts=4,groups=12,placement="
                                    "packed,microbatches=1,moves=exact",
                                    OP_combine, 0);
    double padded = exchange_seconds("ma-separation:attention=12,experts=4,groups=12,placement="
                                     "packed,microbatches=1,moves=padded",
                                     OP_combine, 0);
    assert_true(exact < padded);
    double chunked = exchange_seconds("ma-separation:attention=12,experts=4,groups=12,placement="
                                      "packed,microbatches=1,moves=padded",
                                      OP_dispatch, 12);
    assert_near(chunked, packed + 3 * 5e-6, 1e-6);
}

/* A model from a file of lua/cost, for as long as the fixture lives. */
static void use_model(Fixture *f, const char *name) {
    CostModel *model = ARENA_NEW(&f->arena, CostModel);
    fixture_refused(f, cost_model_read(&f->arena, name, NULL, model, &f->diag));
    cost_model_use(model);
}

static void the_documents_coefficients(void **state) {
    Fixture f;
    fixture_make(&f, MA_SMALL, "ma-separation:attention=12,experts=4", 24);
    use_model(&f, "linear");
    Model *model = &f.plan.inputs.model;
    model->hidden = 4096;
    model->expert_hidden = 16384;
    f.plan.inputs.workload.context = 2048;
    Op *attention = &f.schedule.ranks[0].ops.items[fixture_op(&f, 0, OP_attention, 0)];
    attention->args[op_arg(OP_attention, "tokens")].value = 1;
    const Op *experts = &f.schedule.ranks[15].ops.items[fixture_op(&f, 15, OP_expert_ffn, 0)];
    const Op *linear = &f.schedule.ranks[0].ops.items[fixture_op(&f, 0, OP_linear, 0)];
    assert_near(cost_kernel(&f.schedule, 0, attention, COST_EXPECTED),
                1e-3 * (0.0012 + 0.000034 * 2048 + 0.0000087 * 4096), 1e-12);
    assert_near(cost_kernel(&f.schedule, 15, experts, COST_HIGH),
                1e-3 * (0.0008 + 0.000045 * 16384 + 0.000012 * 4), 1e-12);
    assert_true(cost_kernel(&f.schedule, 0, linear, COST_EXPECTED) == 0);
    /* Seven times as slow, where the documents' text says 2.3 times. */
    assert_near(cost_kernel(&f.schedule, 15, experts, COST_LOW) /
                    cost_kernel(&f.schedule, 0, attention, COST_LOW),
                6.92, 0.01);
    cost_model_use(NULL);
    fixture_free(&f);
}

/* A network by hand: hidden units pass a little of log2 FLOPs and of the kind through the part of
 * tanh that is nearly linear. */
static void networks_are_evaluated(void **state) {
    Fixture f;
    fixture_make(&f, MIXTRAL, "single", 3);
    use_model(&f, "roofline");
    CostModel model = *cost_model();
    const char *features[] = {"flops", "kind:add"};
    double mean[] = {30, 0.5}, scale[] = {10, 0.5};
    double first[] = {1e-3, 0, 0, 1e-3}, none[] = {0, 0}, second[] = {1, 0, 0, 1};
    double last[] = {2e3, 3e3}, bias[] = {-20};
    CostLayer layers[] = {{.weights = {first, 4, 4}, .biases = {none, 2, 2}},
                          {.weights = {second, 4, 4}, .biases = {none, 2, 2}},
                          {.weights = {last, 2, 2}, .biases = {bias, 1, 1}}};
    CostNetwork network = {.features = {features, 2, 2},
                           .mean = {mean, 2, 2},
                           .scale = {scale, 2, 2},
                           .low = 0.5,
                           .high = 4};
    memcpy(&network.layers, &(LIST_OF(CostLayer)){layers, 3, 3}, sizeof network.layers);
    memcpy(&model.network, &(LIST_OF(CostNetwork)){&network, 1, 1}, sizeof model.network);
    model.form = COST_MLP;
    cost_model_use(&model);
    /* 2^(-20 + 2 x (40 - 30) / 10 + 3 x (+1 for add, else -1)) */
    Op op = {.kind = OP_add, .flops = exp2(40) - 1};
    assert_near(cost_kernel(&f.schedule, 0, &op, COST_EXPECTED), exp2(-15), 1e-4);
    assert_near(cost_kernel(&f.schedule, 0, &op, COST_LOW), exp2(-16), 1e-4);
    assert_near(cost_kernel(&f.schedule, 0, &op, COST_HIGH), exp2(-13), 1e-4);
    op.kind = OP_linear;
    assert_near(cost_kernel(&f.schedule, 0, &op, COST_EXPECTED), exp2(-21), 1e-4);
    cost_model_use(NULL);
    fixture_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_follow_the_roofline),
        cmocka_unit_test(nics_decide_between_flat_and_hierarchical),
        cmocka_unit_test(incast_and_chunks_cost),
        cmocka_unit_test(the_documents_coefficients),
        cmocka_unit_test(networks_are_evaluated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
