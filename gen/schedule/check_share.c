/* check_share: every operation works on what the plan gives its rank: the rows of its
 * micro-batch, all or owned, where they lie in their buffers; its heads, entries, slots; on
 * buffers of the right class. */
#include "schedule/check_rules.h"

#include <string.h>

/* A micro-batch as one rank sees it. */
typedef struct Share {
    Check *check;
    int64_t rank, step, op;
    const PlanGroup *group; /* NULL: experts only */
    int64_t member;
    int64_t first, cache_first, sequences, tokens;
    Range owned; /* of rows = sequences x tokens */
    Range heads, kv;
    Range layers; /* that the operation works on; empty: outside layers */
} Share;

static Share share_of(Check *check, int64_t rank, int64_t step, int64_t id) {
    const Plan *plan = check->plan;
    int64_t base, m = check_op(check, rank, id)->microbatch, member = 0;
    int64_t parts = plan->steps.items[step].microbatches;
    Share share = {.check = check, .rank = rank, .step = step, .op = id};
    share.tokens = plan->steps.items[step].tokens;
    share.group = check_group(check, rank, &base, NULL);
    if (!share.group)
        return share;
    while (share.group->members.items[member].rank + base != rank)
        ++member;
    int64_t requests = share.group->requests.end - share.group->requests.begin;
    int64_t n = share.group->members.count;
    share.member = member;
    share.cache_first = requests * m / parts;
    share.sequences = requests * (m + 1) / parts - share.cache_first;
    share.first = base / plan->ranks_per_copy * plan_copy_batch(plan) +
                  share.group->requests.begin + share.cache_first;
    int64_t rows = share.sequences * share.tokens;
    share.owned = (Range){rows * member / n, rows * (member + 1) / n};
    share.heads = share.group->members.items[member].heads;
    int64_t each = check->model->heads / check->model->kv_heads;
    share.kv = (Range){share.heads.begin / each, (share.heads.end + each - 1) / each};
    return share;
}

static int64_t length(Range range) {
    return range.end - range.begin;
}

static void refuse_number(const Share *share, const char *name, int64_t has, int64_t expected) {
    check_fail(share->check, CHECK_SHARE, NULL, "%s: %s is %lld, the plan makes it %lld",
               check_where(share->check, share->rank, share->step, (WalkItem){share->op, -1}), name,
               (long long)has, (long long)expected);
}

/* --- numbers
 * ------------------------------------------------------------------------------------------ */

static Range entries_of(const Share *share, OpKind kind) {
    const Plan *plan = share->check->plan;
    int64_t local = share->rank % plan->ranks_per_copy;
    const PlanVocabulary *items = kind == OP_embed ? plan->embedding.items : plan->head.items;
    int64_t count = kind == OP_embed ? plan->embedding.count : plan->head.count;
    for (int64_t i = 0; i < count; ++i)
        if (items[i].rank == local)
            return items[i].entries;
    return (Range){0, 0};
}

static int64_t widest_slot(const Share *share) {
    const RankSchedule *rank = &share->check->schedule->ranks[share->rank];
    int64_t widest = 0;
    for (int64_t i = 0; i < rank->holdings.count; ++i)
        if (rank->holdings.items[i].tensor == TENSOR_EXPERT_UP &&
            length(rank->holdings.items[i].rows) > widest)
            widest = length(rank->holdings.items[i].rows);
    return widest;
}

/* The first tensor that a weight buffer holds: query where keys and values follow; -1: nothing is loaded. */
static int64_t tensor_in(const Share *share, int64_t buffer) {
    const RankSchedule *rank = &share->check->schedule->ranks[share->rank];
    for (int64_t i = 0; i < rank->holdings.count; ++i)
        if (rank->holdings.items[i].buffer == buffer)
            return rank->holdings.items[i].tensor;
    return -1;
}

