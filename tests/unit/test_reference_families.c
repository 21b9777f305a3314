/* The reference against what a public implementation computes, for each family that has golden outputs: logits of the
 * prompts within 1e-5 of the largest, greedy tokens equal. And the rules that no golden model has, one by one. */
#include "base/number.h"
#include "reference/math.h"
#include "reference/reference.h"
#include "reference/route.h"
#include "run/npy.h"
#include "test.h"

#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEQUENCES = 3, LONGEST = 24, NEW_TOKENS = 16, VOCABULARY = 512 };

/* [3][columns] of a list of lists in expected.json. */
static void read_ids(const YamlNode *root, const char *key, int64_t columns, int32_t *out) {
    const YamlNode *rows = yaml_get(root, key);
    assert_non_null(rows);
    assert_int_equal(rows->count, SEQUENCES);
    for (int64_t r = 0; r < SEQUENCES; r++) {
        assert_int_equal(rows->items[r]->count, columns);
        for (int64_t i = 0; i < columns; i++) {
            int64_t id;
            bool overflow;
            assert_true(number_parse_int(rows->items[r]->items[i]->text, &id, &overflow));
            out[r * columns + i] = (int32_t)id;
        }
    }
}

static void golden(Arena *arena, Diag *diag, const char *family, ReferenceResult *result) {
    const char *folder = arena_printf(arena, TEST_DATA "/%s-tiny", family);
    Model *model = ARENA_NEW(arena, Model);
    Safetensors checkpoint;
    YamlNode *expected;
    Reference *reference;
    assert_int_equal(model_read(arena, folder, NULL, model, diag), STATUS_OK);
    assert_string_equal(model->family, family);
    assert_int_equal(diag->count, 0); /* every key is known */
    assert_int_equal(safetensors_open(arena, folder, 0, &checkpoint, diag), STATUS_OK);
    assert_int_equal(yaml_read(arena, arena_printf(arena, "%s/expected.json", folder),
                               yaml_config_limits, &expected, diag),
                     STATUS_OK);
    int32_t *ids = ARENA_ARRAY(arena, SEQUENCES * LONGEST, int32_t);
    int32_t *greedy = ARENA_ARRAY(arena, SEQUENCES * NEW_TOKENS, int32_t);
    int32_t lengths[SEQUENCES] = {LONGEST, LONGEST, LONGEST};
    read_ids(expected, "input_ids", LONGEST, ids);
    read_ids(expected, "greedy", NEW_TOKENS, greedy);
    ReferencePrompts prompts = {.sequences = SEQUENCES,
                                .longest = LONGEST,
                                .lengths = lengths,
                                .ids = ids,
                                .max_new = NEW_TOKENS};
    assert_int_equal(reference_open(&reference, model, ELEMENT_F32, &checkpoint, 0, diag),
                     STATUS_OK);
    reference_run(reference, &prompts, true, arena, result);
    reference_close(reference);
    Npy logits;
    assert_int_equal(
        npy_read(arena, arena_printf(arena, "%s/logits.npy", folder), 1 << 20, &logits, diag),
        STATUS_OK);
    assert_int_equal(logits.elements, SEQUENCES * LONGEST * VOCABULARY);
    double largest = 0, worst = 0;
    for (int64_t i = 0; i < logits.elements; i++) {
        largest = fmax(largest, fabs(npy_value(&logits, i)));
        worst = fmax(worst, fabs(npy_value(&logits, i) - (double)result->logits[i]));
    }
    print_message("%s: logits within %.1e of the largest, %.3f; router margin %.1e\n", family,
                  worst / largest, largest, result->router.value);
    assert_true(worst <= 1e-5 * largest);
    assert_memory_equal(result->tokens, greedy, SEQUENCES * NEW_TOKENS * sizeof *greedy);
}

/* Each folder tests/data/FAMILY-tiny; a new family needs no line here. */
static void test_golden(void **state) {
    glob_t found;
    assert_int_equal(glob(TEST_DATA "/*-tiny/expected.json", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 4);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        Arena arena = {0};
        Diag diag = {.arena = &arena};
        ReferenceResult result;
        const char *name = found.gl_pathv[i] + strlen(TEST_DATA "/");
        golden(&arena, &diag, arena_strndup(&arena, name, strcspn(name, "-")), &result);
        arena_free(&arena);
    }
    globfree(&found);
}

