/* Router and capacity. */
#include "check.h"

/* Scores by definition, and what experts are chosen by: the sum of the two best of each group decides
 * which groups are open. */
static void expect_scores(const double *logit, const float *correction, double *score, double *by) {
    double sum = 0, groups[EXPERT_GROUPS];
    int size = EXPERTS / EXPERT_GROUPS;
    for (int e = 0; e < EXPERTS; ++e)
        sum += exp(logit[e]);
    for (int e = 0; e < EXPERTS; ++e) {
        score[e] = SIGMOID ? 1 / (1 + exp(-logit[e])) : exp(logit[e]) / sum;
        by[e] = score[e] + (correction ? (double)correction[e] : 0);
    }
    for (int g = 0; g < EXPERT_GROUPS; ++g) {
        groups[g] = size > 1 ? -INFINITY : by[g];
        for (int i = 0; i < size; ++i)
            for (int k = 0; k < i; ++k)
                groups[g] = fmax(groups[g], by[g * size + i] + by[g * size + k]);
    }
    for (int g = 0; g < EXPERT_GROUPS; ++g) {
        int better = 0;
        for (int h = 0; h < EXPERT_GROUPS; ++h)
            better += groups[h] > groups[g] || (groups[h] == groups[g] && h < g);
        for (int i = 0; better >= TOP_GROUPS && i < size; ++i)
            by[g * size + i] = -INFINITY;
    }
}

/* What all tokens pass comes behind the experts: its weight is the sigmoid of a score, or 1. */
static void check_passed(const struct route_args *a, int64_t row, bool masked, int32_t choice,
                         float share) {
    double sum = 0;
    for (int64_t i = 0; a->score >= 0 && i < HIDDEN; ++i)
        sum += element(a->in, row * HIDDEN + i) * element(a->score, i);
    double expected = masked ? 0 : a->score >= 0 ? 1 / (1 + exp(-sum)) : 1;
    check(choice == (masked ? -1 : EXPERTS), "route", "what all pass differs", row);
    check(fabs((double)share - expected) <= 1e-5, "route", "its weight differs", row);
}

static void check_route(bool corrected, bool scored, int32_t rows) {
    enum { ROWS = 515 };
    int32_t positions[ROWS];
    for (int i = 0; i < rows; ++i)
        positions[i] = i % 7 == 3 ? -1 : i;
    slab_reset();
    struct route_args a = {.in = slab_random(rows * HIDDEN, 1),
                           .score = scored ? slab_random(HIDDEN, 1) : -1,
                           .weight = slab_bytes(EXPERTS * HIDDEN * 4),
                           .correction = corrected ? slab_bytes(EXPERTS * 4) : -1,
                           .positions = slab_ints(positions, rows),
                           .choice = slab_ints(NULL, rows * CHOICES),
                           .share = slab_ints(NULL, rows * CHOICES),
                           .rows = rows};
    float *weight = slab_at(a.weight), *correction = corrected ? slab_at(a.correction) : NULL;
    for (int64_t i = 0; i < EXPERTS * HIDDEN; ++i)
        weight[i] = (float)random_real(0.5);
    for (int64_t e = 0; corrected && e < EXPERTS; ++e)
        correction[e] = (float)random_real(0.3);
    /* Two experts of a group with equal rows: the lower one comes first. */
    memcpy(weight + (EXPERTS - 1) * HIDDEN,
           weight + (EXPERT_GROUPS > 1 ? (EXPERTS - 2) * HIDDEN : 0), HIDDEN * sizeof *weight);
    a.workspace = slab_workspace(OP_route, &a);
    launch("route", kernel_route, &a);
    const int32_t *choice = slab_at(a.choice);
    const float *share = slab_at(a.share);
    for (int64_t row = 0; row < rows; ++row, choice += CHOICES, share += CHOICES) {
        double logit[EXPERTS], score[EXPERTS], by[EXPERTS], chosen = 0, expected[TOP_K];
        for (int64_t e = 0; e < EXPERTS; ++e) {
            logit[e] = 0;
            for (int64_t i = 0; i < HIDDEN; ++i)
                logit[e] += element(a.in, row * HIDDEN + i) * (double)weight[e * HIDDEN + i];
        }
        expect_scores(logit, correction, score, by);
        for (int k = 0; k < TOP_K; ++k) {
            int best = 0;
            for (int e = 1; e < EXPERTS; ++e)
                if (by[e] > by[best])
                    best = e;
            check(positions[row] < 0 ? choice[k] == -1 && share[k] == 0 : choice[k] == best,
                  "route", "choice differs", row);
            expected[k] = score[best];
            chosen += expected[k];
            by[best] = -INFINITY;
        }
        for (int k = 0; k < TOP_K; ++k)
            expected[k] *= ROUTED_SCALE / (RENORMALIZE ? chosen : 1);
        if (CHOICES > TOP_K)
            check_passed(&a, row, positions[row] < 0, choice[CHOICES - 1], share[CHOICES - 1]);
        if (positions[row] >= 0)
            check_reals("route", share, expected, TOP_K, 1e-5);
    }
}

#ifdef HAVE_capacity
/* Every choice is kept exactly when fewer than the limit came before it in its sequence. */
static void check_capacity(void) {
    enum { SEQUENCES = 3, TOKENS = 300, ALL = TOKENS * CHOICES };
    const int64_t length[SEQUENCES] = {300, 5, 0};
    int32_t positions[SEQUENCES * TOKENS], choice[SEQUENCES * ALL];
    for (int64_t row = 0; row < SEQUENCES * TOKENS; ++row) {
        bool valid = row % TOKENS < length[row / TOKENS];
        positions[row] = valid ? (int32_t)(row % TOKENS) : -1;
        for (int k = 0; k < CHOICES; ++k) { /* few experts, so that some overflow */
            int32_t expert = (int32_t)((random_below(2) * TOP_K + k) % EXPERTS);
            choice[row * CHOICES + k] = !valid ? -1 : k < TOP_K ? expert : EXPERTS;
        }
    }
    slab_reset();
    struct capacity_args a = {.positions = slab_ints(positions, SEQUENCES * TOKENS),
                              .choice = slab_ints(choice, SEQUENCES * ALL),
                              .sequences = SEQUENCES,
                              .tokens = TOKENS};
    a.workspace = slab_workspace(OP_capacity, &a);
    launch("capacity", kernel_capacity, &a);
    const int32_t *kept = slab_at(a.choice);
    int64_t dropped = 0;
    for (int64_t i = 0; i < SEQUENCES * ALL; ++i) {
        int64_t sequence = i / ALL, before = 0;
        double limit = ceil(CAPACITY_FACTOR * (double)length[sequence] * TOP_K / EXPERTS);
        for (int64_t j = sequence * ALL; j < i; ++j)
            before += choice[j] == choice[i];
        int32_t expected = (double)before < limit || choice[i] == EXPERTS ? choice[i] : -1;
        check(kept[i] == expected, "capacity", "choice differs", i);
        dropped += choice[i] >= 0 && kept[i] < 0;
    }
    check(dropped > 0, "capacity", "the test drops nothing", 0);
}
#endif

void check_routing(void) {
    check_route(false, false, 70);
    check_route(CORRECTED, CHOICES > TOP_K, 1);
    if (EXPERTS < 100)                                /* it takes long where devices are imitated */
        check_route(CORRECTED, CHOICES > TOP_K, 515); /* past every tile */
#ifdef HAVE_capacity
    check_capacity();
#endif
}
