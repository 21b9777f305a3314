/* route: see route.h. Owns nothing. */
#include "reference/route.h"

#include <math.h>
#include <string.h>

static bool chosen(const int32_t *choices, int64_t count, int64_t expert) {
    for (int64_t k = 0; k < count; k++)
        if (choices[k] == expert)
            return true;
    return false;
}

/* A token's scores, and what is added to them for choosing. */
typedef struct Scores {
    const Model *model;
    const double *raw;
    const float *correction; /* NULL: none */
    const bool *open;        /* [expert_groups] which groups it may choose from; NULL: all */
} Scores;

static double corrected(const Scores *scores, int64_t expert) {
    return scores->raw[expert] + (scores->correction ? (double)scores->correction[expert] : 0);
}

/* The best expert of [begin, end) that is not among the first `count` choices; -1 when none is left. */
static int64_t next_best(const Scores *scores, int64_t begin, int64_t end, const int32_t *choices,
                         int64_t count) {
    int64_t best = -1, size = scores->model->experts / scores->model->expert_groups;
    for (int64_t e = begin; e < end; e++)
        if (!chosen(choices, count, e) && (!scores->open || scores->open[e / size]) &&
            (best < 0 || corrected(scores, e) > corrected(scores, best)))
            best = e;
    return best;
}

/* The sum of the two best corrected scores of a group; *scale: of the same experts' scores. */
static double group_score(const Scores *scores, int64_t group, double *scale) {
    int64_t size = scores->model->experts / scores->model->expert_groups;
    int32_t best[2];
    double sum = *scale = 0;
    for (int64_t i = 0; i < 2 && i < size; i++) {
        best[i] = (int32_t)next_best(scores, group * size, (group + 1) * size, best, i);
        sum += corrected(scores, best[i]);
        *scale += scores->raw[best[i]];
    }
    return sum;
}

/* Marks the top_groups best groups, the lower one where equal. Returns how far the last of them is from the next. */
static double open_groups(const Scores *scores, bool *open) {
    const Model *model = scores->model;
    double last = 0, scale = 1;
    memset(open, 0, (size_t)model->expert_groups * sizeof *open);
    for (int64_t i = 0; i <= model->top_groups; i++) {
        int64_t best = -1;
        double best_score = 0, best_scale = 1, of;
        for (int64_t g = 0; g < model->expert_groups; g++) {
            double score = open[g] ? 0 : group_score(scores, g, &of);
            if (open[g] || (best >= 0 && score <= best_score))
                continue;
            best = g;
            best_score = score;
            best_scale = of;
        }
        if (best < 0)
            return 1.0; /* all are open */
        if (i == model->top_groups)
            return (last - best_score) / scale;
        open[best] = true;
        last = best_score;
        scale = best_scale;
    }
    return 1.0;
}

double route_top_k(const Model *model, const double *scores, const float *correction, bool *open,
                   int32_t *choices, double *shares) {
    Scores of = {.model = model, .raw = scores, .correction = correction};
    double sum = 0, margin = open_groups(&of, open);
    of.open = open;
    for (int64_t k = 0; k < model->top_k; k++) {
        choices[k] = (int32_t)next_best(&of, 0, model->experts, choices, k);
        shares[k] = scores[choices[k]];
        sum += shares[k];
    }
    int64_t last = choices[model->top_k - 1];
    int64_t runner_up = next_best(&of, 0, model->experts, choices, model->top_k);
    double gap =
        runner_up < 0 ? 1.0 : (corrected(&of, last) - corrected(&of, runner_up)) / scores[last];
    for (int64_t k = 0; k < model->top_k; k++)
        shares[k] = shares[k] / (model->renormalize ? sum : 1.0) * model->routed_scale;
    return gap < margin ? gap : margin;
}

int64_t route_capacity(const Model *model, int64_t length) {
    if (model->capacity_factor <= 0)
        return INT64_MAX;
    return (int64_t)ceil(model->capacity_factor * (double)length * (double)model->top_k /
                         (double)model->experts);
}

void route_drop(const Model *model, int64_t length, int32_t *choices, int64_t *counts) {
    int64_t capacity = route_capacity(model, length);
    memset(counts, 0, (size_t)model->experts * sizeof *counts);
    for (int64_t i = 0; i < length * model->top_k; i++)
        if (choices[i] >= 0 && ++counts[choices[i]] > capacity)
            choices[i] = -1;
}
