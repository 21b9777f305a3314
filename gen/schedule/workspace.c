/* workspace: see the header. Every formula lists the areas in the order in which the kernel carves them;
 * tests run the kernels with exactly this much and a guard behind it. */
#include "schedule/workspace_size.h"

/* 16-bit weights pass through float32 tiles of TILE_WEIGHT rows; float32 ones are used where they lie. */
static int64_t weight_tile(const Plan *plan, int64_t columns) {
    return plan->inputs.workload.dtype == ELEMENT_F32 ? 0 : area(TILE_WEIGHT * columns);
}

static int64_t linear(const Plan *plan, const Op *op) {
    if (plan->inputs.workload.dtype == ELEMENT_F32)
        return 0;
    int64_t inputs = number(op, "inputs"), outputs = number(op, "outputs");
    int64_t rows = min_of(number(op, "rows"), TILE_LINEAR);
    return area(rows * inputs) + area(rows * outputs) + weight_tile(plan, inputs);
}

static int64_t attention(const Plan *plan, const Op *op) {
    const Model *model = &plan->inputs.model;
    int64_t pairs = number(op, "tokens") * (model->heads / model->kv_heads);
    int64_t tile = min_of(pairs, TILE_ATTENTION);
    return 2 * area(tile * model->head_dim) + area(tile * plan->inputs.workload.context) +
           weight_tile(plan, model->head_dim);
}

static int64_t latent_attention(const Plan *plan, const Op *op) {
    const Model *model = &plan->inputs.model;
    int64_t context = plan->inputs.workload.context, value = model->value_dim;
    int64_t plain = model_plain_dim(model), latent = model->kv_latent;
    int64_t entry = model_latent_dim(model), tokens = number(op, "tokens");
    if (number(op, "expanded")) {
        int64_t tile = min_of(tokens, TILE_ATTENTION);
        return area(tile * model->head_dim) + area(tile * value) + area(tile * context) +
               area((plain + value) * latent) + area((model->head_dim + value) * context) +
               weight_tile(plan, latent);
    }
    int64_t tile = min_of(tokens * number(op, "heads"), TILE_ATTENTION);
    return area(tile * entry) + area(tile * latent) + area(tile * context) +
           area(max_of(plain, value)) + weight_tile(plan, entry);
}

static int64_t dense_ffn(const Plan *plan, const Op *op) {
    int64_t hidden = plan->inputs.model.hidden, columns = number(op, "columns");
    int64_t tile = min_of(number(op, "rows"), TILE_LINEAR);
    return 2 * area(tile * hidden) + 2 * area(tile * columns) +
           weight_tile(plan, max_of(hidden, columns));
}

static int64_t route(const Plan *plan, const Op *op) {
    const Model *model = &plan->inputs.model;
    int64_t tile = min_of(number(op, "rows"), TILE_ROUTE);
    return area(tile * model->hidden) + area(tile * model->experts) + area(model->experts);
}

static int64_t head(const Plan *plan, const Op *op) {
    int64_t hidden = plan->inputs.model.hidden;
    int64_t tile = min_of(number(op, "sequences") * number(op, "tokens"), TILE_HEAD);
    int64_t entries = min_of(number(op, "entries"), TILE_ENTRIES);
    return area(tile * hidden) + area(tile * entries) + weight_tile(plan, hidden);
}

static int64_t expert_ffn(const Plan *plan, const Op *op) {
    int64_t hidden = plan->inputs.model.hidden, columns = number(op, "columns");
    return 2 * area(TILE_EXPERT * hidden) + 2 * area(TILE_EXPERT * columns) +
           weight_tile(plan, max_of(hidden, columns));
}

static int64_t workspace_host_bytes(const Plan *plan, const Op *op) {
    switch ((OpKind)op->kind) {
    case OP_linear:
        return linear(plan, op);
    case OP_attention:
        return attention(plan, op);
    case OP_latent_attention:
        return latent_attention(plan, op);
    case OP_dense_ffn:
        return dense_ffn(plan, op);
    case OP_route:
        return route(plan, op);
    case OP_capacity:
        return area(plan->inputs.model.experts);
    case OP_head:
        return head(plan, op);
    case OP_expert_ffn:
        return expert_ffn(plan, op);
    case OP_transfer:
        return op->args[op_arg(op->kind, "arrivals")].value; /* moves have 64 bits */
    default:
        return 0;
    }
}

int64_t workspace_bytes(const Plan *plan, const Op *op) {
    return max_of(workspace_host_bytes(plan, op), workspace_cuda_bytes(plan, op));
}
