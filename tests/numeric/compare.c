/* compare: for test scripts. Exit 0 when equal, 1 when not, 2 for anything else; one line says why.
 *   compare logits A.npy B.npy TOL             largest difference over the largest value of B
 *   compare tokens RESULT.json EXPECTED.json KEY   "tokens" of the first, KEY of the second
 * With fewer sequences in EXPECTED than in RESULT they are taken in turn: a file of three prompts
 * four times is compared with the three. */
#include "run/npy.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EQUAL = 0, DIFFERENT = 1, FAILED = 2, NPY_LIMIT = 1 << 30 };

static int64_t first_size(const Npy *npy) {
    return npy->dims ? npy->shape[0] : 0;
}

/* Shapes agree but for the first size, of which A's is a multiple of B's. */
static bool shapes_agree(const Npy *a, const Npy *b) {
    if (a->dims != b->dims || !first_size(b) || first_size(a) % first_size(b))
        return false;
    return memcmp(a->shape + 1, b->shape + 1, sizeof a->shape - sizeof *a->shape) == 0;
}

static int compare_logits(const char *a_path, const char *b_path, double tolerance) {
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    Npy a, b;
    int result = FAILED;
    if (npy_read(&arena, a_path, NPY_LIMIT, &a, &diag) != STATUS_OK ||
        npy_read(&arena, b_path, NPY_LIMIT, &b, &diag) != STATUS_OK) {
        diag_render(&diag, stderr);
    } else if (!shapes_agree(&a, &b)) {
        printf("logits have different shapes: %lld and %lld elements\n", (long long)a.elements,
               (long long)b.elements);
        result = DIFFERENT;
    } else {
        double worst = 0, largest = 0;
        int64_t unlike = 0;
        for (int64_t i = 0; i < a.elements; i++) {
            double x = npy_value(&a, i), y = npy_value(&b, i % b.elements);
            unlike += isnan(x) != isnan(y);
            worst = fmax(worst, fabs(x - y)); /* fmax passes NaN by */
            largest = fmax(largest, fabs(y));
        }
        bool equal = !unlike && worst <= tolerance * largest;
        printf("logits %s: largest difference %.3g of %.3g, %.3g relative, tolerance %.3g; "
               "%lld NaN without a partner\n",
               equal ? "agree" : "DIFFER", worst, largest, worst / largest, tolerance,
               (long long)unlike);
        result = equal ? EQUAL : DIFFERENT;
    }
    arena_free(&arena);
    return result;
}

static int compare_lists(const json_t *result, const json_t *expected) {
    size_t count = json_array_size(result), known = json_array_size(expected);
    if (!known || !count || count % known) {
        printf("tokens DIFFER: %zu sequences, expected %zu\n", count, known);
        return DIFFERENT;
    }
    for (size_t i = 0; i < count; i++)
        if (!json_equal(json_array_get(result, i), json_array_get(expected, i % known))) {
            char *got = json_dumps(json_array_get(result, i), JSON_ENCODE_ANY);
            char *want = json_dumps(json_array_get(expected, i % known), JSON_ENCODE_ANY);
            printf("tokens DIFFER in sequence %zu: %s, expected %s\n", i, got, want);
            free(got);
            free(want);
            return DIFFERENT;
        }
    printf("tokens of %zu sequences are equal\n", count);
    return EQUAL;
}

static int compare_tokens(const char *result_path, const char *expected_path, const char *key) {
    json_error_t error;
    int status = FAILED;
    json_t *expected = NULL, *result = json_load_file(result_path, JSON_REJECT_DUPLICATES, &error);
    if (result)
        expected = json_load_file(expected_path, JSON_REJECT_DUPLICATES, &error);
    if (!result || !expected)
        fprintf(stderr, "%s: %s\n", result ? expected_path : result_path, error.text);
    else
        status = compare_lists(json_object_get(result, "tokens"), json_object_get(expected, key));
    json_decref(result);
    json_decref(expected);
    return status;
}

int main(int argc, char **argv) {
    if (argc == 5 && strcmp(argv[1], "logits") == 0)
        return compare_logits(argv[2], argv[3], strtod(argv[4], NULL));
    if (argc == 5 && strcmp(argv[1], "tokens") == 0)
        return compare_tokens(argv[2], argv[3], argv[4]);
    fprintf(stderr, "compare logits A.npy B.npy TOL | compare tokens RESULT EXPECTED KEY\n");
    return FAILED;
}
