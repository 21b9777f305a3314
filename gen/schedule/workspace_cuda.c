/* workspace_cuda: scratch of the kernels for GPUs; see workspace.h. A formula lists the areas of the kernel in the order in
 * which its host side (templates/cuda/KIND.tmpl.c) carves them. Products of cuBLAS are not counted here: their workspace
 * lies behind the program's slab. */
#include "schedule/workspace_size.h"

/* An area of elements of the program's type. */
static int64_t element_area(const Plan *plan, int64_t elements) {
    return area(plan->inputs.workload.dtype == ELEMENT_F32 ? elements : (elements + 1) / 2);
}

/* No schedule that was read may make a product overflow. */
static int64_t product(int64_t a, int64_t b) {
    const int64_t most = INT64_MAX / 4096;
    int64_t value;
    return __builtin_mul_overflow(a, b, &value) || value > most ? most : value;
}

int64_t workspace_parts(int64_t context, int64_t blocks) {
    int64_t wanted = blocks > 0 ? (SPLIT_BLOCKS - 1) / blocks + 1 : 1;
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
    int64_t blocks = product(sequences * number(op, "kv_heads"),
                             ((group < heads ? group : heads) + SPLIT_PAIRS - 1) / SPLIT_PAIRS);
    int64_t parts = workspace_parts(plan->inputs.workload.context, blocks);
    return parts > 1 ? area(product(sequences * heads, parts * (model->head_dim + 2))) : 0;
}

/* Absorbed: carried queries of as many rows as make LATENT_PAIRS, of several sequences where they have few; of each pair
 * and part what attention has. Expanded: keys and values of as many heads of one sequence as make EXPANDED_ELEMENTS. */
static int64_t latent_attention(const Plan *plan, const Op *op) {
    const Model *model = &plan->inputs.model;
    int64_t context = plan->inputs.workload.context, latent = model->kv_latent;
    int64_t heads = max_of(number(op, "heads"), 1), tokens = max_of(number(op, "tokens"), 1);
    int64_t expanded = context * (model->head_dim + model->value_dim);
    if (number(op, "expanded")) {
        int64_t together = max_of(min_of(heads, EXPANDED_ELEMENTS / expanded), 1) * context;
        return element_area(plan, together * model->head_dim) +
               element_area(plan, together * model->value_dim);
    }
    int64_t rows = min_of(tokens, max_of(LATENT_PAIRS / heads, 1));
    int64_t sequences = min_of(number(op, "sequences"), max_of(LATENT_PAIRS / (rows * heads), 1));
    if (rows < tokens)
        sequences = 1;
    int64_t pairs = sequences * rows * heads;
    int64_t blocks = sequences * ((rows * heads + LATENT_SPLIT - 1) / LATENT_SPLIT) *
                     ((latent + LATENT_SPLIT_COLUMNS - 1) / LATENT_SPLIT_COLUMNS);
    int64_t parts = workspace_parts(context, blocks);
    return element_area(plan, product(pairs, model_latent_dim(model))) + area(pairs * parts * 2) +
           area(product(pairs, parts * latent));
}

/* Logits of a tile of rows, and what they choose by. */
static int64_t route(const Plan *plan, const Op *op) {
    int64_t tile = min_of(number(op, "rows"), TILE_SCORES);
    return 2 * area(tile * plan->inputs.model.experts);
}

/* Of a tile of rows: the products of both, the result, what goes between. */
static int64_t dense_ffn(const Plan *plan, const Op *op) {
    int64_t columns = number(op, "columns"), tile = min_of(number(op, "rows"), TILE_DENSE);
    return 2 * area(tile * columns) + area(tile * plan->inputs.model.hidden) +
           element_area(plan, tile * columns);
}

/* Where each choice's result goes, choices by slot, choices of each slot, the tiles of rows, and what goes between the
 * products of the tiles of a pass. */
static int64_t expert_ffn(const Plan *plan, const Op *op) {
    const Model *model = &plan->inputs.model;
    int64_t choices = model->top_k + (model->shared_hidden > 0); /* plan_choices, or one more */
    int64_t bound = number(op, "bound"), slots = number(op, "slots");
    int64_t most = bound * min_of(choices, number(op, "held"));
    int64_t tiles = min_of(most, most / TILE_GROUPED + slots);
    return area(bound * choices) + area(most) + area(slots) + area(3 * tiles) + area(1) +
           element_area(plan, min_of(tiles, PASS_TILES) * TILE_GROUPED * number(op, "columns"));
}

/* Of some rows: which they are, the best entries of their parts, the rows, and all their logits. */
static int64_t head(const Plan *plan, const Op *op) {
    enum { PARTS = 32 };
    int64_t hidden = plan->inputs.model.hidden, entries = max_of(number(op, "entries"), 1);
    int64_t sequences = number(op, "sequences"), all = sequences * number(op, "tokens");
    int64_t tile = max_of(sequences, min_of(all, TILE_HEAD));
    tile = max_of(min_of(tile, TILE_LOGITS / entries), 1);
    return area(tile) + area(tile * PARTS * 2) + element_area(plan, tile * hidden) +
           area(tile * entries);
}

int64_t workspace_cuda_bytes(const Plan *plan, const Op *op) {
    switch ((OpKind)op->kind) {
    case OP_attention:
        return attention(plan, op);
    case OP_latent_attention:
        return latent_attention(plan, op);
    case OP_capacity:
        return area(number(op, "sequences") * plan->inputs.model.experts);
    case OP_route:
        return route(plan, op);
    case OP_dense_ffn:
        return dense_ffn(plan, op);
    case OP_expert_ffn:
        return expert_ffn(plan, op);
    case OP_head:
        return head(plan, op);
    default:
        return 0;
    }
}
