/* random_inputs: models, workloads and clusters. Sizes are those that lowering and kernels meet at their edges: odd
 * ones, ones of 1, ones that nothing divides. */
#include "random_case.h"

#include "input/model_internal.h"

#include <string.h>

void random_workload(RandomCase *made) {
    Choices *c = made->choices;
    Workload *workload = &made->plan.inputs.workload;
    workload->batch = 1 + draw_low(c, made->small ? 7 : 12);
    workload->prefill = 1 + draw_low(c, made->small ? 8 : 12);
    if (made->small && draw_rare(c, 6)) { /* more rows than the tiles of kernels have */
        workload->batch += draw(c, 16);
        workload->prefill += draw(c, 20);
    }
    workload->context = workload->prefill + (made->small ? 1 + draw(c, 4) : draw(c, 5));
    workload->dtype = made->small && !draw_rare(c, 5) ? ELEMENT_F32 : draw(c, 3);
    if (made->small) {
        made->sequences = 1 + draw(c, workload->batch + 2); /* more than a batch run in waves */
        made->max_new = 1 + draw(c, workload->context - workload->prefill + 1);
    }
    workload->candidates = draw_rare(c, 4) ? 2 + draw(c, 6) : 1;
}

/* --- model ------------------------------------------------------------------------------------ */

static void random_heads(RandomCase *made, Model *model) {
    Choices *c = made->choices;
    bool latent = draw_rare(c, 4);
    model->position = latent ? POSITION_ROPE : draw(c, 2);
    model->kv_heads = 1 + draw_low(c, 4);
    model->heads = model->kv_heads * (latent ? 1 : 1 + draw_low(c, 3));
    model->head_dim = model->position == POSITION_ROPE ? 2 + 2 * draw_low(c, 4) : 1 + draw(c, 8);
    model->value_dim = model->rope_dim = model->head_dim;
    model->rope_interleave = draw_rare(c, 2);
    model->rope_theta = 10000;
    model->latent_norm_eps = 1e-6;
    model->rope_scaling = (RopeScaling){
        .factor = 1, .beta_fast = 32, .beta_slow = 1, .amplitude = 1, .score_scale = 1};
    if (model->position == POSITION_ROPE && draw_rare(c, 3)) {
        model->rope_scaling = (RopeScaling){.kind = ROPE_LINEAR + draw(c, 2),
                                            .factor = 1 + (double)draw_low(c, 4),
                                            .original_positions = 1 + draw(c, 16),
                                            .beta_fast = 4,
                                            .beta_slow = 0.25,
                                            .amplitude = 1.25,
                                            .score_scale = draw_rare(c, 2) ? 1.5 : 1};
    }
    if (!latent) {
        model->attention_bias = draw_rare(c, 2);
        if (model->position == POSITION_ROPE && draw_rare(c, 3))
            model->rope_dim = 2 + 2 * draw(c, model->head_dim / 2);
        model->qk_norm = draw_rare(c, 2) ? QK_NORM_HEAD + draw(c, 2) : QK_NORM_NONE;
        model->qkv_clip = draw_rare(c, 4) ? 0.5 : 0;
        return;
    }
    model->head_dim += 2;
    model->rope_dim = 2 + 2 * draw(c, model->head_dim / 2 - 1);
    model->value_dim = 1 + draw(c, 8);
    model->kv_latent = 1 + draw(c, 12);
    model->q_latent = draw_rare(c, 2) ? 1 + draw(c, 12) : 0;
}

/* Groups that divide the experts, and so many of them that top_k fit. */
static void random_groups(Choices *c, Model *model) {
    model->expert_groups = model->top_groups = 1;
    if (!draw_rare(c, 3))
        return;
    model->expert_groups = 1 + draw(c, model->experts);
    while (model->experts % model->expert_groups)
        --model->expert_groups;
    int64_t size = model->experts / model->expert_groups;
    int64_t least = (model->top_k + size - 1) / size;
    model->top_groups = least + draw(c, model->expert_groups - least + 1);
}

/* Layers with a window, of plain attention only. */
static void random_windows(RandomCase *made, Model *model) {
    Choices *c = made->choices;
    if (model_is_latent(model) || !draw_rare(c, 4))
        return;
    for (int64_t layer = 0; layer < model->layers; ++layer)
        if (draw(c, 2))
            *(int64_t *)LIST_PUSH(made->arena, &model->window_layers) = layer;
    if (model->window_layers.count)
        model->sliding_window = 1 + draw(c, 6);
}

