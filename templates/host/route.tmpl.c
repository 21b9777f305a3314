/* route: which experts a row goes to, and with what weight. Logits and scores are float32 whatever the element type,
 * with router weights in float32. */
//% local grouped = view.model.expert_groups > view.model.top_groups
//% local apart = grouped or view.model.router_correction
#include "matmul.h"

//% if view.model.scoring == "softmax" then
/* Turn logits into probabilities. */
static void score(float *logits) {
    float largest = logits[0], sum = 0;
    for (int e = 1; e < EXPERTS; ++e)
        largest = logits[e] > largest ? logits[e] : largest;
    for (int e = 0; e < EXPERTS; ++e) {
        logits[e] = expf(logits[e] - largest);
        sum += logits[e];
    }
    for (int e = 0; e < EXPERTS; ++e)
        logits[e] /= sum;
}
//% else
/* Turn each logit into its sigmoid. */
static void score(float *logits) {
    for (int e = 0; e < EXPERTS; ++e)
        logits[e] = 1.0f / (1.0f + expf(-logits[e]));
}
//% end

//% if grouped then
enum { GROUP = EXPERTS / EXPERT_GROUPS }; /* experts a group */

/* The sum of the two largest of a group. */
static float group_score(const float *by) {
    float best = -INFINITY, second = -INFINITY;
    for (int i = 0; i < GROUP; ++i) {
        second = by[i] > best ? best : by[i] > second ? by[i] : second;
        best = by[i] > best ? by[i] : best;
    }
    return GROUP > 1 ? best + second : best;
}

/* Only experts of the TOP_GROUPS best groups can be chosen, the lower group where equal. */
static void close_groups(float *by) {
    float sums[EXPERT_GROUPS];
    bool open[EXPERT_GROUPS] = {false};
    for (int g = 0; g < EXPERT_GROUPS; ++g)
        sums[g] = group_score(by + g * GROUP);
    for (int k = 0; k < TOP_GROUPS; ++k) {
        int best = -1;
        for (int g = 0; g < EXPERT_GROUPS; ++g)
            if (!open[g] && (best < 0 || sums[g] > sums[best]))
                best = g;
        open[best] = true;
    }
    for (int e = 0; e < EXPERTS; ++e)
        by[e] = open[e / GROUP] ? by[e] : -INFINITY;
}

//% end
/* The TOP_K best experts in order of `by`, the lower expert first where equal; their weights by their scores. */
static void choose(const float *scores, const float *by, int32_t *choice, float *share) {
    float total = 0;
    for (int k = 0; k < TOP_K; ++k) {
        int best = -1;
        for (int e = 0; e < EXPERTS; ++e) {
            bool taken = false;
            for (int j = 0; j < k; ++j)
                taken |= choice[j] == e;
            if (!taken && (best < 0 || by[e] > by[best]))
                best = e;
        }
        choice[k] = best;
        share[k] = scores[best];
        total += share[k];
    }
//% if view.model.renormalize then
    for (int k = 0; k < TOP_K; ++k)
        share[k] /= total;
//% else
    (void)total; /* this model does not renormalise */
//% end
//% if view.model.routed_scale ~= "1" then
    for (int k = 0; k < TOP_K; ++k)
        share[k] *= (float)ROUTED_SCALE;
//% end
}

//% if view.choices > view.model.top_k then
/* The weight of what all tokens pass: the sigmoid of a score of the row, where the model has one. */
static float beside(const elem_t *weight, const float *row) {
    float sum = 0;
    for (int64_t i = 0; weight && i < HIDDEN; ++i)
        sum += row[i] * elem_load(weight[i]);
    return weight ? 1.0f / (1.0f + expf(-sum)) : 1.0f;
}

//% end
rt_status kernel_route(rt_rank *rank, const void *args) {
    const struct route_args *a = args;
    const elem_t *in = rt_at(rank, a->in);
    const float *weight = rt_at(rank, a->weight);
    const int32_t *positions = rt_at(rank, a->positions);
    int32_t *choice = rt_at(rank, a->choice);
    float *share = rt_at(rank, a->share), *workspace = rt_at(rank, a->workspace);
    const int64_t tile = min_of(a->rows, TILE_ROUTE);
    float *x = carve(&workspace, tile * HIDDEN);       /* [tile][H] */
    float *logits = carve(&workspace, tile * EXPERTS); /* [tile][experts] */
//% if view.choices > view.model.top_k then
    const elem_t *score_weight = at_or_null(rank, a->score);
//% end
//% if apart then
    const float *correction = at_or_null(rank, a->correction);
    float *by = carve(&workspace, EXPERTS); /* what one row chooses by */
//% end

    for (int64_t first = 0; first < a->rows; first += tile) {
        int64_t rows = min_of(tile, a->rows - first);
        load_row(x, in + first * HIDDEN, rows * HIDDEN);
        matmul_f32(rank, x, weight, logits, rows, HIDDEN, EXPERTS);
        for (int64_t row = first; row < first + rows; ++row) {
            if (positions[row] >= 0) {
                float *scores = logits + (row - first) * EXPERTS;
                score(scores);
//% if apart then
                for (int e = 0; e < EXPERTS; ++e)
                    by[e] = scores[e] + (correction ? correction[e] : 0);
//%   if grouped then
                close_groups(by);
//%   end
                choose(scores, by, choice + row * CHOICES, share + row * CHOICES);
//% else
                choose(scores, scores, choice + row * CHOICES, share + row * CHOICES);
//% end
//% if view.choices > view.model.top_k then
                choice[row * CHOICES + TOP_K] = EXPERTS; /* what all tokens pass */
                share[row * CHOICES + TOP_K] = beside(score_weight, x + (row - first) * HIDDEN);
//% end
                continue;
            }
            for (int k = 0; k < CHOICES; ++k) {
                choice[row * CHOICES + k] = -1;
                share[row * CHOICES + k] = 0;
            }
        }
    }
    return RT_OK;
}
