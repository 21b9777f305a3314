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

/* The most probable expert that is not among the first `count` choices; -1 when none is left. */
static int64_t next_best(const Model *model, const double *probabilities, const int32_t *choices,
                         int64_t count) {
    int64_t best = -1;
    for (int64_t e = 0; e < model->experts; e++)
        if (!chosen(choices, count, e) && (best < 0 || probabilities[e] > probabilities[best]))
            best = e;
    return best;
}

double route_top_k(const Model *model, const double *probabilities, int32_t *choices,
                   double *shares) {
    double sum = 0;
    for (int64_t k = 0; k < model->top_k; k++) {
        choices[k] = (int32_t)next_best(model, probabilities, choices, k);
        shares[k] = probabilities[choices[k]];
        sum += shares[k];
    }
    double last = shares[model->top_k - 1];
    if (model->renormalize)
        for (int64_t k = 0; k < model->top_k; k++)
            shares[k] /= sum;
    int64_t runner_up = next_best(model, probabilities, choices, model->top_k);
    return runner_up < 0 ? 1.0 : (last - probabilities[runner_up]) / last;
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
