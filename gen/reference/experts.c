/* experts: the second half of a layer: norm, router, capacity, the chosen experts' feed-forward,
 * weighted sum, residual; or one feed-forward for all rows. Scratch is the Reference's. */
#include "reference/math.h"
#include "reference/reference_state.h"
#include "reference/route.h"

#include <string.h>

/* What one expert gets: the rows and the weight of its result in each. */
typedef struct ExpertInput {
    int64_t count;
    int64_t *rows;  /* [rows of the call] */
    double *shares; /* likewise */
    double *in;     /* [rows of the call][hidden] */
} ExpertInput;

static void route(Reference *reference, int64_t layer, const ReferenceRow *rows, int64_t count,
                  bool prefill, const double *normed, ReferenceResult *result, int32_t *choices,
                  double *shares) {
    const Model *model = reference->model;
    Arena *arena = &reference->scratch;
    double *scores = ARENA_ARRAY(arena, count * model->experts, double);
    math_linear(reference->parallel, reference_weight(reference, TENSOR_ROUTER, layer, 0), NULL,
                model->experts, model->hidden, normed, count, scores);
    const float *correction = reference_weight(reference, TENSOR_ROUTER_CORRECTION, layer, 0);
    bool *open = ARENA_ARRAY(arena, model->expert_groups, bool);
    for (int64_t r = 0; r < count; r++) {
        double *of_row = scores + r * model->experts;
        if (model->scoring == SCORING_SIGMOID)
            math_sigmoid(of_row, model->experts);
        else
            math_softmax(of_row, model->experts);
        double margin = route_top_k(model, of_row, correction, open, choices + r * model->top_k,
                                    shares + r * model->top_k);
        double *smallest =
            &result->router_margin[rows[r].sequence * result->positions + rows[r].position];
        if (margin < *smallest)
            *smallest = margin;
        if (margin < result->router.value)
            result->router = (ReferenceMargin){margin, rows[r].sequence, rows[r].position, layer};
    }
    if (prefill)
        route_drop(model, count, choices, ARENA_ARRAY(arena, model->experts, int64_t));
    for (int64_t r = 0; r < count; r++)
        memcpy(reference_choices(result, rows[r].sequence, rows[r].position, layer),
               choices + r * model->top_k, (size_t)model->top_k * sizeof *choices);
}

static void gather(const Model *model, int64_t expert, int64_t count, const int32_t *choices,
                   const double *shares, const double *normed, ExpertInput *input) {
    input->count = 0;
    for (int64_t i = 0; i < count * model->top_k; i++) {
        if (choices[i] != expert)
            continue;
        int64_t row = i / model->top_k;
        input->rows[input->count] = row;
        input->shares[input->count] = shares[i];
        memcpy(input->in + input->count * model->hidden, normed + row * model->hidden,
               (size_t)model->hidden * sizeof *normed);
        input->count++;
    }
}

/* A feed-forward over rows: of an expert, of a dense layer, or the one beside experts. `gate` is the first of its six
 * kinds of tensor, which follow each other; `expert` counts for experts only. Returns [count][hidden], in scratch. */
static double *feed_forward(Reference *reference, int64_t layer, TensorKind gate, int64_t expert,
                            const double *in, int64_t count) {
    const Model *model = reference->model;
    Arena *arena = &reference->scratch;
    const float *weights[6];
    int64_t hidden = model->hidden, inner;
    model_tensor_shape(model, gate, &inner, &(int64_t){0});
    for (int i = 0; i < 6; i++)
        weights[i] = reference_weight(reference, gate + i, layer, expert);
    double *up = ARENA_ARRAY(arena, count * inner, double);
    double *down = ARENA_ARRAY(arena, count * hidden, double);
    math_linear(reference->parallel, weights[2], weights[3], inner, hidden, in, count, up);
    if (model->gated) {
        double *gated = ARENA_ARRAY(arena, count * inner, double);
        math_linear(reference->parallel, weights[0], weights[1], inner, hidden, in, count, gated);
        for (int64_t i = 0; i < count * inner; i++)
            up[i] *= math_activation(model->activation, gated[i]);
    } else {
        for (int64_t i = 0; i < count * inner; i++)
            up[i] = math_activation(model->activation, up[i]);
    }
    math_linear(reference->parallel, weights[4], weights[5], hidden, inner, up, count, down);
    return down;
}

