/* check_values: see check_values.h. */
#include "schedule/check_values.h"

#include <string.h>

static const char *const value_names[FLOW_KINDS] = {
#define V(id, text) text,
    VALUES(V)
#undef V
};

typedef struct FlowRule {
    OpKind kind;
    const char *argument;
    int before, after; /* FlowKind */
} FlowRule;

/* Kinds whose values depend on nothing but the argument; the others are told apart below. */
static const FlowRule flow_rules[] = {
    {OP_begin, "ids", FLOW_NOTHING, FLOW_IDS},
    {OP_begin, "positions", FLOW_NOTHING, FLOW_POSITIONS},
    {OP_finish, "next", FLOW_NEXT, FLOW_NOTHING},
    {OP_embed, "ids", FLOW_IDS, FLOW_NOTHING},
    {OP_embed, "positions", FLOW_POSITIONS, FLOW_NOTHING},
    {OP_head_norm, "qkv", FLOW_QKV, FLOW_QKV_NORMED},
    {OP_norm_squares, "qkv", FLOW_QKV, FLOW_NOTHING},
    {OP_norm_squares, "out", FLOW_NOTHING, FLOW_SQUARES},
    {OP_norm_scale, "qkv", FLOW_QKV, FLOW_QKV_NORMED},
    {OP_norm_scale, "squares", FLOW_SQUARES, FLOW_NOTHING},
    {OP_clip, "qkv", FLOW_NOTHING, FLOW_QKV_CLIPPED},
    {OP_rope_append, "qkv", FLOW_NOTHING, FLOW_QKV_APPENDED},
    {OP_rope_append, "positions", FLOW_POSITIONS, FLOW_NOTHING},
    {OP_append, "qkv", FLOW_NOTHING, FLOW_QKV_APPENDED},
    {OP_append, "positions", FLOW_POSITIONS, FLOW_NOTHING},
    {OP_attention, "qkv", FLOW_QKV_APPENDED, FLOW_NOTHING},
    {OP_attention, "positions", FLOW_POSITIONS, FLOW_NOTHING},
    {OP_attention, "out", FLOW_NOTHING, FLOW_MIXED},
    {OP_latent_norm, "latent", FLOW_QUERY_LATENT, FLOW_QUERY_LATENT_NORMED},
    {OP_latent_append, "queries", FLOW_QUERIES, FLOW_QUERIES_ROTATED},
    {OP_latent_append, "latent", FLOW_LATENT, FLOW_NOTHING},
    {OP_latent_append, "positions", FLOW_POSITIONS, FLOW_NOTHING},
    {OP_latent_attention, "queries", FLOW_QUERIES_ROTATED, FLOW_NOTHING},
    {OP_latent_attention, "positions", FLOW_POSITIONS, FLOW_NOTHING},
    {OP_latent_attention, "out", FLOW_NOTHING, FLOW_MIXED},
    {OP_route, "in", FLOW_FFN_IN, FLOW_NOTHING},
    {OP_route, "positions", FLOW_POSITIONS, FLOW_NOTHING},
    {OP_route, "choice", FLOW_NOTHING, FLOW_CHOICE},
    {OP_route, "share", FLOW_NOTHING, FLOW_SHARE},
    {OP_capacity, "positions", FLOW_POSITIONS, FLOW_NOTHING},
    {OP_capacity, "choice", FLOW_CHOICE, FLOW_CHOICE_CAPPED},
    {OP_pack, "in", FLOW_FFN_IN, FLOW_NOTHING},
    {OP_pack, "send_rows", FLOW_NOTHING, FLOW_SEND_ROWS},
    {OP_pack, "send_meta", FLOW_NOTHING, FLOW_SEND_META},
    {OP_pack, "send_counts", FLOW_NOTHING, FLOW_SEND_COUNTS},
    {OP_pack, "back", FLOW_NOTHING, FLOW_BACK},
    {OP_pack, "returns", FLOW_NOTHING, FLOW_RETURNS},
    {OP_dispatch, "send_rows", FLOW_SEND_ROWS, FLOW_NOTHING},
    {OP_dispatch, "send_meta", FLOW_SEND_META, FLOW_NOTHING},
    {OP_dispatch, "send_counts", FLOW_SEND_COUNTS, FLOW_NOTHING},
    {OP_dispatch, "recv_rows", FLOW_NOTHING, FLOW_RECV_ROWS},
    {OP_dispatch, "recv_meta", FLOW_NOTHING, FLOW_RECV_META},
    {OP_dispatch, "recv_counts", FLOW_NOTHING, FLOW_RECV_COUNTS},
    {OP_expert_ffn, "out", FLOW_NOTHING, FLOW_RESULTS},
    {OP_expert_ffn, "out_counts", FLOW_NOTHING, FLOW_RESULT_COUNTS},
    {OP_combine, "send_rows", FLOW_RESULTS, FLOW_NOTHING},
    {OP_combine, "send_counts", FLOW_RESULT_COUNTS, FLOW_NOTHING},
    {OP_combine, "recv_rows", FLOW_NOTHING, FLOW_RETURNED},
    {OP_combine, "recv_counts", FLOW_RETURNS, FLOW_NOTHING},
    {OP_weighted_sum, "back", FLOW_BACK, FLOW_NOTHING},
    {OP_weighted_sum, "share", FLOW_SHARE, FLOW_NOTHING},
    {OP_dense_ffn, "in", FLOW_FFN_IN, FLOW_NOTHING},
    {OP_head, "in", FLOW_HEAD_IN, FLOW_NOTHING},
    {OP_head, "positions", FLOW_POSITIONS, FLOW_NOTHING},
    {OP_head, "best", FLOW_NOTHING, FLOW_BEST},
    {OP_choose, "best", FLOW_BEST, FLOW_NOTHING},
    {OP_choose, "next", FLOW_NOTHING, FLOW_NEXT},
};

void check_values_fill(FlowTable *table) {
    memset(table, 0, sizeof *table);
    for (size_t i = 0; i < sizeof flow_rules / sizeof *flow_rules; ++i) {
        int arg = op_arg(flow_rules[i].kind, flow_rules[i].argument);
        table->before[flow_rules[i].kind][arg] = flow_rules[i].before;
        table->after[flow_rules[i].kind][arg] = flow_rules[i].after;
    }
}

const char *check_values_name(int kind) {
    return value_names[kind];
}
