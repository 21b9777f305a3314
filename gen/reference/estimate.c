/* estimate: what a run of the reference will take, before it begins. */
#include "reference/reference.h"

double reference_memory(const Model *model, const ReferencePrompts *prompts) {
    double positions = (double)(prompts->longest + prompts->max_new);
    double sequences = (double)prompts->sequences, longest = (double)prompts->longest;
    double weights = 4.0 * (double)model_parameters(model);
    double logits = 4.0 * sequences * longest * (double)model->vocabulary;
    double cache = 16.0 * (double)model->layers * sequences * positions *
                   (double)(model->kv_heads * model->head_dim);
    double scores = 8.0 * longest * (double)model->heads * positions;
    double rows = 8.0 * (longest > sequences ? longest : sequences) *
                  (double)(8 * model->hidden + 3 * model->expert_hidden);
    return weights + logits + cache + scores + rows;
}

double reference_work(const Model *model, const ReferencePrompts *prompts) {
    double hidden = (double)model->hidden, size = (double)model->head_dim;
    double heads = (double)model->heads, kv_heads = (double)model->kv_heads, tokens = 0, pairs = 0;
    for (int64_t s = 0; s < prompts->sequences; s++) {
        double length = (double)(prompts->lengths[s] + prompts->max_new - 1);
        tokens += length;
        pairs += length * (length + 1) / 2;
    }
    double projections = hidden * size * (2 * heads + 2 * kv_heads);
    double experts =
        (double)(model->top_k * (model->gated ? 3 : 2)) * hidden * (double)model->expert_hidden +
        hidden * (double)model->experts;
    return tokens * ((double)model->layers * (projections + experts) +
                     hidden * (double)model->vocabulary) +
           pairs * (double)model->layers * heads * size * 2;
}
