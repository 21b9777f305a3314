/* check_choice: drawn tokens: they follow the probabilities that temperature, top-k and top-p leave, each is the one that
 * the noise says, and they are the same ones however the vocabulary is split between two heads. */
#include "check.h"

enum { DRAWN = 12 };

struct best {
    float logit;
    int32_t entry;
};

/* The probability of each entry by the book: temperature, then top-k, then top-p of what is left. */
static void probabilities(const double *of, double *p) {
    int order[DRAWN];
    double sum = 0, before = 0, kept = 0;
    for (int i = 0; i < DRAWN; ++i) {
        int at = i;
        for (; at > 0 && of[order[at - 1]] < of[i]; --at)
            order[at] = order[at - 1];
        order[at] = i;
        p[i] = 0;
    }
    int limit = choice.top_k > 0 ? choice.top_k : DRAWN;
    for (int n = 0; n < limit; ++n)
        sum += exp(of[order[n]] / choice.temperature);
    for (int n = 0; n < limit && (n == 0 || before < choice.top_p); ++n) {
        p[order[n]] = exp(of[order[n]] / choice.temperature) / sum;
        before += p[order[n]];
        kept += p[order[n]];
    }
    for (int i = 0; i < DRAWN; ++i)
        p[i] /= kept;
}

/* Two heads that hold [0, split) and [split, DRAWN), and the choice. */
struct pair {
    struct head_args head[2];
    struct choose_args choose;
};

static void pair_make(struct pair *pair, int split, int64_t candidates, double *of) {
    const int32_t position = 0;
    int64_t bytes = (candidates == 1 ? 1 : candidates + 1) * (int64_t)sizeof(struct best);
    int64_t in = slab_random(HIDDEN, 1), weight = slab_random(DRAWN * HIDDEN, 0.2);
    int64_t best = slab_bytes(2 * bytes), positions = slab_ints(&position, 1);
    for (int64_t e = 0; e < DRAWN; ++e) {
        of[e] = 0;
        for (int64_t i = 0; i < HIDDEN; ++i)
            of[e] += element(in, i) * element(weight, e * HIDDEN + i);
    }
    for (int m = 0; m < 2; ++m) {
        int begin = m ? split : 0;
        pair->head[m] =
            (struct head_args){.in = in,
                               .positions = positions,
                               .weight = weight + (int64_t)begin * HIDDEN * (int64_t)sizeof(elem_t),
                               .best = best + m * bytes,
                               .sequences = 1,
                               .tokens = 1,
                               .entry_begin = begin,
                               .entries = m ? DRAWN - split : split,
                               .candidates = (int32_t)candidates};
        pair->head[m].workspace = slab_workspace(OP_head, &pair->head[m]);
    }
    pair->choose = (struct choose_args){.best = best,
                                        .next = slab_ints(NULL, 1),
                                        .members = 2,
                                        .sequences = 1,
                                        .candidates = (int32_t)candidates};
}

/* Of the entries that may be drawn the one with the largest logit / temperature plus noise; where rounding may decide,
 * `also` is another. */
static int drawn_by_noise(const double *of, const double *p, uint64_t key, int *also) {
    double value[DRAWN];
    int best = -1;
    *also = -1;
    for (int e = 0; e < DRAWN; ++e) {
        value[e] = of[e] / choice.temperature + rt_choice_noise(key, e);
        if (p[e] > 0 && (best < 0 || value[e] > value[best]))
            best = e;
    }
    for (int e = 0; e < DRAWN; ++e)
        if (e != best && p[e] > 0 && value[e] > value[best] - 1e-4)
            *also = e;
    return best;
}

/* How often each entry is drawn. */
static void draw(int split, int64_t candidates, int32_t *counts, double *of) {
    struct pair pair;
    double p[DRAWN];
    slab_reset();
    pair_make(&pair, split, candidates, of);
    probabilities(of, p);
    memset(counts, 0, DRAWN * sizeof *counts);
    for (int n = 0; n < target_draws; ++n) {
        choice_seed = (uint64_t)n;
        for (int m = 0; m < 2; ++m)
            if (run_kernel(kernel_head, &pair.head[m]) != RT_OK)
                ++failures;
        if (run_kernel(kernel_choose, &pair.choose) != RT_OK)
            ++failures;
        int next = *(const int32_t *)slab_at(pair.choose.next), also;
        int best = drawn_by_noise(of, p, rt_choice_key(NULL, 0), &also);
        check(next == best || next == also, "choose", "not what the noise says", next);
        counts[next]++;
    }
    launch("head", kernel_head, &pair.head[1]); /* with its guards */
    launch("choose", kernel_choose, &pair.choose);
}

/* The likeliest tokens that are told hold too little of the probability: no draw of them would be right. */
static void check_refusal(int64_t candidates, bool refused) {
    struct pair pair;
    double of[DRAWN];
    choice = (rt_choice){50, 0.9, 0}; /* nearly equal probabilities: eleven of twelve entries */
    slab_reset();
    pair_make(&pair, 5, candidates, of);
    for (int m = 0; m < 2; ++m)
        if (run_kernel(kernel_head, &pair.head[m]) != RT_OK)
            ++failures;
    rt_status status = run_kernel(kernel_choose, &pair.choose);
    check(status == (refused ? RT_DATA : RT_OK), "choose", "top-p over too few entries",
          candidates);
}

void check_choice(void) {
    static const struct {
        rt_choice choice;
        int64_t candidates;
    } cases[] = {
        {{1, 1, 0}, 1},    {{0.5, 1, 0}, 1},     {{1, 1, 0}, DRAWN}, {{1, 1, 4}, 5},
        {{2, 0.7, 0}, 10}, {{1, 0.4, 0}, DRAWN}, {{1, 0.6, 5}, 5},   {{1, 1, 2}, DRAWN},
        {{4, 0.9, 0}, 30}, {{3, 0.95, 9}, 11},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
        int32_t counts[DRAWN], others[DRAWN];
        double of[DRAWN], p[DRAWN];
        choice = cases[c].choice;
        uint64_t mark = random_mark();
        draw(5, cases[c].candidates, counts, of);
        random_return(mark);
        draw(11, cases[c].candidates, others, of);
        probabilities(of, p);
        for (int e = 0; e < DRAWN; ++e) {
            double spread = 5 * sqrt(p[e] * (1 - p[e]) / target_draws) + 1e-4;
            check(fabs((double)counts[e] / target_draws - p[e]) <= spread, "choose",
                  "drawn too often or too seldom", (int64_t)(100 * c) + e);
            check(counts[e] == others[e], "choose", "another split draws otherwise", e);
        }
    }
    check_refusal(DRAWN, false);
    check_refusal(11, false);
    check_refusal(6, true);
    check_refusal(2, true);
    choice = (rt_choice){.top_p = 1};
}
