/* Expectations: the counts of exact exchanges against a count from the plan alone, the file that
 * programs read, and what is not compared in 16 bits. */
#include "run/verify.h"

#include "base/buf.h"
#include "plan/planner.h"
#include "run/arrays.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define CHECKPOINT TEST_DATA "/mixtral-tiny"

typedef struct Fixture {
    Arena arena;
    Diag diag;
    Plan plan;
    Schedule schedule;
    Verify verify;
    char path[64];
} Fixture;

static int setup(void **state) {
    Fixture *fixture = calloc(1, sizeof *fixture);
    fixture->diag.arena = &fixture->arena;
    strcpy(fixture->path, "/tmp/test_verify.XXXXXX");
    *state = fixture;
    int file = mkstemp(fixture->path);
    return file < 0 ? -1 : close(file);
}

static int teardown(void **state) {
    Fixture *fixture = *state;
    unlink(fixture->path);
    arena_free(&fixture->arena);
    free(fixture);
    return 0;
}

static void make_schedule(Fixture *fixture, const char *strategy, int64_t batch, int64_t dtype) {
    Arena *arena = &fixture->arena;
    Diag *diag = &fixture->diag;
    PlanInputs *inputs = &fixture->plan.inputs;
    PlannerRequest request = {.strategy = strategy};
    inputs->workload =
        (Workload){.batch = batch, .prefill = 24, .context = 40, .dtype = dtype, .candidates = 1};
    Status status = model_read(arena, CHECKPOINT, NULL, &inputs->model, diag);
    if (status == STATUS_OK)
        status =
            topology_read(arena, TEST_SOURCE "/topologies/a100-4x4.yaml", &inputs->topology, diag);
    if (status == STATUS_OK)
        status = planner_run(arena, &request, &fixture->plan, diag);
    if (status == STATUS_OK)
        status = schedule_lower(arena, &fixture->plan, &fixture->schedule, diag);
    diag_render(diag, stderr);
    assert_int_equal(status, STATUS_OK);
}

/* Five sequences of several lengths. */
static Tokens make_tokens(Fixture *fixture) {
    static int32_t lengths[5] = {24, 1, 13, 20, 7};
    const TokensBounds bounds = {512, 24, 40};
    Tokens tokens;
    tokens_make(&fixture->arena, &bounds, 5, &tokens);
    tokens.lengths = lengths;
    tokens.max_new = 4;
    return tokens;
}

static void prepare(Fixture *fixture, const Tokens *tokens) {
    VerifyRequest request = {.schedule = &fixture->schedule,
                             .tokens = tokens,
                             .checkpoint = CHECKPOINT,
                             .path = fixture->path};
    Status status = verify_prepare(&fixture->arena, &request, &fixture->verify, &fixture->diag);
    diag_render(&fixture->diag, stderr);
    assert_int_equal(status, STATUS_OK);
}

/* --- counts ----------------------------------------------------------------------------------- */

/* Column parts of an expert of a layer that a rank of the first copy holds, by the plan. */
static int64_t parts_held(const Plan *plan, int64_t rank, int64_t layer, int64_t expert) {
    int64_t parts = 0;
    for (int64_t s = 0; s < plan->stages.count; s++)
        for (int64_t i = 0; i < plan->stages.items[s].experts.count; i++) {
            const PlanExpert *held = &plan->stages.items[s].experts.items[i];
            parts += held->rank == rank && held->expert == expert && held->layers.begin <= layer &&
                     layer < held->layers.end;
        }
    return parts;
}

