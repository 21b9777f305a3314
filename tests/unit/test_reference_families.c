/* The reference against what a public implementation computes, for each family that has golden outputs: logits of the
 * prompts within 1e-5 of the largest, greedy tokens equal. And the rules that no golden model has, one by one. */
#include "base/number.h"
#include "reference/math.h"
#include "reference/reference.h"
#include "reference/route.h"
#include "run/npy.h"
#include "test.h"

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

static void run_golden(const char *family) {
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    ReferenceResult result;
    golden(&arena, &diag, family, &result);
    arena_free(&arena);
}

static void test_mixtral(void **state) {
    run_golden("mixtral");
}

static void test_qwen3_moe(void **state) {
    run_golden("qwen3_moe");
}

static void test_olmoe(void **state) {
    run_golden("olmoe");
}

static void test_deepseek_v3(void **state) {
    run_golden("deepseek_v3");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mixtral),
        cmocka_unit_test(test_qwen3_moe),
        cmocka_unit_test(test_olmoe),
        cmocka_unit_test(test_deepseek_v3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
