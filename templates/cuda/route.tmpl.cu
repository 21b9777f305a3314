/* route: which experts a row goes to, and with what weight. Logits and scores are float32 whatever the element type,
 * with router weights in float32. A sum has one order, however many rows there are. */
//% local grouped = view.model.expert_groups > view.model.top_groups
//% local apart = grouped or view.model.router_correction
#include "kernel.cuh"

/* clang-format off */
#define LEAST_SCORE __uint_as_float(0xff800000u)
/* clang-format on */

/* What a block makes: logits of so many rows and experts, with warps that each take a part of HIDDEN. */
enum { SCORE_ROWS = 8, SCORE_EXPERTS = 4, SCORE_ALL = SCORE_ROWS * SCORE_EXPERTS, SCORE_WARPS = 8 };

/* in [rows][HIDDEN], weight [EXPERTS][HIDDEN], logits [rows][EXPERTS] */
extern "C" __global__ void route_scores(const elem_t *in, const float *weight, float *logits, int rows) {
    __shared__ float parts[SCORE_WARPS][SCORE_ALL];
    const int first_expert = blockIdx.x * SCORE_EXPERTS, first_row = blockIdx.y * SCORE_ROWS;
    const int me = threadIdx.x;
    const elem_t *x[SCORE_ROWS];
    const float *w[SCORE_EXPERTS];
    float sum[SCORE_ROWS][SCORE_EXPERTS] = {{0}};
    for (int r = 0; r < SCORE_ROWS; ++r) /* past the end: the last, for nobody */
        x[r] = in + (long_t)min(first_row + r, rows - 1) * HIDDEN;
    for (int e = 0; e < SCORE_EXPERTS; ++e)
        w[e] = weight + (long_t)min(first_expert + e, EXPERTS - 1) * HIDDEN;
    for (int i = me; i < HIDDEN; i += SCORE_WARPS * WARP)
        for (int r = 0; r < SCORE_ROWS; ++r) {
            const float value = elem_load(x[r][i]);
            for (int e = 0; e < SCORE_EXPERTS; ++e)
                sum[r][e] += value * w[e][i];
        }
    for (int r = 0; r < SCORE_ROWS; ++r)
        for (int e = 0; e < SCORE_EXPERTS; ++e) {
            const float all = warp_sum(sum[r][e]);
            if (me % WARP == 0)
                parts[me / WARP][r * SCORE_EXPERTS + e] = all;
        }
    __syncthreads();
    const int row = first_row + me / SCORE_EXPERTS, expert = first_expert + me % SCORE_EXPERTS;
    if (me < SCORE_ALL && row < rows && expert < EXPERTS) {
        float all = 0;
        for (int i = 0; i < SCORE_WARPS; ++i)
            all += parts[i][me];
        logits[(long_t)row * EXPERTS + expert] = all;
    }
}

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
        if (other < EXPERTS && (best == EXPERTS || value > most || (!(value < most) && other < best))) {
            best = other;
            most = value;
        }
    }
    return best;
}

/* The TOP_K best experts in order of `by`; their weights by their scores. */
static __device__ inline void choose_experts(const float *scores, const float *by, int *choice, float *share,
                                     int lane) {
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

//% if view.choices > view.model.top_k then
/* What all tokens pass, and its weight: the sigmoid of a score of the row, where the model has one. */
static __device__ inline void add_passed(const elem_t *weight, const elem_t *row, int *choice, float *share,
                                         int lane) {
    float sum = 0;
    for (int i = lane; weight && i < HIDDEN; i += WARP)
        sum += elem_load(row[i]) * elem_load(weight[i]);
    sum = warp_sum(sum);
    if (lane == 0) {
        choice[TOP_K] = EXPERTS;
        share[TOP_K] = weight ? 1.0f / (1.0f + expf(-sum)) : 1.0f;
    }
}

//% end
/* A warp a row. logits, by [rows][EXPERTS], correction [EXPERTS] or absent, in [rows][HIDDEN], score_weight [HIDDEN] or
 * absent, positions [rows], choice, share [rows][CHOICES] */
extern "C" __global__ void route_choose(float *logits, float *by, const float *correction,
                                        const elem_t *in, const elem_t *score_weight,
                                        const int *positions, int *choice, float *share, int rows) {
    const int row = (blockIdx.x * blockDim.x + threadIdx.x) / WARP, lane = threadIdx.x % WARP;
    if (row >= rows)
        return;
    choice += (long_t)row * CHOICES;
    share += (long_t)row * CHOICES;
    if (positions[row] < 0) {
        for (int k = lane; k < CHOICES; k += WARP) {
            choice[k] = -1;
            share[k] = 0;
        }
        return;
    }
    float *scores = logits + (long_t)row * EXPERTS;
    score_row(scores, lane);
//% if apart then
    by += (long_t)row * EXPERTS;
    for (int e = lane; e < EXPERTS; e += WARP)
        by[e] = scores[e] + (correction ? correction[e] : 0);
    __syncwarp();
//%   if grouped then
    close_groups(by, lane);
    __syncwarp();
//%   end
    choose_experts(scores, by, choice, share, lane);
//% else
    (void)by, (void)correction; /* this model chooses by its scores */
    __syncwarp();
    choose_experts(scores, scores, choice, share, lane);
//% end
//% if view.choices > view.model.top_k then
    add_passed(score_weight, in + (long_t)row * HIDDEN, choice, share, lane);
//% else
    (void)in, (void)score_weight; /* what all tokens pass does not lie with the experts */
//% end
}
