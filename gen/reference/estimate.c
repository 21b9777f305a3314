/* estimate: what a run of the reference will take, before it begins. */
#include "reference/reference.h"

static int64_t widest(const Model *model) {
    int64_t wide = model->expert_hidden;
    wide = model->dense_hidden > wide ? model->dense_hidden : wide;
    return model->shared_hidden > wide ? model->shared_hidden : wide;
}

/* Multiply-adds of a token in the projections of a layer's attention. */
static double projections(const Model *model) {
    double hidden = (double)model->hidden, heads = (double)model->heads;
    double query = heads * (double)model->head_dim, value = heads * (double)model->value_dim;
    if (!model_is_latent(model))
        return hidden * (query + (double)(2 * model->kv_heads * model->head_dim) + value);
    double low = (double)model->q_latent, latent = (double)model->kv_latent;
    double made = heads * (double)(model_plain_dim(model) + model->value_dim);
    return hidden * (low + (double)model_latent_dim(model) + value) +
           query * (low > 0 ? low : hidden) + made * latent;
}

double reference_memory(const Model *model, const ReferencePrompts *prompts) {
    double positions = (double)(prompts->longest + prompts->max_new);
    double sequences = (double)prompts->sequences, longest = (double)prompts->longest;
    double weights = 4.0 * (double)model_parameters(model);
    double logits = 4.0 * sequences * longest * (double)model->vocabulary;
    double cache = 8.0 * (double)model->layers * sequences * positions *
                   (double)(model->kv_heads * (model->head_dim + model->value_dim));
    double scores = 8.0 * longest * (double)model->heads * positions;
    double rows = 8.0 * (longest > sequences ? longest : sequences) *
                  (double)(8 * model->hidden + 3 * widest(model) +
                           model->heads * 2 * (model->head_dim + model->value_dim));
    return weights + logits + cache + scores + rows;
}

double reference_work(const Model *model, const ReferencePrompts *prompts) {
    double hidden = (double)model->hidden, tokens = 0, pairs = 0;
    for (int64_t s = 0; s < prompts->sequences; s++) {
        double length = (double)(prompts->lengths[s] + prompts->max_new - 1);
        tokens += length;
        pairs += length * (length + 1) / 2;
    }
    double matrices = (model->gated ? 3.0 : 2.0) * hidden, layers = (double)model->layers;
    double dense = (double)model->dense_layers.count;
    double experts =
        matrices * (double)(model->top_k * model->expert_hidden + model->shared_hidden) +
        hidden * (double)model->experts;
    double scores = (double)(model->heads * (model->head_dim + model->value_dim));
    return tokens * (layers * projections(model) + (layers - dense) * experts +
                     dense * matrices * (double)model->dense_hidden +
                     hidden * (double)model->vocabulary) +
           pairs * layers * scores;
}
