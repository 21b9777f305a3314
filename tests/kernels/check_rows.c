/* Kernels that work row by row: embedding, norms, projections, residual, head, choice. */
#include "check.h"

static void check_embed(void) {
    enum { ROWS = 7, BEGIN = 5, ENTRIES = 20 };
    const int32_t ids[ROWS] = {5, 24, 25, 4, 0, 7, 7};
    const int32_t positions[ROWS] = {0, 1, 2, 3, -1, 4, -1};
    for (int learned = 0; learned < 2; ++learned) {
        slab_reset();
        struct embed_args a = {.ids = slab_ints(ids, ROWS),
                               .positions = slab_ints(positions, ROWS),
                               .table = slab_random(ENTRIES * HIDDEN, 1),
                               .position_table = learned ? slab_random(8 * HIDDEN, 1) : -1,
                               .out = slab_random(ROWS * HIDDEN, 1),
                               .rows = ROWS,
                               .entry_begin = BEGIN,
                               .entries = ENTRIES};
        static double expected[ROWS * HIDDEN];
        for (int64_t row = 0; row < ROWS; ++row)
            for (int64_t i = 0; i < HIDDEN; ++i) {
                int64_t entry = ids[row] - BEGIN;
                bool held = positions[row] >= 0 && entry >= 0 && entry < ENTRIES;
                double value = held ? element(a.table, entry * HIDDEN + i) : 0;
                if (positions[row] >= 0 && learned)
                    value += element(a.position_table, positions[row] * HIDDEN + i);
                expected[row * HIDDEN + i] = value;
            }
        launch("embed", kernel_embed, &a);
        check_elements("embed", a.out, expected, ROWS * HIDDEN);
    }
}

#ifdef HAVE_rms_norm
static void check_norm(void) {
    enum { ROWS = 5 };
    slab_reset();
    struct rms_norm_args a = {.in = slab_random(ROWS * HIDDEN, 3),
                              .weight = slab_random(HIDDEN, 1),
                              .out = slab_zero(ROWS * HIDDEN),
                              .rows = ROWS};
    static double expected[ROWS * HIDDEN];
    for (int64_t row = 0; row < ROWS; ++row) {
        double square = 0;
        for (int64_t i = 0; i < HIDDEN; ++i)
            square += pow(element(a.in, row * HIDDEN + i), 2);
        for (int64_t i = 0; i < HIDDEN; ++i)
            expected[row * HIDDEN + i] = element(a.in, row * HIDDEN + i) /
                                         sqrt(square / HIDDEN + NORM_EPS) * element(a.weight, i);
    }
    launch("rms_norm", kernel_rms_norm, &a);
    check_elements("rms_norm", a.out, expected, ROWS * HIDDEN);
}
#else
static void check_norm(void) {
    enum { ROWS = 5 };
    slab_reset();
    struct layer_norm_args a = {.in = slab_random(ROWS * HIDDEN, 3),
                                .weight = slab_random(HIDDEN, 1),
                                .bias = slab_random(HIDDEN, 1),
                                .out = slab_zero(ROWS * HIDDEN),
                                .rows = ROWS};
    static double expected[ROWS * HIDDEN];
    for (int64_t row = 0; row < ROWS; ++row) {
        double mean = 0, variance = 0;
        for (int64_t i = 0; i < HIDDEN; ++i)
            mean += element(a.in, row * HIDDEN + i) / HIDDEN;
        for (int64_t i = 0; i < HIDDEN; ++i)
            variance += pow(element(a.in, row * HIDDEN + i) - mean, 2) / HIDDEN;
        for (int64_t i = 0; i < HIDDEN; ++i)
            expected[row * HIDDEN + i] = (element(a.in, row * HIDDEN + i) - mean) /
                                             sqrt(variance + NORM_EPS) * element(a.weight, i) +
                                         element(a.bias, i);
    }
    launch("layer_norm", kernel_layer_norm, &a);
    check_elements("layer_norm", a.out, expected, ROWS * HIDDEN);
}
#endif

/* Few rows, one tile, more than a tile; with and without bias; widths that no vector divides. */
static void check_linear(void) {
    static const int32_t shapes[][3] = {
        {1, 64, 40}, {3, 51, 7}, {5, 64, 64}, {131, 70, 129}, {2, 3, 4099}};
    for (size_t s = 0; s < 2 * sizeof shapes / sizeof *shapes; ++s) {
        int32_t rows = shapes[s / 2][0], inputs = shapes[s / 2][1], outputs = shapes[s / 2][2];
        slab_reset();
        struct linear_args a = {.in = slab_random((int64_t)rows * inputs, 1),
                                .weight = slab_random((int64_t)outputs * inputs, 1),
                                .bias = s % 2 ? slab_random(outputs, 1) : -1,
                                .out = slab_zero((int64_t)rows * outputs),
                                .rows = rows,
                                .inputs = inputs,
                                .outputs = outputs};
        a.workspace = slab_workspace(OP_linear, &a);
        double *expected = calloc((size_t)rows * (size_t)outputs, sizeof *expected);
        for (int64_t r = 0; r < rows; ++r)
            for (int64_t o = 0; o < outputs; ++o) {
                double sum = a.bias < 0 ? 0 : element(a.bias, o);
                for (int64_t i = 0; i < inputs; ++i)
                    sum += element(a.in, r * inputs + i) * element(a.weight, o * inputs + i);
                expected[r * outputs + o] = sum;
            }
        launch("linear", kernel_linear, &a);
        check_elements("linear", a.out, expected, (int64_t)rows * outputs);
        free(expected);
    }
}

