/* check_extent: how many bytes each argument of an operation touches at most. Follows the shapes
 * that ops.def states; routed windows count at their bounds, so that what holds here holds for
 * every routing. */
#include "schedule/check_rules.h"
#include "schedule/workspace.h"

#include <string.h>

static int64_t min_of(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Sizes that an operation's shapes are made of; 0 where it has no such argument. */
typedef struct Sizes {
    int64_t element, hidden, head, top_k, experts, context, max_positions, parts;
    int64_t rows, sequences, inputs, outputs, heads, kv_heads, cache_first, entries, members, told;
    int64_t slots, columns;
    int64_t value, plain, latent, entry; /* widths of latent attention */
} Sizes;

static int64_t number(const Op *op, const char *name) {
    for (int i = 0; i < OP_ARGS && op_info[op->kind].args[i].type != ARG_NONE; ++i)
        if (op_info[op->kind].args[i].type == ARG_INT &&
            strcmp(op_info[op->kind].args[i].name, name) == 0)
            return op->args[i].value;
    return 0;
}

static Sizes sizes_of(const Check *check, const Op *op) {
    const Model *model = check->model;
    Sizes s = {.element = check->element,
               .hidden = model->hidden,
               .head = model->head_dim,
               .top_k = check->schedule->top_k,
               .experts = model->experts,
               .context = check->plan->inputs.workload.context,
               .max_positions = model->max_positions,
               .parts = check->schedule->parts,
               .rows = number(op, "rows"),
               .sequences = number(op, "sequences"),
               .inputs = number(op, "inputs"),
               .outputs = number(op, "outputs"),
               .heads = number(op, "heads"),
               .kv_heads = number(op, "kv_heads"),
               .cache_first = number(op, "cache_first"),
               .entries = number(op, "entries"),
               .members = number(op, "members"),
               .told = workload_choice_bytes(&check->plan->inputs.workload),
               .slots = number(op, "slots"),
               .columns = number(op, "columns"),
               .value = model->value_dim,
               .plain = model_plain_dim(model),
               .latent = model->kv_latent,
               .entry = model_latent_dim(model)};
    if (op->kind == OP_dense_ffn)
        s.slots = 1; /* its matrices are those of one expert */
    if (s.rows == 0)
        s.rows = s.sequences * number(op, "tokens");
    return s;
}

/* --- windows of exchanges
 * ----------------------------------------------------------------------------- */

typedef struct Windows {
    int64_t sources, targets;
    int64_t send, receive; /* rows: of all targets in a source; of all sources in a target */
    int64_t relayed, relayed_back; /* rows and result rows on their way to others */
    int64_t results, back; /* result rows: of all sources in a target; of all targets in a source */
} Windows;

static Windows windows_of(const Check *check, int64_t id, int64_t rank) {
    const Exchange *exchange = &check->schedule->exchanges.items[id];
    const CheckExchange *sums = &check->exchanges[id];
    int64_t source = check_source(exchange, rank), target = check_target(exchange, rank);
    int64_t top_k = check->schedule->top_k, crossings = top_k * check->schedule->parts;
    Windows windows = {.sources = exchange->sources.count, .targets = exchange->targets.count};
    bool exact = exchange->mode == MODE_EXACT;
    windows.relayed = exchange_relay_rows(exchange, rank, false, top_k);
    windows.relayed_back = exchange_relay_rows(exchange, rank, true, top_k);
    if (source >= 0) {
        int64_t rows = exchange_source_rows(exchange, source);
        windows.send = rows * (exact ? min_of(windows.targets, crossings) : windows.targets);
        windows.back = rows * sums->returns;
        if (exact)
            windows.back = min_of(windows.back, rows * crossings);
    }
    if (target >= 0) {
        windows.receive = sums->rows;
        windows.results = sums->rows * min_of(exchange->targets.items[target].slots, top_k);
    }
    return windows;
}

/* What the windows of an exchange are sums of, once for all its ends. */
CheckExchange *check_exchange_sums(Check *check) {
    int64_t count = check->schedule->exchanges.count;
    CheckExchange *sums = ARENA_ARRAY(check->scratch, count, CheckExchange);
    for (int64_t e = 0; e < count; ++e) {
        const Exchange *exchange = &check->schedule->exchanges.items[e];
        for (int64_t s = 0; s < exchange->sources.count; ++s)
            sums[e].rows += exchange_source_rows(exchange, s);
        for (int64_t t = 0; t < exchange->targets.count; ++t)
            sums[e].returns += min_of(exchange->targets.items[t].slots, check->schedule->top_k);
    }
    return sums;
}

static int64_t window_bytes(const Check *check, int64_t rank, int64_t step, const Op *op,
                            const char *name) {
    int64_t id = op->exchange;
    if (op->kind == OP_pack || op->kind == OP_expert_ffn)
        id = check_arg(op, "exchange");
    else if (op->kind == OP_weighted_sum)
        id = check_exchange_of(check, rank, step, op->microbatch);
    if (id < 0)
        return -1;
    Windows windows = windows_of(check, id, rank);
    int64_t row = check->model->hidden * check->element, meta = 4 * check->schedule->top_k;
    const struct {
        OpKind kind;
        const char *name;
        int64_t bytes;
    } table[] = {
        {OP_pack, "send_rows", windows.send * row},
        {OP_pack, "send_meta", windows.send * meta},
        {OP_pack, "send_counts", 4 * windows.targets},
        {OP_pack, "returns", 4 * windows.targets},
        {OP_dispatch, "send_rows", windows.send * row},
        {OP_dispatch, "send_meta", windows.send * meta},
        {OP_dispatch, "send_counts", 4 * windows.targets},
        {OP_dispatch, "recv_rows", windows.receive * row},
        {OP_dispatch, "recv_meta", windows.receive * meta},
        {OP_dispatch, "recv_counts", 4 * windows.sources},
        {OP_expert_ffn, "in", windows.receive * row},
        {OP_expert_ffn, "meta", windows.receive * meta},
        {OP_expert_ffn, "counts", 4 * windows.sources},
        {OP_expert_ffn, "out", windows.results * row},
        {OP_expert_ffn, "out_counts", 4 * windows.sources},
        {OP_combine, "send_rows", windows.results * row},
        {OP_combine, "send_counts", 4 * windows.sources},
        {OP_combine, "recv_rows", windows.back * row},
        {OP_combine, "recv_counts", 4 * windows.targets},
        {OP_dispatch, "relay_rows", windows.relayed * row},
        {OP_dispatch, "relay_meta", windows.relayed * meta},
        {OP_combine, "relay_rows", windows.relayed_back * row},
        {OP_weighted_sum, "returned", windows.back * row},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; ++i)
        if ((int64_t)table[i].kind == op->kind && strcmp(table[i].name, name) == 0)
            return table[i].bytes;
    return -1;
}

/* --- all other arguments
 * ------------------------------------------------------------------------------ */

/* Arguments that have one shape wherever they occur. -1: not one of these. */
static int64_t common_bytes(const Sizes *s, const char *name) {
    const struct {
        const char *name;
        int64_t bytes;
    } table[] = {
        {"ids", 4 * s->rows},
        {"positions", 4 * s->rows},
        {"next", 4 * s->sequences},
        {"table", s->entries * s->hidden * s->element},
        {"position_table", s->max_positions * s->hidden * s->element},
        {"qkv", s->rows * (s->heads + 2 * s->kv_heads) * s->head * s->element},
        {"keys", (s->cache_first + s->sequences) * s->context * s->kv_heads * s->head * s->element},
        {"values",
         (s->cache_first + s->sequences) * s->context * s->kv_heads * s->head * s->element},
        {"queries", s->rows * s->heads * s->head * s->element},
        {"latents", (s->cache_first + s->sequences) * s->context * s->entry * s->element},
        {"latent_up", s->heads * (s->plain + s->value) * s->latent * s->element},
        {"squares", 8 * s->rows},
        {"correction", 4 * s->experts},
        {"score", s->hidden * s->element},
        {"choice", 4 * s->rows * s->top_k},
        {"share", 4 * s->rows * s->top_k},
        {"back", 4 * s->rows * s->top_k * s->parts},
        {"gate", s->slots * s->columns * s->hidden * s->element},
        {"up", s->slots * s->columns * s->hidden * s->element},
        {"down", s->slots * s->columns * s->hidden * s->element},
        {"gate_bias", s->slots * s->columns * s->element},
        {"up_bias", s->slots * s->columns * s->element},
        {"down_bias", s->slots * s->hidden * s->element},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; ++i)
        if (strcmp(table[i].name, name) == 0)
            return table[i].bytes;
    return -1;
}

/* Arguments in, out, weight, bias, best: by kind. */
static int64_t kind_bytes(const Sizes *s, const Op *op, const char *name) {
    bool in = strcmp(name, "in") == 0, out = strcmp(name, "out") == 0;
    bool weight = strcmp(name, "weight") == 0, bias = strcmp(name, "bias") == 0;
    switch ((OpKind)op->kind) {
    case OP_linear:
        if (weight)
            return s->outputs * s->inputs * s->element;
        return bias ? s->outputs * s->element
                    : s->rows * (in ? s->inputs : s->outputs) * s->element;
    case OP_attention:
        return out ? s->rows * s->heads * s->head * s->element : -1;
    case OP_head_norm:
        return s->head * s->element; /* of either weight */
    case OP_norm_squares:
        return out ? 8 * s->rows : -1;
    case OP_norm_scale:
        return (strcmp(name, "query_weight") == 0 ? s->heads : s->kv_heads) * s->head * s->element;
    case OP_latent_norm:
        return (weight ? 1 : s->rows) * number(op, "width") * s->element;
    case OP_latent_append:
        return (weight ? s->latent : s->rows * s->entry) * s->element;
    case OP_latent_attention:
        return out ? s->rows * s->heads * s->value * s->element : -1;
    case OP_route:
        return weight ? 4 * s->experts * s->hidden : s->rows * s->hidden * s->element;
    case OP_head:
        if (weight)
            return s->entries * s->hidden * s->element;
        return in ? s->rows * s->hidden * s->element : s->told * s->sequences;
    case OP_choose:
        return s->told * s->members * s->sequences;
    case OP_rms_norm:
    case OP_layer_norm:
        if (weight || bias)
            return s->hidden * s->element;
        return s->rows * s->hidden * s->element;
    case OP_embed:
    case OP_add:
    case OP_dense_ffn:
    case OP_pack:
    case OP_weighted_sum:
        return in || out || strcmp(name, "base") == 0 ? s->rows * s->hidden * s->element : -1;
    default:
        return -1;
    }
}

int64_t check_argument_bytes(const Check *check, int64_t rank, int64_t step, const Op *op,
                             int arg) {
    const char *name = op_info[op->kind].args[arg].name;
    if (strcmp(name, "workspace") == 0)
        return workspace_bytes(check->plan, op);
    if (op_info[op->kind].class == OPCLASS_COLLECTIVE)
        return check_arg(op, "units") * check_arg(op, "unit_bytes");
    if (op_info[op->kind].class == OPCLASS_PAIR)
        return check_arg(op, "bytes");
    int64_t bytes = window_bytes(check, rank, step, op, name);
    if (bytes >= 0)
        return bytes;
    Sizes sizes = sizes_of(check, op);
    bytes = common_bytes(&sizes, name);
    return bytes >= 0 ? bytes : kind_bytes(&sizes, op, name);
}
