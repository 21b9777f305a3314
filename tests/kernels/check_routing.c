/* Router and capacity. */
#include "check.h"

static void check_route(void) {
    enum { ROWS = 70 };
    int32_t positions[ROWS];
    for (int i = 0; i < ROWS; ++i)
        positions[i] = i % 7 == 3 ? -1 : i;
    slab_reset();
    struct route_args a = {.in = slab_random(ROWS * HIDDEN, 1),
                           .weight = slab_bytes(EXPERTS * HIDDEN * 4),
                           .positions = slab_ints(positions, ROWS),
                           .choice = slab_ints(NULL, ROWS * TOP_K),
                           .share = slab_ints(NULL, ROWS * TOP_K),
                           .rows = ROWS};
    float *weight = slab_at(a.weight);
    for (int64_t i = 0; i < EXPERTS * HIDDEN; ++i)
        weight[i] = (float)random_real(0.5);
    /* Two experts with equal rows: the lower one comes first. */
    memcpy(weight + (EXPERTS - 1) * HIDDEN, weight, HIDDEN * sizeof *weight);
    a.workspace = slab_workspace(OP_route, &a);
    launch("route", kernel_route, &a);
    const int32_t *choice = slab_at(a.choice);
    const float *share = slab_at(a.share);
    for (int64_t row = 0; row < ROWS; ++row, choice += TOP_K, share += TOP_K) {
        double probability[EXPERTS], sum = 0, chosen = 0, expected[TOP_K];
        for (int64_t e = 0; e < EXPERTS; ++e) {
            double logit = 0;
            for (int64_t i = 0; i < HIDDEN; ++i)
                logit += element(a.in, row * HIDDEN + i) * (double)weight[e * HIDDEN + i];
            sum += probability[e] = exp(logit);
        }
        for (int k = 0; k < TOP_K; ++k) {
            int best = 0;
            for (int e = 1; e < EXPERTS; ++e)
                if (probability[e] > probability[best])
                    best = e;
            check(positions[row] < 0 ? choice[k] == -1 && share[k] == 0 : choice[k] == best,
                  "route", "choice differs", row);
            expected[k] = probability[best] / sum;
            chosen += expected[k];
            probability[best] = -1;
        }
        for (int k = 0; RENORMALIZE && k < TOP_K; ++k)
            expected[k] /= chosen;
        if (positions[row] >= 0)
            check_reals("route", share, expected, TOP_K, 1e-5);
    }
}

#ifdef HAVE_capacity
/* Every choice is kept exactly when fewer than the limit came before it in its sequence. */
static void check_capacity(void) {
    enum { SEQUENCES = 3, TOKENS = 17, CHOICES = TOKENS * TOP_K };
    const int64_t length[SEQUENCES] = {17, 5, 0};
    int32_t positions[SEQUENCES * TOKENS], choice[SEQUENCES * CHOICES];
    for (int64_t row = 0; row < SEQUENCES * TOKENS; ++row) {
        bool valid = row % TOKENS < length[row / TOKENS];
        positions[row] = valid ? (int32_t)(row % TOKENS) : -1;
        for (int k = 0; k < TOP_K; ++k) /* few experts, so that some overflow */
            choice[row * TOP_K + k] =
                valid ? (int32_t)((random_below(2) * TOP_K + k) % EXPERTS) : -1;
    }
    slab_reset();
    struct capacity_args a = {.positions = slab_ints(positions, SEQUENCES * TOKENS),
                              .choice = slab_ints(choice, SEQUENCES * CHOICES),
                              .sequences = SEQUENCES,
                              .tokens = TOKENS};
    a.workspace = slab_workspace(OP_capacity, &a);
    launch("capacity", kernel_capacity, &a);
    const int32_t *kept = slab_at(a.choice);
    int64_t dropped = 0;
    for (int64_t i = 0; i < SEQUENCES * CHOICES; ++i) {
        int64_t sequence = i / CHOICES, before = 0;
        double limit = ceil(CAPACITY_FACTOR * (double)length[sequence] * TOP_K / EXPERTS);
        for (int64_t j = sequence * CHOICES; j < i; ++j)
            before += choice[j] == choice[i];
        int32_t expected = (double)before < limit ? choice[i] : -1;
        check(kept[i] == expected, "capacity", "choice differs", i);
        dropped += choice[i] >= 0 && kept[i] < 0;
    }
    check(dropped > 0, "capacity", "the test drops nothing", 0);
}
#endif

void check_routing(void) {
    check_route();
#ifdef HAVE_capacity
    check_capacity();
#endif
}
