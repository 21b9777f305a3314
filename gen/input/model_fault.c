/* model_fault: keys of a model that contradict each other. Pure; plans, which people edit, are held to it too. */
#include "input/model.h"

static bool ascends(const IntList *layers, int64_t end) {
    int64_t next = 0;
    for (int64_t i = 0; i < layers->count; i++) {
        if (layers->items[i] < next || layers->items[i] >= end)
            return false;
        next = layers->items[i] + 1;
    }
    return true;
}

static const char *latent_fault(const Model *model, const char **key) {
    *key = "rope_dim";
    if (model->rope_dim < 2 || model->rope_dim % 2 || model->rope_dim >= model->head_dim)
        return "latent attention rotates an even number of a head's elements, not all of them";
    *key = "kv_heads";
    if (model->kv_heads != model->heads)
        return "latent attention has a key and a value for every query head";
    *key = "position";
    if (model->position != POSITION_ROPE)
        return "latent attention has rotary positions";
    *key = "qk_norm";
    if (model->qk_norm != QK_NORM_NONE)
        return "latent attention norms its latents, not queries and keys";
    *key = "qkv_clip";
    if (model->qkv_clip > 0)
        return "latent attention is not clipped";
    *key = "sliding_window";
    if (model->sliding_window)
        return "latent attention has no window";
    *key = "attention_bias";
    return model->attention_bias ? "latent attention has no biases" : NULL;
}

static const char *plain_fault(const Model *model, const char **key) {
    *key = model->q_latent ? "q_latent" : "value_dim";
    if (model->q_latent || model->value_dim != model->head_dim)
        return "only latent attention has it, and there is no kv_latent";
    *key = "rope_dim";
    if (model->position == POSITION_ROPE && (model->rope_dim < 2 || model->rope_dim % 2))
        return "an even number of a head's elements rotates";
    if (model->rope_dim > model->head_dim)
        return "a head has not so many elements";
    return NULL;
}

static const char *scaling_fault(const Model *model, const char **key) {
    const RopeScaling *scaling = &model->rope_scaling;
    *key = "rope_scaling";
    if (scaling->kind != ROPE_PLAIN && model->position != POSITION_ROPE)
        return "only rotary positions are scaled";
    if (scaling->kind == ROPE_PLAIN && scaling->factor > 1)
        return "a factor needs a kind";
    if (scaling->kind == ROPE_YARN && scaling->original_positions < 1)
        return "yarn needs original_positions";
    if (scaling->kind == ROPE_YARN && scaling->beta_fast < scaling->beta_slow)
        return "beta_fast is at least beta_slow";
    return NULL;
}

static const char *window_fault(const Model *model, const char **key) {
    *key = "sliding_window";
    if ((model->window_layers.count > 0) != (model->sliding_window > 0))
        return "sliding_window and window_layers are given together";
    *key = "window_layers";
    return ascends(&model->window_layers, model->layers)
               ? NULL
               : "layers stand there once each, in ascending order, counted from 0";
}

static const char *dense_fault(const Model *model, const char **key) {
    *key = "dense_hidden";
    if ((model->dense_layers.count > 0) != (model->dense_hidden > 0))
        return "dense_layers and dense_hidden are given together";
    *key = "dense_layers";
    if (!ascends(&model->dense_layers, model->layers))
        return "layers stand there once each, in ascending order, counted from 0";
    return model->dense_layers.count == model->layers ? "at least one layer has experts" : NULL;
}

static const char *router_fault(const Model *model, const char **key) {
    *key = "shared_score";
    if (model->shared_score && !model->shared_hidden)
        return "there is no shared_hidden for it to scale";
    *key = "expert_groups";
    if (model->expert_groups < 1 || model->experts % model->expert_groups)
        return "experts are in groups of equal size";
    *key = "top_groups";
    if (model->top_groups < 1 || model->top_groups > model->expert_groups)
        return "a token's experts are chosen from 1 to expert_groups groups";
    if (model->experts / model->expert_groups * model->top_groups < model->top_k)
        return "so few groups have fewer than top_k experts";
    return NULL;
}

static const char *storage_fault(const Model *model, const char **key) {
    const IntList *block = &model->scale_block;
    *key = "scale_block";
    if (block->count && (block->count != 2 || block->items[0] < 1 || block->items[1] < 1 ||
                         block->items[0] > INT32_MAX || block->items[1] > INT32_MAX))
        return "a block is two positive sizes, rows and columns";
    return NULL;
}

const char *model_fault(const Model *model, const char **key) {
    const char *fault = model_is_latent(model) ? latent_fault(model, key) : plain_fault(model, key);
    fault = fault ? fault : scaling_fault(model, key);
    fault = fault ? fault : window_fault(model, key);
    fault = fault ? fault : dense_fault(model, key);
    fault = fault ? fault : storage_fault(model, key);
    return fault ? fault : router_fault(model, key);
}
