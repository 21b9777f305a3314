/* What gen says about workspace, asked with the constants of the emitted program. In a file of its own, because
 * the tile sizes are macros in the program and enumerators in gen. */
#include "schedule/workspace.h"

#include "constants.h"

#include <string.h>

int64_t check_workspace_bytes(OpKind kind, const void *args, bool f32);

/* The arguments as an operation of a plan for this model. Numbers are int32 in the structs of ops.h, buffers
 * int64, in the order of ops.def. */
int64_t check_workspace_bytes(OpKind kind, const void *args, bool f32) {
    static Plan plan;
    plan.inputs.model = (Model){.hidden = HIDDEN,
                                .heads = HEADS,
                                .kv_heads = KV_HEADS,
                                .head_dim = HEAD_DIM,
                                .rope_dim = ROPE_DIM,
                                .value_dim = VALUE_DIM,
                                .kv_latent = KV_LATENT,
                                .experts = EXPERTS,
                                .top_k = TOP_K,
                                .shared_hidden = CHOICES > TOP_K};
    plan.inputs.workload.context = CONTEXT;
    plan.inputs.workload.dtype = f32 ? ELEMENT_F32 : ELEMENT_BF16;
    Op op = {.kind = kind};
    const char *at = args;
    for (int i = 0; i < OP_ARGS && op_info[kind].args[i].type != ARG_NONE; ++i) {
        int32_t value = -1;
        if (op_info[kind].args[i].type == ARG_INT)
            memcpy(&value, at, sizeof value);
        op.args[i].value = value;
        at += op_info[kind].args[i].type == ARG_INT ? 4 : 8;
    }
    return workspace_bytes(&plan, &op);
}
