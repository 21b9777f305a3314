/* The reference against what another implementation computes (tests/data/mixtral-tiny), and its
 * rules one by one: ties, drops, activations, margins, random weights. */
#include "reference/math.h"
#include "reference/reference.h"
#include "reference/route.h"
#include "reference/source.h"
#include "rt_format.h"
#include "run/npy.h"
#include "run/tokens.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define GOLDEN TEST_DATA "/mixtral-tiny"

typedef struct Fixture {
    Arena arena;
    Diag diag;
    Model model;
} Fixture;

static int setup(void **state) {
    Fixture *fixture = calloc(1, sizeof *fixture);
    fixture->diag.arena = &fixture->arena;
    *state = fixture;
    Status status = model_read(&fixture->arena, GOLDEN, NULL, &fixture->model, &fixture->diag);
    if (status != STATUS_OK)
        diag_render(&fixture->diag, stderr);
    return status == STATUS_OK ? 0 : -1;
}

static int teardown(void **state) {
    Fixture *fixture = *state;
    arena_free(&fixture->arena);
    free(fixture);
    return 0;
}

static ReferencePrompts golden_prompts(Fixture *fixture, int64_t max_new) {
    TokensBounds bounds = {fixture->model.vocabulary, 24, 64};
    Tokens tokens;
    assert_int_equal(tokens_read(&fixture->arena, TEST_DATA "/golden.json", &bounds, max_new,
                                 &tokens, &fixture->diag),
                     STATUS_OK);
    return (ReferencePrompts){.sequences = tokens.sequences,
                              .longest = tokens.longest,
                              .lengths = tokens.lengths,
                              .ids = tokens.ids,
                              .max_new = max_new};
}

static void open_golden(Fixture *fixture, int64_t dtype, int64_t threads, Reference **reference) {
    Safetensors *checkpoint = ARENA_NEW(&fixture->arena, Safetensors);
    assert_int_equal(safetensors_open(&fixture->arena, GOLDEN, 0, checkpoint, &fixture->diag),
                     STATUS_OK);
    assert_int_equal(
        reference_open(reference, &fixture->model, dtype, checkpoint, threads, &fixture->diag),
        STATUS_OK);
}

static void run_golden(Fixture *fixture, int64_t threads, ReferenceResult *result) {
    ReferencePrompts prompts = golden_prompts(fixture, 16);
    Reference *reference;
    open_golden(fixture, ELEMENT_F32, threads, &reference);
    reference_run(reference, &prompts, true, &fixture->arena, result);
    reference_close(reference);
}

static void test_golden_logits(void **state) {
    Fixture *fixture = *state;
    ReferenceResult result;
    run_golden(fixture, 2, &result);
    Npy golden;
    assert_int_equal(
        npy_read(&fixture->arena, GOLDEN "/logits.npy", 1 << 20, &golden, &fixture->diag),
        STATUS_OK);
    assert_int_equal(golden.elements, 3 * 24 * 512);
    double largest = 0, worst = 0;
    for (int64_t i = 0; i < golden.elements; i++) {
        largest = fmax(largest, fabs(npy_value(&golden, i)));
        worst = fmax(worst, fabs(npy_value(&golden, i) - (double)result.logits[i]));
    }
    assert_true(worst <= 1e-5 * largest);
    assert_true(fabs(result.largest_logit - largest) <= 1e-5 * largest);
}

static void test_golden_tokens(void **state) {
    static const int32_t greedy[3][16] = {
        {492, 190, 313, 398, 70, 190, 207, 369, 190, 436, 36, 149, 57, 328, 215, 237},
        {305, 511, 39, 376, 475, 362, 376, 475, 362, 18, 49, 376, 475, 362, 376, 475},
        {58, 32, 318, 421, 112, 400, 232, 32, 318, 117, 32, 290, 412, 117, 32, 290}};
    ReferenceResult result;
    run_golden(*state, 1, &result);
    assert_memory_equal(result.tokens, greedy, sizeof greedy);
    assert_true(result.router.value > 0 && result.argmax.value > 0);
    int64_t at = result.argmax.sequence * 16 + result.argmax.position - 23;
    assert_true(result.argmax_margin[at] == result.argmax.value);
    at = result.router.sequence * result.positions + result.router.position;
    assert_true(result.router_margin[at] == result.router.value);
}

/* However many threads share the work, every sum is taken in one order. */
static void test_threads_change_nothing(void **state) {
    Fixture *fixture = *state;
    ReferenceResult one, three;
    run_golden(fixture, 1, &one);
    run_golden(fixture, 3, &three);
    assert_memory_equal(one.logits, three.logits, 3 * 24 * 512 * sizeof(float));
    assert_memory_equal(one.choices, three.choices,
                        (size_t)(3 * one.positions * 2 * 2) * sizeof(int32_t));
}

