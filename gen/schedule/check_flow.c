/* check_flow: every operation reads what the model's layer gives it. Values have a kind (normed for attention,
 * projected, chosen experts, ...), known by which operation made them with which weights; the residual stream knows
 * how far it has come. So an operation that is left out, doubled or out of place shows even where all layers and ranks
 * agree, as do arguments of one shape in each other's place. The ranks of a role do the same (shape.roles), so that
 * the first one stands for all; a loop is followed until it repeats itself. */
#include "schedule/check_rules.h"
#include "schedule/check_values.h"

#include <string.h>

/* What has been added to the residual in its layer. */
enum { TERM_ATTENTION = 1, TERM_DENSE = 2, TERM_SHARED = 4, TERM_EXPERTS = 8 };

typedef struct Flow {
    int kind;      /* FlowKind */
    int terms;     /* of a residual: added in `layer` */
    int64_t layer; /* of a residual: that it has come to; before the first of the stage: one less */
} Flow;

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

/* --- refusals ----------------------------------------------------------------------------------------- */

static const char *told(const FlowRank *at, const Flow *flow) {
    if (flow->kind != FLOW_RESIDUAL)
        return check_values_name(flow->kind);
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
        refuse(at, item, arg, check_values_name(kind));
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
                refuse(at, item, a, check_values_name(caches[i].kind));
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
            refuse(at, item, a, check_values_name(before[a]));
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
    check_values_fill(&table);
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