static void check_add(void) {
    enum { ROWS = 3 };
    slab_reset();
    struct add_args a = {
        .in = slab_random(ROWS * HIDDEN, 1), .out = slab_random(ROWS * HIDDEN, 1), .rows = ROWS};
    static double expected[ROWS * HIDDEN];
    for (int64_t i = 0; i < ROWS * HIDDEN; ++i)
        expected[i] = element(a.in, i) + element(a.out, i);
    launch("add", kernel_add, &a);
    check_elements("add", a.out, expected, ROWS * HIDDEN);
}

struct best {
    float logit;
    int32_t entry;
};

/* Three sequences of four rows: full, two rows, none. With all logits and without. */
static void check_head(void) {
    enum { SEQUENCES = 3, TOKENS = 4, BEGIN = 3, ENTRIES = 37 };
    const int32_t positions[SEQUENCES * TOKENS] = {0, 1, 2, 3, 0, 1, -1, -1, -1, -1, -1, -1};
    const int64_t last[SEQUENCES] = {3, 5, -1};
    for (int all = 0; all < 2; ++all) {
        slab_reset();
        struct head_args a = {.in = slab_random(SEQUENCES * TOKENS * HIDDEN, 1),
                              .positions = slab_ints(positions, SEQUENCES * TOKENS),
                              .weight = slab_random(ENTRIES * HIDDEN, 1),
                              .best = slab_ints(NULL, 2 * SEQUENCES),
                              .sequences = SEQUENCES,
                              .tokens = TOKENS,
                              .entry_begin = BEGIN,
                              .entries = ENTRIES,
                              .candidates = 1};
        a.workspace = slab_workspace(OP_head, &a);
        logits = calloc((size_t)LOGIT_SEQUENCES * PROMPT * VOCABULARY, sizeof *logits);
        logits_wanted = all;
        launch("head", kernel_head, &a);
        const struct best *best = slab_at(a.best);
        for (int64_t row = 0; row < SEQUENCES * TOKENS; ++row) {
            double expected[ENTRIES] = {0}, largest = -INFINITY;
            for (int64_t e = 0; e < ENTRIES; ++e) {
                for (int64_t i = 0; i < HIDDEN; ++i)
                    expected[e] +=
                        element(a.in, row * HIDDEN + i) * element(a.weight, e * HIDDEN + i);
                largest = expected[e] > largest ? expected[e] : largest;
            }
            const float *written = logits + row / TOKENS * PROMPT * VOCABULARY;
            if (positions[row] >= 0 && all)
                check_reals("head", written + positions[row] * VOCABULARY + BEGIN, expected,
                            ENTRIES, 1e-5);
            if (row == last[row / TOKENS])
                check(fabs((double)best[row / TOKENS].logit - largest) <= 1e-5 * fabs(largest),
                      "head", "best differs", row);
            if (row == last[row / TOKENS])
                check(fabs(expected[best[row / TOKENS].entry - BEGIN] - largest) <=
                          1e-5 * fabs(largest),
                      "head", "best entry differs", row);
        }
        check(best[2].entry == -1 && best[2].logit == -INFINITY, "head", "masked sequence", 2);
        ((elem_t *)slab_at(a.in))[3 * HIDDEN] = elem_store(NAN);
        kernel_failures = 0;
        check(run_kernel(kernel_head, &a) == RT_SOFTWARE && kernel_failures == 1, "head",
              "a logit that is no number passes", 0);
        free(logits);
        logits = NULL;
    }
    logits_wanted = false;
}

static void check_choose(void) {
    enum { MEMBERS = 3, SEQUENCES = 4 };
    const struct best best[MEMBERS][SEQUENCES] = {
        {{1.0f, 9}, {-INFINITY, -1}, {-3.0f, 4}, {0.0f, 9}},
        {{2.0f, 17}, {-INFINITY, -1}, {-2.0f, 11}, {-0.0f, 6}},
        {{2.0f, 12}, {-INFINITY, -1}, {-5.0f, 20}, {0.0f, 8}},
    };
    slab_reset();
    struct choose_args a = {.best = slab_bytes(sizeof best),
                            .next = slab_ints(NULL, SEQUENCES),
                            .members = MEMBERS,
                            .sequences = SEQUENCES,
                            .candidates = 1};
    memcpy(slab_at(a.best), best, sizeof best);
    launch("choose", kernel_choose, &a);
    const int32_t *next = slab_at(a.next);
    check(next[0] == 12, "choose", "the lower entry where equal", next[0]);
    check(next[1] == 0, "choose", "0 where there is no row", next[1]);
    check(next[2] == 11, "choose", "the largest", next[2]);
    check(next[3] == 6, "choose", "zero is zero whatever its sign", next[3]);
}

void check_rows(void) {
    check_embed();
    check_norm();
    check_linear();
    check_add();
    check_head();
    check_choose();
}