/* A sequence's results do not depend on those beside it; shorter ones are masked. */
static void test_shorter_sequence(void **state) {
    Fixture *fixture = *state;
    ReferencePrompts prompts = golden_prompts(fixture, 2), single = prompts;
    int32_t lengths[3] = {24, 7, 24}, seven = 7;
    prompts.lengths = lengths;
    single.sequences = 1;
    single.lengths = &seven;
    single.ids = prompts.ids + prompts.longest;
    ReferenceResult all, one;
    Reference *reference;
    open_golden(fixture, ELEMENT_F32, 1, &reference);
    reference_run(reference, &prompts, true, &fixture->arena, &all);
    reference_run(reference, &single, true, &fixture->arena, &one);
    reference_close(reference);
    const float *row = all.logits + 24 * 512;
    assert_memory_equal(row, one.logits, 7 * 512 * sizeof(float));
    assert_true(isnan(row[7 * 512]) && isnan(row[24 * 512 - 1]));
    assert_memory_equal(all.tokens + 2, one.tokens, 2 * sizeof(int32_t));
    assert_true(*reference_choices(&all, 1, 7, 0) >= 0);  /* the token that was fed back */
    assert_true(*reference_choices(&all, 1, 8, 0) == -1); /* past it nothing is routed */
}

static void test_dtype_rounds_weights(void **state) {
    Fixture *fixture = *state;
    Source source;
    Diag *diag = &fixture->diag;
    float values[64 * 8];
    assert_int_equal(
        source_open(&source, &fixture->arena, &fixture->model, ELEMENT_BF16, NULL, diag),
        STATUS_OK);
    assert_int_equal(source_read(&source, TENSOR_QUERY, 1, 0,
                                 ARENA_ARRAY(&fixture->arena, 64 * 64, float), diag),
                     STATUS_OK);
    assert_int_equal(source_read(&source, TENSOR_ROUTER, 1, 0, values, diag), STATUS_OK);
    const char *name = model_tensor_name(&fixture->arena, &fixture->model, TENSOR_ROUTER, 1, 0);
    float range = (float)fixture->model.initializer_range;
    assert_true(values[77] == rt_random_weight(rt_random_key(name, 0), 77, range));
    float norm[64];
    assert_int_equal(source_read(&source, TENSOR_FFN_NORM, 0, 0, norm, diag), STATUS_OK);
    assert_true(norm[0] == 1.0f && norm[63] == 1.0f);
    source.dtype = ELEMENT_F16;
    float *wide = ARENA_ARRAY(&fixture->arena, 64 * 64, float);
    assert_int_equal(source_read(&source, TENSOR_OUTPUT, 0, 0, wide, diag), STATUS_OK);
    for (int i = 0; i < 64 * 64; i++)
        assert_true(wide[i] == rt_from_f16(rt_to_f16(wide[i])));
    source_close(&source);
}

static void test_wrong_shape(void **state) {
    Fixture *fixture = *state;
    Safetensors checkpoint;
    Reference *reference;
    assert_int_equal(safetensors_open(&fixture->arena, GOLDEN, 0, &checkpoint, &fixture->diag),
                     STATUS_OK);
    fixture->model.expert_hidden = 100;
    assert_int_equal(
        reference_open(&reference, &fixture->model, ELEMENT_F32, &checkpoint, 2, &fixture->diag),
        STATUS_DATA);
    assert_null(reference);
    assert_string_equal(fixture->diag.messages[0].code, "E0611");
    assert_string_equal(fixture->diag.messages[0].text,
                        "tensor \"model.layers.0.block_sparse_moe.experts.0.w1.weight\" has the "
                        "shape [128, 64], the model needs [100, 64]");
}

static void test_top_k(void **state) {
    Model model = {.experts = 4,
                   .top_k = 2,
                   .renormalize = true,
                   .expert_groups = 1,
                   .top_groups = 1,
                   .routed_scale = 1};
    double probabilities[4] = {0.125, 0.375, 0.125, 0.375}, shares[2];
    int32_t choices[2];
    bool open;
    assert_true(route_top_k(&model, probabilities, NULL, &open, choices, shares) ==
                (0.375 - 0.125) / 0.375);
    assert_int_equal(choices[0], 1); /* the lower expert of two that are equal */
    assert_int_equal(choices[1], 3);
    assert_true(shares[0] == 0.5 && shares[1] == 0.5);
    model.renormalize = false;
    model.top_k = 1;
    assert_true(route_top_k(&model, probabilities, NULL, &open, choices, shares) == 0.0);
    assert_true(shares[0] == 0.375);
    model.experts = 1;
    assert_true(route_top_k(&model, probabilities, NULL, &open, choices, shares) == 1.0);
}

static void test_capacity(void **state) {
    Model model = {.experts = 4, .top_k = 2, .capacity_factor = 1.0};
    assert_int_equal(route_capacity(&model, 3), 2); /* ceil(3 x 2 / 4) */
    int32_t choices[] = {0, 1, 1, 0, 0, 1};
    const int32_t kept[] = {0, 1, 1, 0, -1, -1};
    int64_t counts[4];
    route_drop(&model, 3, choices, counts);
    assert_memory_equal(choices, kept, sizeof kept);
    model.capacity_factor = 0;
    assert_true(route_capacity(&model, 3) == INT64_MAX);
}