static void random_feed_forward(RandomCase *made, Model *model) {
    Choices *c = made->choices;
    model->activation = draw(c, 3);
    model->gated = draw_rare(c, 2);
    model->expert_bias = draw_rare(c, 2);
    model->experts = 1 + draw_low(c, 9);
    model->expert_hidden = 1 + draw(c, 20);
    model->top_k = 1 + draw_low(c, least_of(model->experts, 4));
    model->renormalize = draw_rare(c, 2);
    model->scoring = draw_rare(c, 3) ? SCORING_SIGMOID : SCORING_SOFTMAX;
    model->router_correction = draw_rare(c, 4);
    model->routed_scale = draw_rare(c, 4) ? 1.75 : 1;
    random_groups(c, model);
    model->capacity_factor = draw_rare(c, 3) ? 0.5 + 0.25 * (double)draw(c, 5) : 0;
    model->shared_hidden = draw_rare(c, 3) ? 1 + draw(c, 12) : 0;
    model->shared_score = model->shared_hidden > 0 && draw_rare(c, 2);
    if (model->layers > 1 && draw_rare(c, 3)) {
        model->dense_hidden = 1 + draw(c, 12);
        int64_t count = 1 + draw(c, model->layers - 1);
        for (int64_t layer = 0; layer < model->layers && count > 0; ++layer) {
            bool must = model->layers - layer == count;
            if (must || draw(c, 2) == 0) {
                *(int64_t *)LIST_PUSH(made->arena, &model->dense_layers) = layer;
                --count;
            }
        }
    }
}

/* Names as no family has them: nothing after the reading of models may know those. */
static void random_tensors(RandomCase *made, Model *model) {
    for (int kind = 0; kind < TENSOR_KINDS; ++kind) {
        if (!model_needs(model, (TensorKind)kind))
            continue;
        const char *layer = tensor_kind_per_layer((TensorKind)kind) ? "layer.{layer}." : "";
        const char *expert = tensor_kind_per_expert((TensorKind)kind) ? "expert.{expert}." : "";
        *(ModelTensor *)LIST_PUSH(made->arena, &model->tensors) = (ModelTensor){
            .kind = kind,
            .name = arena_printf(made->arena, "%s%s%s", layer, expert, tensor_kind_names[kind])};
    }
}

void random_model(RandomCase *made) {
    Choices *c = made->choices;
    Model *model = &made->plan.inputs.model;
    *model = (Model){.name = "random", .family = "moe_transformer", .tokenizer = ""};
    model->layers = 1 + draw_low(c, made->small ? 4 : 6);
    if (!made->small && draw_rare(c, 10)) /* deep enough to recur */
        model->layers += 6 + draw(c, 20);
    model->hidden = 4 + draw_low(c, 21);
    model->vocabulary = made->small ? 12 + draw(c, 30) : 1 + draw(c, 40);
    model->max_positions = made->plan.inputs.workload.context + draw(c, 3);
    model->norm = draw(c, 2);
    model->norm_eps = 1e-5;
    random_heads(made, model);
    model->output_bias = draw_rare(c, 2);
    random_windows(made, model);
    random_feed_forward(made, model);
    model->tie_embeddings = draw_rare(c, 2);
    model->initializer_range = 0.5;       /* wide, so that choices differ in more than rounding */
    if (made->small && draw_rare(c, 6)) { /* likewise columns */
        model->hidden += 50 + draw(c, 90);
        model->expert_hidden += 40 + draw(c, 90);
        model->vocabulary += 2048 * draw(c, 2);
    }
    random_tensors(made, model);
}

/* --- cluster ---------------------------------------------------------------------------------- */

static TopologyNode random_node(RandomCase *made, int64_t wanted, int64_t number) {
    Choices *c = made->choices;
    int64_t gpus = least_of(wanted, 8);
    gpus = wanted > 1 && draw_rare(c, 2) ? 1 + draw(c, gpus) : gpus;
    int64_t most = (wanted + gpus - 1) / gpus;
    TopologyNode node = {.name = arena_printf(made->arena, "kind%lld", (long long)number),
                         .count = 1 + draw_low(c, most),
                         .gpus = gpus + (draw_rare(c, 6) ? 1 : 0),
                         .nics = 1 + draw_low(c, 3),
                         .nic_bandwidth = 1e9 * (double)(1 + draw(c, 50))};
    node.gpu = (TopologyGpu){.type = draw_rare(c, 2) ? "a100-80gb" : "other",
                             .memory = draw_rare(c, 64) ? (int64_t)1 << (10 + draw(c, 8))
                                                        : (int64_t)80 << 30,
                             .flops = 1e12 * (double)(1 + draw(c, 900)),
                             .flops_f32 = 1e12 * (double)(1 + draw(c, 60)),
                             .bandwidth = 1e11 * (double)(1 + draw(c, 40))};
    node.link = (TopologyLink){.type = draw_rare(c, 2) ? "nvlink3" : "pcie4",
                               .bandwidth = 1e9 * (double)(1 + draw(c, 400)),
                               .latency = 1e-6 * (double)(1 + draw(c, 20))};
    return node;
}

void random_topology(RandomCase *made, int64_t gpus) {
    Choices *c = made->choices;
    Topology *topology = &made->plan.inputs.topology;
    *topology = (Topology){.name = "random", .measured = {.processor = "", .dtype = ""}};
    for (int64_t have = 0; have < gpus;) {
        TopologyNode node = random_node(made, gpus - have, topology->nodes.count);
        *(TopologyNode *)LIST_PUSH(made->arena, &topology->nodes) = node;
        have += node.count * node.gpus;
    }
    topology->network = (TopologyNetwork){.type = draw_rare(c, 2) ? "ethernet" : "infiniband-hdr",
                                          .latency = 1e-6 * (double)(1 + draw(c, 50)),
                                          .oversubscription = 1 + (double)draw_low(c, 3)};
}