/* Of a projection, by the tensor that it multiplies with and the heads of this rank. */
static int64_t linear_size(const Share *share, const Op *op, const char *name) {
    const Model *model = share->check->model;
    int64_t rows, columns, heads = length(share->heads);
    int64_t tensor = tensor_in(share, check_arg(op, "weight"));
    bool in = strcmp(name, "inputs") == 0;
    if (tensor < 0)
        return -1;
    model_tensor_shape(model, (TensorKind)tensor, &rows, &columns);
    if (tensor == TENSOR_OUTPUT)
        return in ? heads * model->value_dim : rows;
    if (tensor == TENSOR_QUERY) {
        rows = heads * model->head_dim;
        rows += model_is_latent(model) ? 0 : 2 * length(share->kv) * model->head_dim;
    }
    return in ? columns : rows;
}

/* The columns of a dense or shared feed-forward that the plan gives the rank; its first layer tells which. */
static int64_t ffn_columns(const Share *share, const Op *op) {
    const PlanStage *stage = check_stage(share->check, share->rank);
    int64_t tensor = tensor_in(share, check_arg(op, "up"));
    int64_t kind = tensor == TENSOR_DENSE_UP ? FFN_DENSE : FFN_SHARED;
    for (int64_t i = 0; stage && i < stage->ffn.count; ++i)
        if (stage->ffn.items[i].rank == share->rank % share->check->plan->ranks_per_copy &&
            stage->ffn.items[i].kind == kind)
            return length(stage->ffn.items[i].columns);
    return 0;
}

/* A rank that serves itself alone routes all rows; one that sends to others, those that it owns. */
static bool routes_all(const Share *share, const Op *op) {
    int64_t exchange = check_exchange_of(share->check, share->rank, share->step, op->microbatch);
    return exchange >= 0 && share->check->schedule->exchanges.items[exchange].local;
}

/* All rows, or the owned ones where the operation may work on these: in routing as the exchange says. */
static int64_t rows_of(const Share *share, const Op *op) {
    int64_t all = share->sequences * share->tokens;
    bool routing = op->kind == OP_route || op->kind == OP_pack || op->kind == OP_weighted_sum;
    if (routing && routes_all(share, op))
        return all;
    bool either = op->kind == OP_embed || op->kind == OP_rms_norm || op->kind == OP_layer_norm ||
                  op->kind == OP_add;
    if (routing || (either && check_arg(op, "rows") == length(share->owned)))
        return length(share->owned);
    return all;
}

/* The window of a layer that has another one than `has`, or that. */
static int64_t window_of(const Share *share, int64_t has) {
    for (int64_t layer = share->layers.begin; layer < share->layers.end; ++layer)
        if (model_window(share->check->model, layer) != has)
            return model_window(share->check->model, layer);
    return has;
}

/* Key heads that count with this rank: those whose first query head it has. */
static Range counted_keys(const Share *share) {
    int64_t each = share->check->model->heads / share->check->model->kv_heads;
    return (Range){(share->heads.begin + each - 1) / each, (share->heads.end + each - 1) / each};
}

/* The element type of a collective: sums of squares are in float32. */
static int64_t collective_type(const Share *share, const Op *op) {
    bool squares = share->check->schedule->channels.items[op->channel].move == MOVE_NORM;
    return squares ? ELEMENT_F32 : share->check->plan->inputs.workload.dtype;
}

static int64_t exchange_expected(const Share *share, const Op *op) {
    return check_exchange_of(share->check, share->rank, share->step, op->microbatch);
}

/* Who has candidates for the next token: all members if one of them has not the whole vocabulary. */
static int64_t candidates(const Share *share) {
    const Plan *plan = share->check->plan;
    for (int64_t m = 0; m < share->group->members.count; ++m)
        for (int64_t i = 0; i < plan->head.count; ++i)
            if (plan->head.items[i].rank == share->group->members.items[m].rank &&
                length(plan->head.items[i].entries) < share->check->model->vocabulary)
                return share->group->members.count;
    return 1;
}

/* The part of what all tokens pass that the plan puts among the rank's experts, or NULL. */
static const PlanExpert *served_part(const Share *share) {
    const PlanStage *stage = check_stage(share->check, share->rank);
    const Plan *plan = share->check->plan;
    for (int64_t i = 0; stage && i < stage->experts.count; ++i)
        if (stage->experts.items[i].rank == share->rank % plan->ranks_per_copy &&
            stage->experts.items[i].expert == plan_shared_expert(plan))
            return &stage->experts.items[i];
    return NULL;
}

