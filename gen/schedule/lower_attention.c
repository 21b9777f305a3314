/* lower_attention: embedding and the attention part of a layer, up to the packed rows. */
#include "schedule/lower.h"

int64_t lower_positions(LowerRank *at) {
    return lower_activation(at, "positions", BUFFER_ACTIVATION, "i32", lower_rows(at), 1);
}

static Range all_rows(const LowerRank *at) {
    return (Range){0, lower_rows(at)};
}

void lower_norm(LowerRank *at, const char *weight, int64_t in, int64_t out, Range rows,
                int64_t out_first, const char *rule) {
    Lower *lower = at->lower;
    bool rms = lower->model->norm == NORM_RMS;
    Op *op = lower_op(at, rms ? OP_rms_norm : OP_layer_norm, rule);
    op_buffer(op, "in", in, rows.begin * lower->row_bytes);
    op_buffer(op, "weight", lower_find(at, weight), 0);
    if (!rms)
        op_buffer(op, "bias", lower_find(at, arena_printf(lower->arena, "%s_bias", weight)), 0);
    op_buffer(op, "out", out, out_first * lower->row_bytes);
    op_int(op, "rows", rows.end - rows.begin);
    op->bytes = 2.0 * (double)((rows.end - rows.begin) * lower->row_bytes);
}

Status lower_embed(LowerRank *at) {
    Lower *lower = at->lower;
    const Place *place = at->place;
    int64_t ids = lower_activation(at, "ids", BUFFER_ACTIVATION, "i32", lower_rows(at), 1);
    Op *begin = lower_op(at, OP_begin, "lower_attention.c: token ids of the micro-batch");
    op_buffer(begin, "ids", ids, 0);
    op_buffer(begin, "positions", lower_positions(at), 0);
    op_int(begin, "first", lower_first_sequence(at));
    op_int(begin, "sequences", lower_sequences(at));
    op_int(begin, "tokens", at->step->tokens);

    /* Partial rows must be summed over the members; whole rows are needed only where they are used. */
    bool split = place->embedding_split && place->members > 1;
    Range rows = lower_sharded(at) && !split ? lower_owned(at) : all_rows(at);
    Op *embed = lower_op(at, OP_embed, "lower_attention.c: embedding of the held entries");
    op_buffer(embed, "ids", ids, rows.begin * 4);
    op_buffer(embed, "positions", lower_positions(at), rows.begin * 4);
    op_buffer(embed, "table", lower_find(at, "embedding"), 0);
    if (lower->model->position == POSITION_LEARNED)
        op_buffer(embed, "position_table", lower_find(at, "positions"), 0);
    op_buffer(embed, "out", lower_residual(at), rows.begin * lower->row_bytes);
    op_int(embed, "rows", rows.end - rows.begin);
    op_int(embed, "entry_begin", place->embedding.begin);
    op_int(embed, "entries", place->embedding.end - place->embedding.begin);
    embed->bytes = 2.0 * (double)((rows.end - rows.begin) * lower->row_bytes);
    if (split)
        TRY(lower_collective(at, MOVE_EMBEDDING, lower_residual(at), lower_rows(at),
                             lower->row_bytes,
                             "lower_attention.c: the embedding is cut along the vocabulary"));
    return STATUS_OK;
}

void lower_linear(LowerRank *at, int64_t in, const char *weight, const char *bias, int64_t out,
                  int64_t inputs, int64_t outputs, const char *rule) {
    Lower *lower = at->lower;
    int64_t rows = lower_rows(at);
    Op *op = lower_op(at, OP_linear, rule);
    op_buffer(op, "in", in, 0);
    op_buffer(op, "weight", lower_find(at, weight), 0);
    if (bias)
        op_buffer(op, "bias", lower_find(at, bias), 0);
    op_buffer(op, "out", out, 0);
    op_int(op, "rows", rows);
    op_int(op, "inputs", inputs);
    op_int(op, "outputs", outputs);
    op_workspace(at, op, "workspace");
    op->flops = 2.0 * (double)rows * (double)inputs * (double)outputs;
    op->bytes = (double)lower->element *
                ((double)rows * (double)(inputs + outputs) + (double)inputs * (double)outputs);
}

static void lower_cache_arguments(LowerRank *at, Op *op, int64_t qkv) {
    const Place *place = at->place;
    Range sequences = place_sequences(place->group, at->microbatch, at->step->microbatches);
    op_buffer(op, "qkv", qkv, 0);
    op_buffer(op, "positions", lower_positions(at), 0);
    op_buffer(op, "keys", lower_find(at, "keys"), 0);
    op_buffer(op, "values", lower_find(at, "values"), 0);
    op_int(op, "sequences", sequences.end - sequences.begin);
    op_int(op, "tokens", at->step->tokens);
    op_int(op, "cache_first", sequences.begin);
    op_int(op, "heads", place->heads.end - place->heads.begin);
    op_int(op, "kv_heads", place->kv.end - place->kv.begin);
}