/* Rows and results to a rank for all tokens of a wave in prefill, or of one decode step. */
static ExchangeCount expected_count(const Fixture *fixture, int64_t rank, int64_t wave,
                                    int64_t decode_step, int64_t layer) {
    const Tokens *tokens = &fixture->verify.tokens;
    int64_t batch = fixture->plan.inputs.workload.batch;
    ExchangeCount sum = {0};
    for (int64_t s = wave * batch; s < (wave + 1) * batch && s < tokens->sequences; s++) {
        int64_t begin = decode_step < 0 ? 0 : tokens->lengths[s] + decode_step;
        int64_t end = decode_step < 0 ? tokens->lengths[s] : begin + 1;
        for (int64_t p = begin; p < end; p++) {
            const int32_t *choices = reference_choices(&fixture->verify.reference, s, p, layer);
            int64_t results = 0;
            for (int64_t k = 0; k < fixture->plan.inputs.model.top_k; k++)
                results += parts_held(&fixture->plan, rank, layer, choices[k]);
            sum.rows += results > 0;
            sum.returns += results;
        }
    }
    return sum;
}

/* What all exchanges of a step send to a rank in a call. */
static ExchangeCount counted(const Fixture *fixture, VerifyRouting *routing, int64_t phase,
                             int64_t rank, int64_t call, int64_t layer) {
    ExchangeCount sum = {0}, counts[256];
    for (int64_t e = 0; e < fixture->schedule.exchanges.count; e++) {
        const Exchange *exchange = &fixture->schedule.exchanges.items[e];
        int64_t targets = exchange->targets.count;
        if (fixture->plan.steps.items[exchange->step].phase != phase)
            continue;
        verify_exchange_counts(routing, e, call, layer, counts);
        for (int64_t s = 0; s < exchange->sources.count; s++)
            for (int64_t t = 0; t < targets; t++)
                if (exchange->targets.items[t].rank == rank) {
                    sum.rows += counts[s * targets + t].rows;
                    sum.returns += counts[s * targets + t].returns;
                }
    }
    return sum;
}

static void check_counts(Fixture *fixture, const char *strategy, int64_t batch) {
    make_schedule(fixture, strategy, batch, ELEMENT_F32);
    Tokens tokens = make_tokens(fixture);
    prepare(fixture, &tokens);
    VerifyRouting routing;
    verify_routing_begin(&fixture->arena, &fixture->schedule, &tokens, &fixture->verify.reference,
                         &routing);
    int64_t waves = (tokens.sequences + batch - 1) / batch, travelled = 0;
    for (int64_t wave = 0; wave < waves; wave++)
        for (int64_t layer = 0; layer < 2; layer++)
            for (int64_t rank = 0; rank < fixture->schedule.world; rank++)
                for (int64_t step = -1; step < tokens.max_new - 1; step++) {
                    int64_t phase = step < 0 ? PHASE_PREFILL : PHASE_DECODE;
                    int64_t call = step < 0 ? wave : wave * (tokens.max_new - 1) + step;
                    ExchangeCount want = expected_count(fixture, rank, wave, step, layer);
                    ExchangeCount got = counted(fixture, &routing, phase, rank, call, layer);
                    assert_int_equal(got.rows, want.rows);
                    assert_int_equal(got.returns, want.returns);
                    travelled += want.returns;
                }
    assert_int_equal(travelled,
                     (65 + 5 * 3) * 2 * 2); /* tokens x layers x choices: none is dropped */
}

static void test_groups(void **state) {
    check_counts(*state, "ma-separation:attention=6,experts=2,groups=3,moves=exact", 3);
}

static void test_microbatches(void **state) {
    check_counts(*state, "ma-separation:attention=5,experts=3,groups=1,microbatches=2,moves=exact",
                 4);
}

/* --- the file --------------------------------------------------------------------------------- */