/* --- rules that no golden model has --------------------------------------------------------------------- */

static Model router(int64_t experts, int64_t top_k, int64_t groups, int64_t open) {
    return (Model){.experts = experts,
                   .top_k = top_k,
                   .expert_groups = groups,
                   .top_groups = open,
                   .routed_scale = 1};
}

/* The best expert of all is in a group whose second best is poor. */
static void test_groups(void **state) {
    Model model = router(6, 2, 3, 1);
    const double scores[6] = {0.9, 0.1, 0.6, 0.5, 0.4, 0.625};
    int32_t choices[2];
    double shares[2];
    bool open[3];
    double margin = route_top_k(&model, scores, NULL, open, choices, shares);
    assert_true(choices[0] == 2 && choices[1] == 3 && shares[0] == 0.6 && shares[1] == 0.5);
    assert_true(fabs(margin - (1.1 - 1.025) / 1.1) <
                1e-12); /* of the groups: nothing is left to choose in it */
    model.top_groups = 2;
    model.routed_scale = 2;
    model.renormalize = true;
    margin = route_top_k(&model, scores, NULL, open, choices, shares);
    assert_true(choices[0] == 5 && choices[1] == 2 && !open[0]);
    assert_true(shares[0] == 0.625 / 1.225 * 2);
    assert_true(fabs(margin - (1.025 - 1.0) / 1.025) <
                1e-12);         /* of the groups again: 0.1 / 0.6 is more */
    model = router(4, 1, 4, 2); /* groups of one expert */
    margin = route_top_k(&model, scores, NULL, (bool[4]){0}, choices, shares);
    assert_true(fabs(margin - 0.1 / 0.6) < 1e-12);
    assert_int_equal(choices[0], 0);
}

/* A correction chooses and does not weigh; what it makes negative is still chosen within the open groups. */
static void test_correction(void **state) {
    Model model = router(4, 2, 2, 1);
    const double scores[4] = {0.25, 0.5, 0.75, 0.25};
    const float correction[4] = {-0.5f, -0.25f, -1.0f, -1.0f};
    int32_t choices[2];
    double shares[2];
    bool open[2];
    route_top_k(&model, scores, correction, open, choices, shares);
    assert_true(choices[0] == 1 && choices[1] == 0 && shares[0] == 0.5 && shares[1] == 0.25);
}

/* Angles by hand: 8 elements, 4 pairs of frequencies 1, 1/10, 1/100, 1/1000; 1000 positions of training. A pair of
 * frequency f turns 1000 f / 2 pi times within them: 159, 15.9, 1.6, 0.16. Pairs before the one of 32 turns, at
 * log10(1000 / (64 pi)) = 0.697, keep theirs: low is its floor, 0; from the one of 1 turn on, 2.2, high 3, all are
 * divided by 4; pairs 1 and 2 lie 1/3 and 2/3 between. */
static void test_yarn(void **state) {
    Model model = {.rope_dim = 8,
                   .rope_theta = 1e4,
                   .rope_scaling = {.kind = ROPE_YARN,
                                    .factor = 4,
                                    .original_positions = 1000,
                                    .beta_fast = 32,
                                    .beta_slow = 1,
                                    .amplitude = 2}};
    const double frequency[4] = {1, 0.1 * (2.0 / 3 + 1.0 / 12), 0.01 * (1.0 / 3 + 2.0 / 12),
                                 0.001 / 4};
    double head[8] = {1, 1, 1, 1};
    math_rope(&model, head, 7);
    for (int i = 0; i < 4; i++) {
        assert_true(fabs(head[i] - 2 * cos(7 * frequency[i])) < 1e-12);
        assert_true(fabs(head[i + 4] - 2 * sin(7 * frequency[i])) < 1e-12);
    }
    model.rope_scaling = (RopeScaling){.kind = ROPE_LINEAR, .factor = 4, .amplitude = 1};
    double line[8] = {1, 1, 1, 1};
    math_rope(&model, line, 8);
    assert_true(fabs(line[1] - cos(0.2)) < 1e-12 && fabs(line[5] - sin(0.2)) < 1e-12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_correction),
        cmocka_unit_test(test_yarn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