static void near(double value, double expected) {
    assert_true(fabs(value - expected) <= 1e-12 * (1 + fabs(expected)));
}

static void test_math(void **state) {
    near(math_activation(ACTIVATION_SILU, 1.0), 0.7310585786300049);
    near(math_activation(ACTIVATION_GELU, 1.0), 0.8413447460685429);
    near(math_activation(ACTIVATION_GELU_TANH, 1.0), 0.8411919906082768);
    const double in[4] = {1, 2, 3, 6};
    const float weight[4] = {1, 1, 1, 2}, bias[4] = {0, 0, 0, 1};
    double out[4];
    math_rms_norm(in, weight, 0, 4, out);
    near(out[3], 6 / sqrt(50 / 4.0) * 2);
    math_layer_norm(in, weight, bias, 0, 4, out); /* mean 3, variance 3.5 */
    near(out[0], -2 / sqrt(3.5));
    near(out[3], 3 / sqrt(3.5) * 2 + 1);
    Model model = {.rope_dim = 4, .rope_theta = 100, .rope_scaling = {.factor = 1, .amplitude = 1}};
    double head[4] = {1, 2, 3, 4};
    math_rope(&model, head, 3); /* angles 3 and 0.3; 0 goes with 2, 1 with 3 */
    near(head[0], cos(3) - 3 * sin(3));
    near(head[2], 3 * cos(3) + sin(3));
    near(head[1], 2 * cos(0.3) - 4 * sin(0.3));
    near(head[3], 4 * cos(0.3) + 2 * sin(0.3));
    double pairs[4] = {1, 2, 3, 4};
    model.rope_interleave = true;
    math_rope(&model, pairs, 3); /* 0 goes with 1, 2 with 3 */
    near(pairs[0], cos(3) - 2 * sin(3));
    near(pairs[1], 2 * cos(3) + sin(3));
    near(pairs[2], 3 * cos(0.3) - 4 * sin(0.3));
    near(pairs[3], 4 * cos(0.3) + 3 * sin(0.3));
}

/* All block sizes and the rest of a row that fills no vector. */
static void test_linear(void **state) {
    float weight[3 * 7], bias[3] = {1, 2, 3};
    double in[9 * 7], out[9 * 3];
    for (int i = 0; i < 3 * 7; i++)
        weight[i] = (float)(i % 5) - 2;
    for (int i = 0; i < 9 * 7; i++)
        in[i] = i % 11 - 5;
    Parallel *parallel = parallel_open(2);
    for (int64_t rows = 1; rows <= 9; rows++) {
        math_linear(parallel, weight, bias, 3, 7, in, rows, out);
        for (int64_t r = 0; r < rows; r++)
            for (int o = 0; o < 3; o++) {
                double sum = (double)bias[o];
                for (int i = 0; i < 7; i++)
                    sum += (double)weight[o * 7 + i] * in[r * 7 + i];
                near(out[r * 3 + o], sum);
            }
    }
    parallel_close(parallel);
}

/* The source model's family: layer norm, learned positions, two matrices, biases, capacity, tied
 * or not. */
static void test_source_family(void **state) {
    Fixture *fixture = *state;
    Model model;
    assert_int_equal(model_read(&fixture->arena, TEST_SOURCE "/models/ma-small.yaml", NULL, &model,
                                &fixture->diag),
                     STATUS_OK);
    model.vocabulary = 64;
    model.layers = 2;
    model.expert_hidden = 32;
    int32_t lengths[2] = {9, 5}, ids[18];
    for (int i = 0; i < 18; i++)
        ids[i] = i * 7 % 64;
    ReferencePrompts prompts = {
        .sequences = 2, .longest = 9, .lengths = lengths, .ids = ids, .max_new = 3};
    ReferenceResult result;
    Reference *reference;
    assert_int_equal(reference_open(&reference, &model, ELEMENT_F32, NULL, 2, &fixture->diag),
                     STATUS_OK);
    reference_run(reference, &prompts, true, &fixture->arena, &result);
    reference_close(reference);
    assert_true(isfinite(result.largest_logit) && result.largest_logit > 0);
    int64_t counts[16] = {0}, capacity = route_capacity(&model, 9);
    for (int64_t p = 0; p < 9; p++)
        for (int64_t k = 0; k < model.top_k; k++)
            if (reference_choices(&result, 0, p, 0)[k] >= 0)
                assert_true(++counts[reference_choices(&result, 0, p, 0)[k]] <= capacity);
    for (int64_t p = 9; p < 11; p++) /* decode drops nothing */
        for (int64_t k = 0; k < model.top_k; k++)
            assert_true(reference_choices(&result, 0, p, 1)[k] >= 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_golden_logits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_golden_tokens, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threads_change_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shorter_sequence, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dtype_rounds_weights, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_shape, setup, teardown),
        cmocka_unit_test_setup_teardown(test_source_family, setup, teardown),
        cmocka_unit_test(test_top_k),
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_math),
        cmocka_unit_test(test_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
