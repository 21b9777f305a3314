/* check_flow: every operation reads what the model's layer gives it. Values have a kind (normed for attention,
 * projected, chosen experts, ...), known by which operation made them with which weights; the residual stream knows
 * how far it has come. So an operation that is left out, doubled or out of place shows even where all layers and ranks
 * agree, as do arguments of one shape in each other's place. The ranks of a role do the same (shape.roles), so that
 * the first one stands for all; a loop is followed until it repeats itself. */
#include "schedule/check_rules.h"

#include <string.h>

#define VALUES(V)                                                                                  \
    V(NOTHING, "nothing")                                                                          \
    V(IDS, "token ids")                                                                            \
    V(POSITIONS, "positions")                                                                      \
    V(RESIDUAL, "the residual")                                                                    \
    V(ATTENTION_IN, "rows normed for attention")                                                   \
    V(FFN_IN, "rows normed for experts and feed-forwards")                                         \
    V(HEAD_IN, "rows normed for the head")                                                         \
    V(QUERY_LATENT, "latents of queries")                                                          \
    V(QUERY_LATENT_NORMED, "normed latents of queries")                                            \
    V(QUERIES, "queries")                                                                          \
    V(QUERIES_ROTATED, "rotated queries")                                                          \
    V(QKV, "queries, keys and values")                                                             \
    V(QKV_NORMED, "normed queries and keys, and values")                                           \
    V(QKV_CLIPPED, "queries, keys and values within their limits")                                 \
    V(SQUARES, "sums of squares of queries and keys")                                              \
    V(QKV_APPENDED, "queries, keys and values that are in the cache")                              \
    V(LATENT, "latents of keys and values")                                                        \
    V(MIXED, "the result of attention")                                                            \
    V(PROJECTED, "the output projection")                                                          \
    V(CHOICE, "chosen experts")                                                                    \
    V(CHOICE_CAPPED, "chosen experts within capacity")                                             \
    V(SHARE, "weights of the choices")                                                             \
    V(SEND_ROWS, "packed rows")                                                                    \
    V(SEND_META, "slots of packed rows")                                                           \
    V(SEND_COUNTS, "counts of packed rows")                                                        \
    V(BACK, "where results come back")                                                             \
    V(RETURNS, "counts of what comes back")                                                        \
    V(RECV_ROWS, "rows of others")                                                                 \
    V(RECV_META, "slots of rows of others")                                                        \
    V(RECV_COUNTS, "counts of rows of others")                                                     \
    V(RESULTS, "results of experts")                                                               \
    V(RESULT_COUNTS, "counts of results")                                                          \
    V(RETURNED, "results that came back")                                                          \
    V(DENSE_OUT, "the dense feed-forward")                                                         \
    V(SHARED_OUT, "the feed-forward beside the experts")                                           \
    V(EXPERTS_OUT, "the sum over experts")                                                         \
    V(BEST, "best entries")                                                                        \
    V(NEXT, "chosen tokens")                                                                       \
    V(KEYS, "cached keys")                                                                         \
    V(CACHED_VALUES, "cached values")                                                              \
    V(LATENTS, "cached latents")

typedef enum FlowKind {
#define V(id, text) FLOW_##id,
    VALUES(V)
#undef V
        FLOW_KINDS,
} FlowKind;

static const char *const value_names[FLOW_KINDS] = {
#define V(id, text) text,
    VALUES(V)
#undef V
};

/* What has been added to the residual in its layer. */
enum { TERM_ATTENTION = 1, TERM_DENSE = 2, TERM_SHARED = 4, TERM_EXPERTS = 8 };

typedef struct Flow {
    int kind;  /* FlowKind */
    int terms; /* of a residual: added in `layer` */
    int64_t
        layer; /* of a residual: that it has come to; the one before the first: -1 or the stage's */
} Flow;

