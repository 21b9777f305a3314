/* route: which experts a row goes to, and with what weight. Logits and scores are float32 whatever the element type,
 * with router weights in float32. A sum has one order, however many rows there are. */
//% local grouped = view.model.expert_groups > view.model.top_groups
//% local apart = grouped or view.model.router_correction
#include "best_experts.cuh"

/* What a block makes: logits of so many rows and experts, with warps that each take a part of HIDDEN. */
enum { SCORE_ROWS = 8, SCORE_EXPERTS = 4, SCORE_ALL = SCORE_ROWS * SCORE_EXPERTS, SCORE_WARPS = 8 };

/* in [rows][HIDDEN], weight [EXPERTS][HIDDEN], logits [rows][EXPERTS] */
extern "C" __global__ void route_scores(const elem_t *in, const float *weight, float *logits,
                                        int rows) {
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