/* With a window of w rows, the first w of t see 1 to w, the others w each. */
double lower_attended(const LowerRank *at) {
    double tokens = (double)at->step->tokens, window = (double)at->window;
    double context = (double)at->lower->plan->inputs.workload.context;
    double per_sequence = tokens > 1 ? tokens * (tokens + 1) / 2 : context;
    if (at->window && tokens > 1 && window < tokens)
        per_sequence = window * (window + 1) / 2 + (tokens - window) * window;
    else if (at->window && tokens <= 1 && window < context)
        per_sequence = window;
    return (double)lower_sequences(at) * per_sequence;
}

static void head_arguments(LowerRank *at, Op *op, int64_t qkv) {
    const Place *place = at->place;
    double heads = (double)(place->heads.end - place->heads.begin);
    double kv = (double)(place->kv.end - place->kv.begin),
           size = (double)at->lower->model->head_dim;
    op_buffer(op, "qkv", qkv, 0);
    op_int(op, "rows", lower_rows(at));
    op_int(op, "heads", place->heads.end - place->heads.begin);
    op_int(op, "kv_heads", place->kv.end - place->kv.begin);
    op->bytes = 2.0 * (double)at->lower->element * (double)lower_rows(at) * size * (heads + kv);
}

static Op *lower_head_norm(LowerRank *at, OpKind kind, int64_t qkv, const char *rule) {
    Op *op = lower_op(at, kind, rule);
    head_arguments(at, op, qkv);
    op_buffer(op, "query_weight", lower_find(at, "query_norm"), 0);
    op_buffer(op, "key_weight", lower_find(at, "key_norm"), 0);
    return op;
}

/* All heads as one vector: each member sums squares of its heads, a key head that two members hold at that with its
 * first query head, and the sums over the group scale what each has. */
static Status lower_full_norm(LowerRank *at, int64_t qkv) {
    const Place *place = at->place;
    int64_t share = at->lower->model->heads / at->lower->model->kv_heads;
    int64_t first = place->heads.begin % share != 0;
    BufferClass class = place->members > 1 ? BUFFER_WINDOW : BUFFER_ACTIVATION;
    int64_t squares = lower_activation(at, "squares", class, "f32", lower_rows(at), 2);
    Op *op = lower_op(at, OP_norm_squares, "lower_attention.c: squares of the local heads");
    head_arguments(at, op, qkv);
    op_buffer(op, "out", squares, 0);
    op_int(op, "key_first", first);
    op_int(op, "key_count", place->kv.end - place->kv.begin - first);
    op->bytes /= 2;
    TRY(lower_collective(at, MOVE_NORM, squares, lower_rows(at), 8,
                         "lower_attention.c: heads are cut, their norm is over all"));
    op = lower_head_norm(at, OP_norm_scale, qkv, "lower_attention.c: norm over all heads");
    op_buffer(op, "squares", squares, 0);
    return STATUS_OK;
}

/* What happens to queries, keys and values before they rotate. */
static Status lower_qkv(LowerRank *at, int64_t qkv) {
    const Model *model = at->lower->model;
    if (model->qk_norm == QK_NORM_HEAD)
        lower_head_norm(at, OP_head_norm, qkv, "lower_attention.c: norm of each local head");
    else if (model->qk_norm == QK_NORM_FULL)
        TRY(lower_full_norm(at, qkv));
    if (model->qkv_clip > 0) {
        Op *op = lower_op(at, OP_clip, "lower_attention.c: clip of the local heads");
        head_arguments(at, op, qkv);
    }
    return STATUS_OK;
}

/* Projections and attention of the local heads. */
static Status lower_heads(LowerRank *at, int64_t normed, int64_t out) {
    Lower *lower = at->lower;
    const Place *place = at->place;
    int64_t count = place->heads.end - place->heads.begin + 2 * (place->kv.end - place->kv.begin);
    int64_t outputs = count * lower->model->head_dim;
    int64_t qkv = lower_activation(at, "qkv", BUFFER_ACTIVATION, "E", lower_rows(at), outputs);
    lower_linear(at, normed, "qkv", lower->model->attention_bias ? "qkv_bias" : NULL, qkv,
                 lower->model->hidden, outputs,
                 "lower_attention.c: query, key, value of the local heads");
    TRY(lower_qkv(at, qkv));
    double heads = (double)(place->heads.end - place->heads.begin);
    double kv = (double)(place->kv.end - place->kv.begin), size = (double)lower->model->head_dim;
    bool rope = lower->model->position == POSITION_ROPE;
    Op *append = lower_op(at, rope ? OP_rope_append : OP_append,
                          "lower_attention.c: keys and values into the cache");
    lower_cache_arguments(at, append, qkv);
    append->bytes = (double)lower->element * (double)lower_rows(at) * size * (heads + 4 * kv);

    Op *op = lower_op(at, OP_attention, "lower_attention.c: the local heads");
    lower_cache_arguments(at, op, qkv);
    op_buffer(op, "out", out, 0);
    op_int(op, "head_begin", place->heads.begin);
    op_int(op, "kv_begin", place->kv.begin);
    op_int(op, "window", at->window);
    op_workspace(at, op, "workspace");
    op->flops = 4.0 * lower_attended(at) * heads * size;
    double cached = at->step->tokens > 1 ? (double)lower_rows(at) : lower_attended(at);
    op->bytes =
        (double)lower->element * size * (2.0 * cached * kv + 2.0 * (double)lower_rows(at) * heads);
    return STATUS_OK;
}