/* What an argument must hold before, and holds after. */
typedef struct FlowRule {
    OpKind kind;
    const char *argument;
    int before, after; /* FlowKind; NOTHING: whatever, unchanged */
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

typedef struct FlowRank {
    Check *check;
    const RankSchedule *rank;
    const PlanStage *stage;
    int64_t step;
    Flow *flows;      /* [buffers] */
    int64_t *tensors; /* [buffers] the first tensor in a weight buffer, -1: none */
    int *caches;      /* [buffers] what a state buffer is for, over all steps */
    int *moved;       /* [ops] what a collective moves */
} FlowRank;

/* Rules by kind and argument, looked up once. */
typedef struct FlowTable {
    int before[OP_KINDS][OP_ARGS], after[OP_KINDS][OP_ARGS];
} FlowTable;

static void fill_table(FlowTable *table) {
    memset(table, 0, sizeof *table);
    for (size_t i = 0; i < sizeof flow_rules / sizeof *flow_rules; ++i) {
        int arg = op_arg(flow_rules[i].kind, flow_rules[i].argument);
        table->before[flow_rules[i].kind][arg] = flow_rules[i].before;
        table->after[flow_rules[i].kind][arg] = flow_rules[i].after;
    }
}

const char *check_flow_name(int moved) {
    return value_names[moved];
}

/* --- refusals ----------------------------------------------------------------------------------------- */

static const char *told(const FlowRank *at, const Flow *flow) {
    if (flow->kind != FLOW_RESIDUAL)
        return value_names[flow->kind];
    return arena_printf(at->check->scratch, "the residual%s%s%s%s of layer %lld",
                        flow->terms ? " with" : " before anything",
                        flow->terms & TERM_ATTENTION ? " attention" : "",
                        flow->terms & (TERM_DENSE | TERM_SHARED) ? " feed-forward" : "",
                        flow->terms & TERM_EXPERTS ? " experts" : "", (long long)flow->layer);
}

static void refuse(const FlowRank *at, WalkItem item, int arg, const char *wanted) {
    const Op *op = &at->rank->ops.items[item.op];
    int64_t buffer = op->args[arg].value;
    check_fail(at->check, CHECK_FLOW, NULL, "%s takes %s for %s: it holds %s, not %s",
               check_where(at->check, at->rank->rank, at->step, item),
               at->rank->buffers.items[buffer].name, op_info[op->kind].args[arg].name,
               told(at, &at->flows[buffer]), wanted);
}

/* --- the residual ------------------------------------------------------------------------------------- */

static int all_terms(const FlowRank *at, int64_t layer) {
    if (model_is_dense(at->check->model, layer))
        return TERM_ATTENTION | TERM_DENSE;
    bool beside = at->check->model->shared_hidden && !check_serves_shared(at->check);
    return TERM_ATTENTION | TERM_EXPERTS | (beside ? TERM_SHARED : 0);
}

/* Has it all of the layers before `layer`, and nothing of that one? */
static bool comes_to(const FlowRank *at, const Flow *flow, int64_t layer) {
    if (flow->kind != FLOW_RESIDUAL || flow->layer != layer - 1)
        return false;
    return layer == at->stage->layers.begin ? flow->terms == 0
                                            : flow->terms == all_terms(at, layer - 1);
}

static void expect_residual(const FlowRank *at, WalkItem item, int arg, int64_t layer) {
    const Op *op = &at->rank->ops.items[item.op];
    if (!comes_to(at, &at->flows[op->args[arg].value], layer))
        refuse(at, item, arg, "the residual with all of the layers before");
}

/* With attention of this layer, and without `term`. */
static void add_term(const FlowRank *at, WalkItem item, int arg, int term) {
    Flow *flow = &at->flows[at->rank->ops.items[item.op].args[arg].value];
    bool first = term == TERM_ATTENTION;
    bool good = first ? comes_to(at, flow, item.layer)
                      : flow->kind == FLOW_RESIDUAL && flow->layer == item.layer &&
                            (flow->terms & TERM_ATTENTION) && !(flow->terms & term);
    if (!good)
        refuse(at, item, arg,
               first ? "the residual with all of the layers before"
                     : "the residual with attention of its layer, and without this");
    *flow = (Flow){FLOW_RESIDUAL, first ? term : flow->terms | term, item.layer};
}

/* --- operations that are told apart by their weights ----------------------------------------------------- */

static int64_t tensor_of(const FlowRank *at, const Op *op, const char *argument) {
    int64_t buffer = check_arg(op, argument);
    return buffer < 0 ? -1 : at->tensors[buffer];
}

static void expect(const FlowRank *at, WalkItem item, const char *argument, int kind) {
    const Op *op = &at->rank->ops.items[item.op];
    int arg = op_arg((OpKind)op->kind, argument);
    if (op->args[arg].value >= 0 && at->flows[op->args[arg].value].kind != kind)
        refuse(at, item, arg, value_names[kind]);
}

static void make(const FlowRank *at, const Op *op, const char *argument, int kind) {
    int64_t buffer = check_arg(op, argument);
    if (buffer >= 0)
        at->flows[buffer] = (Flow){.kind = kind};
}

static void flow_norm(const FlowRank *at, WalkItem item, const Op *op) {
    int64_t tensor = tensor_of(at, op, "weight");
    int in = op_arg((OpKind)op->kind, "in");
    const Flow *flow = &at->flows[op->args[in].value];
    if (tensor == TENSOR_ATTENTION_NORM) {
        expect_residual(at, item, in, item.layer);
    } else if (tensor == TENSOR_FINAL_NORM) {
        expect_residual(at, item, in, at->check->model->layers);
    } else if (flow->kind != FLOW_RESIDUAL || flow->layer != item.layer ||
               flow->terms != TERM_ATTENTION) {
        refuse(at, item, in, "the residual with attention of its layer alone");
    }
    make(at, op, "out",
         tensor == TENSOR_ATTENTION_NORM ? FLOW_ATTENTION_IN
         : tensor == TENSOR_FINAL_NORM   ? FLOW_HEAD_IN
                                         : FLOW_FFN_IN);
}

static void flow_linear(const FlowRank *at, WalkItem item, const Op *op) {
    int64_t tensor = tensor_of(at, op, "weight");
    const Model *model = at->check->model;
    int from = FLOW_ATTENTION_IN, to = FLOW_QKV;
    if (tensor == TENSOR_OUTPUT) {
        from = FLOW_MIXED;
        to = FLOW_PROJECTED;
    } else if (tensor == TENSOR_QUERY_DOWN) {
        to = FLOW_QUERY_LATENT;
    } else if (tensor == TENSOR_LATENT) {
        to = FLOW_LATENT;
    } else if (model_is_latent(model)) {
        from = model->q_latent ? FLOW_QUERY_LATENT_NORMED : FLOW_ATTENTION_IN;
        to = FLOW_QUERIES;
    }
    expect(at, item, "in", from);
    make(at, op, "out", to);
}

static void flow_add(const FlowRank *at, WalkItem item, const Op *op) {
    static const int terms[FLOW_KINDS] = {[FLOW_PROJECTED] = TERM_ATTENTION,
                                          [FLOW_DENSE_OUT] = TERM_DENSE,
                                          [FLOW_SHARED_OUT] = TERM_SHARED,
                                          [FLOW_EXPERTS_OUT] = TERM_EXPERTS};
    int in = op_arg(OP_add, "in"), term = terms[at->flows[op->args[in].value].kind];
    if (term == 0)
        refuse(at, item, in, "what attention, experts or a feed-forward give");
    else
        add_term(at, item, op_arg(OP_add, "out"), term);
}

static void flow_weighted_sum(const FlowRank *at, WalkItem item, const Op *op) {
    int64_t exchange = check_exchange_of(at->check, at->rank->rank, at->step, op->microbatch);
    bool local = exchange >= 0 && at->check->schedule->exchanges.items[exchange].local;
    int base = op_arg(OP_weighted_sum, "base"), out = op_arg(OP_weighted_sum, "out");
    expect(at, item, "returned", local ? FLOW_RESULTS : FLOW_RETURNED);
    if (op->args[base].value < 0) {
        make(at, op, "out", FLOW_EXPERTS_OUT);
        return;
    }
    add_term(at, item, base, TERM_EXPERTS);
    at->flows[op->args[out].value] = at->flows[op->args[base].value];
}

static void flow_experts(const FlowRank *at, WalkItem item, const Op *op) {
    bool local = at->check->schedule->exchanges.items[check_arg(op, "exchange")].local;
    expect(at, item, "in", local ? FLOW_SEND_ROWS : FLOW_RECV_ROWS);
    expect(at, item, "meta", local ? FLOW_SEND_META : FLOW_RECV_META);
    expect(at, item, "counts", local ? FLOW_SEND_COUNTS : FLOW_RECV_COUNTS);
}

/* Rows as they come to a stage, or chosen tokens. */
static void flow_pair(const FlowRank *at, WalkItem item, const Op *op) {
    int buffer = op_arg((OpKind)op->kind, "buffer");
    if (op->part == PART_TOKENS && op->kind == OP_send)
        expect(at, item, "buffer", FLOW_NEXT);
    else if (op->part == PART_TOKENS)
        make(at, op, "buffer", FLOW_NEXT);
    else if (op->kind == OP_send)
        expect_residual(at, item, buffer, at->stage->layers.end);
    else
        at->flows[op->args[buffer].value] = (Flow){FLOW_RESIDUAL, 0, at->stage->layers.begin - 1};
}

/* Queries, keys and values are normed, then clipped, where the model does so; then they go to the cache. */
static void flow_qkv(const FlowRank *at, WalkItem item, const Op *op) {
    const Model *model = at->check->model;
    int normed = model->qk_norm == QK_NORM_NONE ? FLOW_QKV : FLOW_QKV_NORMED;
    bool clipped = op->kind != OP_clip && model->qkv_clip > 0;
    expect(at, item, "qkv", clipped ? FLOW_QKV_CLIPPED : normed);
}

static void flow_pack(const FlowRank *at, WalkItem item) {
    bool capped = at->check->model->capacity_factor > 0 &&
                  at->check->plan->steps.items[at->step].phase == PHASE_PREFILL;
    expect(at, item, "choice", capped ? FLOW_CHOICE_CAPPED : FLOW_CHOICE);
}

/* A state buffer is for one thing, in all operations and steps. */
static void flow_caches(const FlowRank *at, WalkItem item, const Op *op) {
    static const struct {
        const char *argument;
        int kind;
    } caches[] = {{"keys", FLOW_KEYS}, {"values", FLOW_CACHED_VALUES}, {"latents", FLOW_LATENTS}};
    const OpArg *args = op_info[op->kind].args;
    for (int a = 0; a < OP_ARGS && args[a].type != ARG_NONE; ++a)
        for (size_t i = 0; args[a].type != ARG_INT && op->args[a].value >= 0 &&
                           i < sizeof caches / sizeof *caches;
             ++i) {
            int *is = &at->caches[op->args[a].value];
            if (strcmp(args[a].name, caches[i].argument) != 0)
                continue;
            if (*is != FLOW_NOTHING && *is != caches[i].kind) {
                at->flows[op->args[a].value].kind = *is;
                refuse(at, item, a, value_names[caches[i].kind]);
            }
            *is = caches[i].kind;
        }
}

/* What a move may move, by its kind; gathers bring rows of any sort, equal in all members (check_moves). */
static void flow_collective(const FlowRank *at, WalkItem item, const Op *op) {
    static const int gathered[] = {FLOW_RESIDUAL, FLOW_ATTENTION_IN, FLOW_FFN_IN,
                                   FLOW_HEAD_IN,  FLOW_CHOICE,       FLOW_BEST};
    static const int summed[] = {FLOW_DENSE_OUT, FLOW_SHARED_OUT, FLOW_EXPERTS_OUT};
    static const int projected[] = {FLOW_PROJECTED}, embedded[] = {FLOW_RESIDUAL};
    static const int squares[] = {FLOW_SQUARES};
    const struct {
        const int *kinds;
        size_t count;
    } moves[] = {[MOVE_ATTENTION_OUTPUT] = {projected, 1},
                 [MOVE_GATHER] = {gathered, sizeof gathered / sizeof *gathered},
                 [MOVE_EMBEDDING] = {embedded, 1},
                 [MOVE_FFN_OUTPUT] = {summed, sizeof summed / sizeof *summed},
                 [MOVE_NORM] = {squares, 1},
                 [MOVE_HANDOVER] = {NULL, 0}};
    int64_t move = at->check->schedule->channels.items[op->channel].move;
    int buffer = op_arg((OpKind)op->kind, "buffer");
    int kind = at->flows[op->args[buffer].value].kind;
    bool found = false;
    for (size_t i = 0; i < moves[move].count; ++i)
        found = found || moves[move].kinds[i] == kind;
    at->moved[item.op] = kind;
    if (!found)
        refuse(at, item, buffer,
               arena_printf(at->check->scratch, "what is moved as %s", plan_move_names[move]));
}

static void flow_op(const FlowRank *at, const FlowTable *table, WalkItem item) {
    const Op *op = &at->rank->ops.items[item.op];
    const OpArg *args = op_info[op->kind].args;
    const int *before = table->before[op->kind], *after = table->after[op->kind];
    for (int a = 0; a < OP_ARGS && args[a].type != ARG_NONE; ++a)
        if (before[a] != FLOW_NOTHING && op->args[a].value >= 0 &&
            at->flows[op->args[a].value].kind != before[a])
            refuse(at, item, a, value_names[before[a]]);
    check_count(at->check, CHECK_FLOW, 1);
    switch ((OpKind)op->kind) {
    case OP_rms_norm:
    case OP_layer_norm:
        flow_norm(at, item, op);
        break;
    case OP_linear:
        flow_linear(at, item, op);
        break;
    case OP_clip:
    case OP_append:
    case OP_rope_append:
        flow_qkv(at, item, op);
        break;
    case OP_add:
        flow_add(at, item, op);
        break;
    case OP_embed:
        at->flows[check_arg(op, "out")] = (Flow){FLOW_RESIDUAL, 0, at->stage->layers.begin - 1};
        break;
    case OP_dense_ffn:
        make(at, op, "out",
             tensor_of(at, op, "up") == TENSOR_DENSE_UP ? FLOW_DENSE_OUT : FLOW_SHARED_OUT);
        break;
    case OP_weighted_sum:
        flow_weighted_sum(at, item, op);
        break;
    case OP_expert_ffn:
        flow_experts(at, item, op);
        break;
    case OP_pack:
        flow_pack(at, item);
        break;
    case OP_send:
    case OP_recv:
        flow_pair(at, item, op);
        break;
    default:
        break;
    }
    if (op_info[op->kind].class == OPCLASS_COLLECTIVE)
        flow_collective(at, item, op);
    flow_caches(at, item, op);
    for (int a = 0; a < OP_ARGS && args[a].type != ARG_NONE; ++a)
        if (after[a] != FLOW_NOTHING && op->args[a].value >= 0)
            at->flows[op->args[a].value] = (Flow){.kind = after[a]};
}

/* --- walking ------------------------------------------------------------------------------------------ */

/* All buffers as they are `by` layers on: a round of a loop that leaves them so is like all that follow. */
static bool repeats(const FlowRank *at, const Flow *last) {
    for (int64_t b = 0; b < at->rank->buffers.count; ++b) {
        const Flow *now = &at->flows[b];
        if (now->kind != last[b].kind || now->terms != last[b].terms ||
            (now->kind == FLOW_RESIDUAL && now->layer != last[b].layer + 1))
            return false;
    }
    return true;
}

static void flow_segment(FlowRank *at, const FlowTable *table, const Segment *segment) {
    Check *check = at->check;
    size_t bytes = (size_t)at->rank->buffers.count * sizeof(Flow);
    Flow *last = ARENA_ARRAY(check->scratch, at->rank->buffers.count + 1, Flow);
    for (int64_t layer = segment->layers.begin; layer < segment->layers.end; ++layer) {
        bool inner = layer > segment->layers.begin && layer + 1 < segment->layers.end;
        if (inner && repeats(at, last)) {
            int64_t skipped = segment->layers.end - 1 - layer;
            for (int64_t b = 0; b < at->rank->buffers.count; ++b)
                at->flows[b].layer += at->flows[b].kind == FLOW_RESIDUAL ? skipped : 0;
            layer += skipped;
        }
        memcpy(last, at->flows, bytes);
        for (int64_t i = segment->first; i < segment->first + segment->count; ++i)
            flow_op(at, table, (WalkItem){i, op_layer(&at->rank->ops.items[i], layer)});
    }
}

static void flow_rank(Check *check, const FlowTable *table, int64_t index, int *moved) {
    const RankSchedule *rank = &check->schedule->ranks[index];
    FlowRank at = {
        .check = check, .rank = rank, .stage = check_stage(check, index), .moved = moved};
    if (!at.stage)
        return; /* coverage.work refuses it */
    ArenaMark mark = arena_mark(check->scratch);
    at.tensors = ARENA_ARRAY(check->scratch, rank->buffers.count + 1, int64_t);
    at.caches = ARENA_ARRAY(check->scratch, rank->buffers.count + 1, int);
    memset(at.tensors, 0xff, (size_t)rank->buffers.count * sizeof *at.tensors);
    for (int64_t i = rank->holdings.count - 1; i >= 0; --i)
        at.tensors[rank->holdings.items[i].buffer] = rank->holdings.items[i].tensor;
    for (at.step = 0; at.step < check->plan->steps.count; ++at.step) {
        at.flows = ARENA_ARRAY(check->scratch, rank->buffers.count + 1, Flow);
        for (int64_t g = 0; g < rank->steps[at.step].segments.count; ++g)
            flow_segment(&at, table, &rank->steps[at.step].segments.items[g]);
    }
    arena_rewind(check->scratch, mark);
}

void check_flow(Check *check) {
    FlowTable table;
    fill_table(&table);
    check->moved = ARENA_ARRAY(check->scratch, check->schedule->roles.count, int *);
    for (int64_t i = 0; i < check->schedule->roles.count; ++i) {
        int64_t rank = check->schedule->roles.items[i].ranks.items[0];
        int64_t ops = check->schedule->ranks[rank].ops.count;
        for (int64_t r = 1; r < check->schedule->roles.items[i].ranks.count; ++r) {
            int64_t more =
                check->schedule->ranks[check->schedule->roles.items[i].ranks.items[r]].ops.count;
            ops = more > ops ? more : ops; /* shape.roles refuses it, other rules still look */
        }
        check->moved[i] = ARENA_ARRAY(check->scratch, ops + 1, int);
        flow_rank(check, &table, rank, check->moved[i]);
    }
}
