/* experts: the second half of a layer: norm, router, capacity, the chosen experts' feed-forward,
 * weighted sum, residual. Scratch is the Reference's. */
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
    for (int64_t r = 0; r < count; r++) {
        math_softmax(scores + r * model->experts, model->experts);
        double margin = route_top_k(model, scores + r * model->experts, choices + r * model->top_k,
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

/* The feed-forward of one expert over its rows, added to the residual. */
static void expert_add(Reference *reference, int64_t layer, int64_t expert,
                       const ExpertInput *input, double *residual) {
    const Model *model = reference->model;
    Arena *arena = &reference->scratch;
    int64_t hidden = model->hidden, inner = model->expert_hidden, count = input->count;
    double *up = ARENA_ARRAY(arena, count * inner, double);
    double *down = ARENA_ARRAY(arena, count * hidden, double);
    math_linear(reference->parallel, reference_weight(reference, TENSOR_EXPERT_UP, layer, expert),
                reference_weight(reference, TENSOR_EXPERT_UP_BIAS, layer, expert), inner, hidden,
                input->in, count, up);
    if (model->gated) {
        double *gate = ARENA_ARRAY(arena, count * inner, double);
        math_linear(reference->parallel,
                    reference_weight(reference, TENSOR_EXPERT_GATE, layer, expert),
                    reference_weight(reference, TENSOR_EXPERT_GATE_BIAS, layer, expert), inner,
                    hidden, input->in, count, gate);
        for (int64_t i = 0; i < count * inner; i++)
            up[i] *= math_activation(model->activation, gate[i]);
    } else {
        for (int64_t i = 0; i < count * inner; i++)
            up[i] = math_activation(model->activation, up[i]);
    }
    math_linear(reference->parallel, reference_weight(reference, TENSOR_EXPERT_DOWN, layer, expert),
                reference_weight(reference, TENSOR_EXPERT_DOWN_BIAS, layer, expert), hidden, inner,
                up, count, down);
    for (int64_t r = 0; r < count; r++)
        for (int64_t i = 0; i < hidden; i++)
            residual[input->rows[r] * hidden + i] += input->shares[r] * down[r * hidden + i];
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
    for (int64_t expert = 0; expert < model->experts; expert++) {
        gather(model, expert, count, choices, shares, normed, &input);
        ArenaMark inner = arena_mark(arena);
        if (input.count)
            expert_add(reference, layer, expert, &input, residual);
        arena_rewind(arena, inner);
    }
    arena_rewind(arena, mark);
}
