/* route: which experts a row goes to, and with what weight. Logits and scores are float32 whatever the element type,
 * with router weights in float32. */
#include "matmul.h"

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
    for (int k = 0; k < TOP_K; ++k)
        share[k] /= total;
}

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

    for (int64_t first = 0; first < a->rows; first += tile) {
        int64_t rows = min_of(tile, a->rows - first);
        load_row(x, in + first * HIDDEN, rows * HIDDEN);
        matmul_f32(rank, x, weight, logits, rows, HIDDEN, EXPERTS);
        for (int64_t row = first; row < first + rows; ++row) {
            if (positions[row] >= 0) {
                float *scores = logits + (row - first) * EXPERTS;
                score(scores);
                choose(scores, scores, choice + row * CHOICES, share + row * CHOICES);
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
