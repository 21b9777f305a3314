/* best_experts: a row's scores from its logits, and the experts with the best ones, by a warp. */
//% local grouped = view.model.expert_groups > view.model.top_groups
#pragma once

#include "kernel.cuh"

/* clang-format off */
#define LEAST_SCORE __uint_as_float(0xff800000u)
/* clang-format on */

//% if view.model.scoring == "softmax" then
/* Turn a row of logits into probabilities; a lane sees its own ones alone. */
static __device__ inline void score_row(float *logits, int lane) {
    float largest = LEAST_SCORE, sum = 0;
    for (int e = lane; e < EXPERTS; e += WARP)
        largest = fmaxf(largest, logits[e]);
    largest = warp_most(largest);
    for (int e = lane; e < EXPERTS; e += WARP) {
        logits[e] = expf(logits[e] - largest);
        sum += logits[e];
    }
    sum = warp_sum(sum);
    for (int e = lane; e < EXPERTS; e += WARP)
        logits[e] /= sum;
}
//% else
/* Turn each logit of a row into its sigmoid; a lane sees its own ones alone. */
static __device__ inline void score_row(float *logits, int lane) {
    for (int e = lane; e < EXPERTS; e += WARP)
        logits[e] = 1.0f / (1.0f + expf(-logits[e]));
}
//% end

//% if grouped then
enum { GROUP_EXPERTS = EXPERTS / EXPERT_GROUPS };

/* The sum of the two largest of a group, in all lanes. */
static __device__ inline float group_score(const float *by, int lane) {
    float best = LEAST_SCORE, second = LEAST_SCORE;
    for (int i = lane; i < GROUP_EXPERTS; i += WARP) {
        second = fmaxf(second, fminf(best, by[i]));
        best = fmaxf(best, by[i]);
    }
    for (int lanes = WARP / 2; lanes > 0; lanes /= 2) {
        const float other = __shfl_xor_sync(FULL, best, lanes);
        second = fmaxf(fmaxf(second, __shfl_xor_sync(FULL, second, lanes)), fminf(best, other));
        best = fmaxf(best, other);
    }
    return GROUP_EXPERTS > 1 ? best + second : best;
}

/* Only experts of the TOP_GROUPS best groups can be chosen, the lower group where equal. */
static __device__ inline void close_groups(float *by, int lane) {
    float sums[EXPERT_GROUPS];
    bool open[EXPERT_GROUPS] = {false};
    for (int g = 0; g < EXPERT_GROUPS; ++g)
        sums[g] = group_score(by + g * GROUP_EXPERTS, lane);
    for (int k = 0; k < TOP_GROUPS; ++k) {
        int best = -1;
        for (int g = 0; g < EXPERT_GROUPS; ++g)
            if (!open[g] && (best < 0 || sums[g] > sums[best]))
                best = g;
        open[best] = true;
    }
    __syncwarp(); /* all lanes have read */
    for (int e = lane; e < EXPERTS; e += WARP)
        by[e] = open[e / GROUP_EXPERTS] ? by[e] : LEAST_SCORE;
}

//% end
/* The best expert of a row that is not among the `taken` first of `choice`, the lower one where equal; in all lanes. */
static __device__ inline int best_expert(const float *by, const int *choice, int taken, int lane) {
    int best = EXPERTS;
    float most = 0;
    for (int e = lane; e < EXPERTS; e += WARP) {
        bool gone = false;
        for (int j = 0; j < taken; ++j)
            gone |= choice[j] == e;
        if (!gone && (best == EXPERTS || by[e] > most)) {
            best = e;
            most = by[e];
        }
    }
    for (int lanes = WARP / 2; lanes > 0; lanes /= 2) {
        const int other = __shfl_xor_sync(FULL, best, lanes);
        const float value = __shfl_xor_sync(FULL, most, lanes);
        if (other < EXPERTS &&
            (best == EXPERTS || value > most || (!(value < most) && other < best))) {
            best = other;
            most = value;
        }
    }
    return best;
}

/* The TOP_K best experts in order of `by`; their weights by their scores. */
static __device__ inline void choose_experts(const float *scores, const float *by, int *choice,
                                             float *share, int lane) {
    int chosen[TOP_K];
    float weights[TOP_K], total = 0;
    for (int k = 0; k < TOP_K; ++k) {
        chosen[k] = best_expert(by, chosen, k, lane);
        weights[k] = scores[chosen[k]];
        total += weights[k];
    }
    for (int k = 0; k < TOP_K && lane == 0; ++k) {
//% if view.model.renormalize then
        weights[k] /= total;
//% end
//% if view.model.routed_scale ~= "1" then
        weights[k] *= (float)ROUTED_SCALE;
//% end
        choice[k] = chosen[k];
        share[k] = weights[k];
    }
}