static bool is_shared(const Share *share, const Op *op) {
    return tensor_in(share, check_arg(op, "up")) == TENSOR_SHARED_UP;
}

static int64_t slot_columns(const Share *share, const Op *op) {
    const PlanExpert *part = served_part(share);
    if (!is_shared(share, op))
        return widest_slot(share);
    return part ? length(part->columns) : 0;
}

/* Slots of experts, then the one of what all tokens pass. */
static int64_t slots_of(const Share *share, const Op *op, const char *name) {
    const Exchange *exchange = &share->check->schedule->exchanges.items[check_arg(op, "exchange")];
    int64_t target = check_target(exchange, share->rank);
    int64_t held = target < 0 ? 0 : exchange->targets.items[target].slots;
    int64_t routed = held - (served_part(share) != NULL);
    if (strcmp(name, "held") == 0)
        return held;
    if (strcmp(name, "first") == 0)
        return is_shared(share, op) ? routed : 0;
    return is_shared(share, op) ? 1 : routed;
}

/* What the plan makes a number, or its own value where the plan does not say. */
static int64_t expected(const Share *share, const Op *op, const char *name, int64_t has) {
    const struct {
        const char *name;
        int64_t value;
    } simple[] = {{"sequences", share->sequences},
                  {"tokens", share->tokens},
                  {"first", share->first},
                  {"cache_first", share->cache_first},
                  {"heads", length(share->heads)},
                  {"head_begin", share->heads.begin},
                  {"kv_heads", length(share->kv)},
                  {"kv_begin", share->kv.begin},
                  {"window", window_of(share, has)},
                  {"key_first", counted_keys(share).begin - share->kv.begin},
                  {"key_count", length(counted_keys(share))},
                  {"candidates", share->check->plan->inputs.workload.candidates}};
    if (op->kind == OP_expert_ffn && strcmp(name, "first") == 0)
        return slots_of(share, op, name);
    for (size_t i = 0; i < sizeof simple / sizeof *simple; ++i)
        if (strcmp(name, simple[i].name) == 0)
            return simple[i].value;
    if (strcmp(name, "rows") == 0)
        return rows_of(share, op);
    if (strcmp(name, "inputs") == 0 || strcmp(name, "outputs") == 0)
        return linear_size(share, op, name);
    if (strcmp(name, "entries") == 0)
        return length(entries_of(share, (OpKind)op->kind));
    if (strcmp(name, "entry_begin") == 0)
        return entries_of(share, (OpKind)op->kind).begin;
    if (strcmp(name, "members") == 0)
        return share->group ? candidates(share) : 0;
    if (strcmp(name, "width") == 0)
        return share->check->model->q_latent;
    if (strcmp(name, "expanded") == 0)
        return has != 0; /* the cost model decides */
    if (strcmp(name, "exchange") == 0)
        return exchange_expected(share, op);
    if (strcmp(name, "columns") == 0)
        return op->kind == OP_dense_ffn ? ffn_columns(share, op) : slot_columns(share, op);
    if (strcmp(name, "slots") == 0 || strcmp(name, "held") == 0)
        return slots_of(share, op, name);
    if (strcmp(name, "bound") == 0)
        return share->check->exchanges[check_arg(op, "exchange")].rows;
    return has;
}

/* --- where in the buffer
 * ------------------------------------------------------------------------------ */

static BufferClass class_of(const char *name, bool weight, BufferClass has) {
    if (strcmp(name, "workspace") == 0 || strncmp(name, "relay_", strlen("relay_")) == 0)
        return BUFFER_WORKSPACE;
    if (strcmp(name, "keys") == 0 || strcmp(name, "values") == 0 || strcmp(name, "latents") == 0)
        return BUFFER_STATE;
    if (weight)
        return BUFFER_WEIGHT;
    return has == BUFFER_ACTIVATION || has == BUFFER_WINDOW ? has : BUFFER_ACTIVATION;
}