static void test_file(void **state) {
    Fixture *fixture = *state;
    Arrays arrays;
    Diag *diag = &fixture->diag;
    make_schedule(fixture, "ma-separation:attention=6,experts=2,groups=3,moves=exact", 3,
                  ELEMENT_F32);
    prepare(fixture, NULL);
    assert_int_equal(arrays_read(&fixture->arena, fixture->path, 64 << 20, &arrays, diag),
                     STATUS_OK);
    const Array *lengths = arrays_get(&arrays, "lengths", RT_I32, 1, diag);
    const Array *logits = arrays_get(&arrays, "logits", RT_F32, 3, diag);
    const Array *operations = arrays_get(&arrays, "operations", RT_I64, 2, diag);
    const Array *bytes = arrays_get(&arrays, "bytes", RT_I64, 2, diag);
    const Array *weights = arrays_get(&arrays, "weights", RT_I64, 1, diag);
    const Array *tolerance = arrays_get(&arrays, "tolerance", RT_F64, 1, diag);
    assert_int_equal(lengths->shape[0], 3);
    assert_int_equal(((const int32_t *)lengths->data)[0], 24);
    assert_int_equal(logits->shape[1], 24);
    assert_int_equal(operations->shape[1], OP_KINDS);
    assert_int_equal(bytes->shape[0], 8);
    assert_int_equal(weights->shape[0], 8);
    assert_true(*(const double *)tolerance->data == 1e-5);
    const int64_t *moved = bytes->data;
    int64_t to_experts = 0;
    for (int64_t i = 0; i < 64; i++)
        to_experts += i / 8 != i % 8 ? moved[i] : 0;
    assert_true(to_experts > 0);
    assert_int_equal(fixture->verify.compared_tokens, fixture->verify.all_tokens);
    assert_non_null(arrays_get(&arrays, "ids", RT_I32, 2, diag));
    assert_non_null(arrays_get(&arrays, "max_new", RT_I32, 1, diag));
    assert_non_null(arrays_get(&arrays, "tokens", RT_I32, 2, diag));
    Buf plan = {0};
    plan_write(&fixture->plan, &plan);
    assert_string_equal(arrays.digest, plan_digest(&fixture->arena, plan.data, plan.length));
    buf_free(&plan);
}

/* In 16 bits nothing after a close choice is compared, and no bytes that the routing decides. */
static void test_rounded(void **state) {
    Fixture *fixture = *state;
    make_schedule(fixture, "ma-separation:attention=2,experts=2,groups=2,moves=exact", 5,
                  ELEMENT_BF16);
    Tokens tokens = make_tokens(fixture);
    prepare(fixture, &tokens);
    const Verify *verify = &fixture->verify;
    const ReferenceResult *reference = &verify->reference;
    assert_true(verify->compared_positions < verify->all_positions);
    for (int64_t s = 0; s < 5; s++) {
        bool certain = true;
        for (int64_t p = 0; p < tokens.lengths[s]; p++) {
            certain = certain &&
                      reference->router_margin[s * reference->positions + p] >= verify->closeness;
            const float *row = reference->logits + (s * 24 + p) * 512;
            assert_int_equal(certain, !isnan(row[0]) && !isnan(row[511]));
        }
        for (int64_t i = 0; i < tokens.max_new; i++) {
            certain = certain && reference->argmax_margin[s * 4 + i] >= verify->tolerance;
            certain =
                certain &&
                (i == 0 ||
                 reference->router_margin[s * reference->positions + tokens.lengths[s] + i - 1] >=
                     verify->closeness);
            assert_int_equal(certain, reference->tokens[s * 4 + i] >= 0);
        }
    }
    for (int64_t from = 0; from < 2; from++)
        for (int64_t to = 2; to < 4; to++)
            assert_int_equal(verify->counters.bytes[from * 4 + to], -1);
}

static void test_too_long(void **state) {
    Fixture *fixture = *state;
    make_schedule(fixture, "single", 3, ELEMENT_F32);
    VerifyRequest request = {
        .schedule = &fixture->schedule, .path = fixture->path, .seconds = 1e-6};
    assert_int_equal(verify_prepare(&fixture->arena, &request, &fixture->verify, &fixture->diag),
                     STATUS_UNAVAILABLE);
    assert_string_equal(fixture->diag.messages[0].code, "E0820");
    fixture->plan.inputs.model.expert_hidden = INT64_C(1) << 40;
    assert_int_equal(verify_prepare(&fixture->arena, &request, &fixture->verify, &fixture->diag),
                     STATUS_UNAVAILABLE);
    assert_string_equal(fixture->diag.messages[1].code, "E0821");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(test_microbatches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_long, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