/* The feed-forward of one expert over its rows, added to the residual. */
static void expert_add(Reference *reference, int64_t layer, int64_t expert,
                       const ExpertInput *input, double *residual) {
    int64_t hidden = reference->model->hidden;
    const double *down =
        feed_forward(reference, layer, TENSOR_EXPERT_GATE, expert, input->in, input->count);
    for (int64_t r = 0; r < input->count; r++)
        for (int64_t i = 0; i < hidden; i++)
            residual[input->rows[r] * hidden + i] += input->shares[r] * down[r * hidden + i];
}

static void add_rows(Reference *reference, int64_t layer, TensorKind gate, const double *normed,
                     int64_t count, double *residual) {
    ArenaMark mark = arena_mark(&reference->scratch);
    int64_t hidden = reference->model->hidden;
    const double *down = feed_forward(reference, layer, gate, 0, normed, count);
    double *scale = ARENA_ARRAY(&reference->scratch, count, double);
    for (int64_t r = 0; r < count; r++)
        scale[r] = 1;
    if (gate == TENSOR_SHARED_GATE && reference->model->shared_score) {
        math_linear(reference->parallel, reference_weight(reference, TENSOR_SHARED_SCORE, layer, 0),
                    NULL, 1, hidden, normed, count, scale);
        math_sigmoid(scale, count);
    }
    for (int64_t i = 0; i < count * hidden; i++)
        residual[i] += scale[i / hidden] * down[i];
    arena_rewind(&reference->scratch, mark);
}

void reference_dense(Reference *reference, int64_t layer, int64_t count, double *residual) {
    ArenaMark mark = arena_mark(&reference->scratch);
    double *normed = ARENA_ARRAY(&reference->scratch, count * reference->model->hidden, double);
    reference_norm(reference, TENSOR_FFN_NORM, TENSOR_FFN_NORM_BIAS, layer, residual, count,
                   normed);
    add_rows(reference, layer, TENSOR_DENSE_GATE, normed, count, residual);
    arena_rewind(&reference->scratch, mark);
}

void reference_experts(Reference *reference, int64_t layer, const ReferenceRow *rows, int64_t count,
                       bool prefill, ReferenceResult *result, double *residual) {
    const Model *model = reference->model;
    Arena *arena = &reference->scratch;
    ArenaMark mark = arena_mark(arena);
    double *normed = ARENA_ARRAY(arena, count * model->hidden, double);
    double *shares = ARENA_ARRAY(arena, count * model->top_k, double);
    int32_t *choices = ARENA_ARRAY(arena, count * model->top_k, int32_t);
    ExpertInput input = {.rows = ARENA_ARRAY(arena, count, int64_t),
                         .shares = ARENA_ARRAY(arena, count, double),
                         .in = ARENA_ARRAY(arena, count * model->hidden, double)};
    reference_norm(reference, TENSOR_FFN_NORM, TENSOR_FFN_NORM_BIAS, layer, residual, count,
                   normed);
    route(reference, layer, rows, count, prefill, normed, result, choices, shares);
    if (model->shared_hidden)
        add_rows(reference, layer, TENSOR_SHARED_GATE, normed, count, residual);
    for (int64_t expert = 0; expert < model->experts; expert++) {
        gather(model, expert, count, choices, shares, normed, &input);
        ArenaMark inner = arena_mark(arena);
        if (input.count)
            expert_add(reference, layer, expert, &input, residual);
        arena_rewind(arena, inner);
    }
    arena_rewind(arena, mark);
}