/* Bytes into a buffer at which an argument must begin: rows where they lie among all rows, a
 * member's candidates behind those of the members before; -1 where coverage.loaded decides. */
static int64_t delta_of(const Share *share, const Op *op, const Buffer *buffer, int64_t bytes) {
    if (buffer->class == BUFFER_WEIGHT || op_info[op->kind].class == OPCLASS_PAIR)
        return -1; /* coverage.loaded decides, or the two ends together */
    if (bytes == buffer->bytes || op_info[op->kind].class != OPCLASS_KERNEL ||
        buffer->class == BUFFER_WORKSPACE || buffer->class == BUFFER_STATE)
        return 0;
    if (op->kind == OP_head)
        return share->member * bytes;
    int64_t rows = 0;
    for (int i = 0; i < OP_ARGS && op_info[op->kind].args[i].type != ARG_NONE; ++i)
        if (strcmp(op_info[op->kind].args[i].name, "rows") == 0)
            rows = op->args[i].value;
    return rows > 0 && rows == length(share->owned) ? share->owned.begin * (bytes / rows) : 0;
}

static void check_buffer(const Share *share, const Op *op, int arg) {
    Check *check = share->check;
    const OpArg *info = &op_info[op->kind].args[arg];
    const Buffer *buffer = &check->schedule->ranks[share->rank].buffers.items[op->args[arg].value];
    bool weight = check_weight_tensor(op, info->name, 0) >= 0;
    BufferClass has = (BufferClass)buffer->class;
    if (class_of(info->name, weight, has) != has) {
        check_fail(check, CHECK_SHARE, NULL, "%s: argument %s is %s buffer %s",
                   check_where(check, share->rank, share->step, (WalkItem){share->op, -1}),
                   info->name, buffer_class_names[has], buffer->name);
        return;
    }
    int64_t bytes = check_argument_bytes(check, share->rank, share->step, op, arg);
    int64_t delta = delta_of(share, op, buffer, bytes);
    if (bytes > 0 && delta >= 0 && delta != op->args[arg].delta)
        check_fail(check, CHECK_SHARE, NULL,
                   "%s: argument %s begins at byte %lld of %s, its rows at %lld",
                   check_where(check, share->rank, share->step, (WalkItem){share->op, -1}),
                   info->name, (long long)op->args[arg].delta, buffer->name, (long long)delta);
}

static void check_op_share(Check *check, int64_t rank, int64_t step, int64_t id, Range layers) {
    const Op *op = check_op(check, rank, id);
    Share share = share_of(check, rank, step, id);
    if (op->per_layer)
        share.layers = (Range){layers.begin - op->lag, layers.end - op->lag};
    bool move = walk_is_move(op);
    for (int a = 0; a < OP_ARGS && op_info[op->kind].args[a].type != ARG_NONE; ++a) {
        const OpArg *info = &op_info[op->kind].args[a];
        check_count(check, CHECK_SHARE, 1);
        if (info->type != ARG_INT) {
            if (op->args[a].value >= 0)
                check_buffer(&share, op, a);
            continue;
        }
        int64_t has = op->args[a].value;
        int64_t should = move ? has : expected(&share, op, info->name, has);
        if (op_info[op->kind].class == OPCLASS_COLLECTIVE && strcmp(info->name, "type") == 0)
            should = collective_type(&share, op);
        if (has != should)
            refuse_number(&share, info->name, has, should);
    }
}

void check_shares(Check *check) {
    for (int64_t r = 0; r < check->schedule->world; ++r) {
        const RankSchedule *rank = &check->schedule->ranks[r];
        for (int64_t s = 0; s < check->plan->steps.count; ++s)
            for (int64_t g = 0; g < rank->steps[s].segments.count; ++g) {
                const Segment *segment = &rank->steps[s].segments.items[g];
                for (int64_t i = segment->first; i < segment->first + segment->count; ++i)
                    check_op_share(check, r, s, i, segment->layers);
            }
    }
}