/* Router, capacity, packing: of the routed rows. Capacity needs the choices of whole sequences, so that
 * members that route their own rows only share theirs first. */
static Status lower_routing(LowerRank *at, int64_t normed) {
    Lower *lower = at->lower;
    const Model *model = lower->model;
    Range routed = lower_routed(at);
    int64_t count = routed.end - routed.begin, choices = lower->schedule->top_k,
            choice_bytes = 4 * choices;
    bool shared = at->place->members > 1 && !lower_coincides(at);
    BufferClass class = shared ? BUFFER_WINDOW : BUFFER_ACTIVATION;
    int64_t choice = lower_activation(at, "choice", class, "i32", lower_rows(at), choices);
    int64_t share = lower_activation(at, "share", BUFFER_ACTIVATION, "f32", count, choices);

    Op *route = lower_op(at, OP_route, "lower_attention.c: router of the rows routed here");
    op_buffer(route, "in", normed, (routed.begin - lower_ffn_rows(at).begin) * lower->row_bytes);
    op_buffer(route, "weight", lower_find(at, "router"), 0);
    if (model->router_correction)
        op_buffer(route, "correction", lower_find(at, "router_correction"), 0);
    if (model->shared_score && !lower_shares(at))
        op_buffer(route, "score", lower_find(at, "shared_score"), 0);
    op_buffer(route, "positions", lower_positions(at), routed.begin * 4);
    op_buffer(route, "choice", choice, routed.begin * choice_bytes);
    op_buffer(route, "share", share, 0);
    op_int(route, "rows", count);
    op_workspace(at, route, "workspace");
    route->flops = 2.0 * (double)count * (double)model->hidden * (double)model->experts;
    route->bytes =
        (double)(count * lower->row_bytes) + 4.0 * (double)(model->hidden * model->experts);

    if (model->capacity_factor > 0 && at->step->phase == PHASE_PREFILL) {
        if (!lower_coincides(at))
            TRY(lower_collective(at, MOVE_GATHER, choice, lower_rows(at), choice_bytes,
                                 "lower_attention.c: capacity counts over whole sequences"));
        Op *op = lower_op(at, OP_capacity, "lower_attention.c: capacity of the model");
        op_buffer(op, "positions", lower_positions(at), 0);
        op_buffer(op, "choice", choice, 0);
        op_int(op, "sequences", lower_sequences(at));
        op_int(op, "tokens", at->step->tokens);
        op_workspace(at, op, "workspace");
        op->bytes = 2.0 * (double)(lower_rows(at) * choice_bytes);
    }
    return lower_pack(at, normed, choice);
}

Status lower_attention(LowerRank *at) {
    Lower *lower = at->lower;
    const Model *model = lower->model;
    const Place *place = at->place;
    int64_t rows = lower_rows(at), hidden = model->hidden, width = model->value_dim;
    int64_t heads = place->heads.end - place->heads.begin;
    bool sharded = lower_sharded(at);
    Range owned = lower_owned(at), used = sharded ? owned : all_rows(at);
    BufferClass class = place->members > 1 ? BUFFER_WINDOW : BUFFER_ACTIVATION;

    int64_t normed = lower_activation(at, "normed", class, "E", rows, hidden);
    lower_norm(at, "attention_norm", lower_residual(at), normed, used, used.begin,
               "lower_attention.c: norm before attention");
    if (sharded)
        TRY(lower_collective(
            at, MOVE_GATHER, normed, rows, lower->row_bytes,
            "lower_attention.c: the residual is sharded, projections need all rows"));
    int64_t mixed = lower_activation(at, "mixed", BUFFER_ACTIVATION, "E", rows, heads * width);
    if (model_is_latent(model))
        lower_latent_heads(at, normed, mixed);
    else
        TRY(lower_heads(at, normed, mixed));
    int64_t projected = lower_activation(at, "projected", class, "E", rows, hidden);
    lower_linear(at, mixed, "output", model->output_bias ? "output_bias" : NULL, projected,
                 heads * width, hidden, "lower_attention.c: output projection of the local heads");
    TRY(lower_collective(at, MOVE_ATTENTION_OUTPUT, projected, rows, lower->row_bytes,
                         "lower_attention.c: heads are cut, the projection reduces over them"));

    Op *add = lower_op(at, OP_add, "lower_attention.c: residual");
    op_buffer(add, "in", projected, used.begin * lower->row_bytes);
    op_buffer(add, "out", lower_residual(at), used.begin * lower->row_bytes);
    op_int(add, "rows", used.end - used.begin);
    add->bytes = 3.0 * (double)((used.end - used.begin) * lower->row_bytes);

    TRY(lower_ffn_norm(at));
    return at->dense ? lower_ffn(at) : lower_routing(at, lower_ffn_in(at));
}
