/* workspace_cuda: scratch of the kernels for GPUs; see workspace.h. A formula lists the areas of the kernel in the order in
 * which its host side (templates/cuda/KIND.tmpl.c) carves them. Products of cuBLAS are not counted here: their workspace
 * lies behind the program's slab. */
#include "schedule/workspace.h"

/* One area of 4-byte elements, rounded up so that the next one is aligned too. */
static int64_t area(int64_t elements) {
    return 4 * ((elements + WORKSPACE_ALIGN - 1) / WORKSPACE_ALIGN * WORKSPACE_ALIGN);
}

static int64_t number(const Op *op, const char *name) {
    return op->args[op_arg(op->kind, name)].value;
}

int64_t workspace_parts(int64_t context, int64_t blocks) {
    int64_t wanted = (SPLIT_BLOCKS + blocks - 1) / blocks;
    int64_t most = (context + SPLIT_KEYS - 1) / SPLIT_KEYS;
    return wanted < most ? wanted : most;
}

/* Of each pair and part its values, its largest score and its sum of weights. */
static int64_t attention(const Plan *plan, const Op *op) {
    const Model *model = &plan->inputs.model;
    if (number(op, "tokens") > 1)
        return 0;
    int64_t sequences = number(op, "sequences"), heads = number(op, "heads");
    int64_t group = model->heads / model->kv_heads;
    int64_t blocks = sequences * number(op, "kv_heads") *
                     (((group < heads ? group : heads) + SPLIT_PAIRS - 1) / SPLIT_PAIRS);
    int64_t parts = workspace_parts(plan->inputs.workload.context, blocks);
    return parts > 1 ? area(sequences * heads * parts * (model->head_dim + 2)) : 0;
}

int64_t workspace_cuda_bytes(const Plan *plan, const Op *op) {
    switch ((OpKind)op->kind) {
    case OP_attention:
        return attention(plan, op);
    default:
        return 0;
    }
}
