/* lower_latent: attention whose keys and values are made of a latent. The latent of a row, and the rotary key that
 * all heads share, are computed and cached by every member of a request group; projections from the latent
 * are cut by heads. Either queries are carried into the latent's space and meet the cache as it is (absorbed), or keys
 * and values of the local heads are made of the cache first (expanded): whichever takes less arithmetic. */
#include "schedule/lower.h"

static int64_t query_input(LowerRank *at, int64_t normed, int64_t *inputs) {
    const Model *model = at->lower->model;
    int64_t rows = lower_rows(at), width = model->q_latent;
    *inputs = width ? width : model->hidden;
    if (!width)
        return normed;
    int64_t latent = lower_activation(at, "query_latent", BUFFER_ACTIVATION, "E", rows, width);
    lower_linear(at, normed, "query_down", NULL, latent, model->hidden, width,
                 "lower_latent.c: latents of the queries");
    Op *op = lower_op(at, OP_latent_norm, "lower_latent.c: norm of the queries' latents");
    op_buffer(op, "latent", latent, 0);
    op_buffer(op, "weight", lower_find(at, "query_latent_norm"), 0);
    op_int(op, "rows", rows);
    op_int(op, "width", width);
    op->bytes = 2.0 * (double)at->lower->element * (double)rows * (double)width;
    return latent;
}

static void cache_arguments(LowerRank *at, Op *op, int64_t queries) {
    const Place *place = at->place;
    Range sequences = place_sequences(place->group, at->microbatch, at->step->microbatches);
    op_buffer(op, "queries", queries, 0);
    op_buffer(op, "positions", lower_positions(at), 0);
    op_buffer(op, "latents", lower_find(at, "latents"), 0);
    op_int(op, "sequences", sequences.end - sequences.begin);
    op_int(op, "tokens", at->step->tokens);
    op_int(op, "cache_first", sequences.begin);
    op_int(op, "heads", place->heads.end - place->heads.begin);
}

static void lower_append(LowerRank *at, int64_t queries, int64_t latent) {
    const Model *model = at->lower->model;
    double heads = (double)(at->place->heads.end - at->place->heads.begin);
    Op *op = lower_op(at, OP_latent_append, "lower_latent.c: latents into the cache");
    cache_arguments(at, op, queries);
    op_buffer(op, "latent", latent, 0);
    op_buffer(op, "weight", lower_find(at, "latent_norm"), 0);
    op->bytes = 2.0 * (double)at->lower->element * (double)lower_rows(at) *
                (heads * (double)model->rope_dim + (double)model_latent_dim(model));
}

static void lower_attend(LowerRank *at, int64_t queries, int64_t mixed) {
    const Model *model = at->lower->model;
    const Place *place = at->place;
    double heads = (double)(place->heads.end - place->heads.begin), rows = (double)lower_rows(at);
    double latent = (double)model->kv_latent, entry = (double)model_latent_dim(model);
    double head = (double)model->head_dim, value = (double)model->value_dim;
    double up = heads * ((double)model_plain_dim(model) + value) * latent; /* elements */
    double seen = (double)lower_sequences(at) *
                  (double)(at->step->tokens > 1 ? at->step->tokens
                                                : at->lower->plan->inputs.workload.context);
    double absorbed = 2.0 * (rows * up + lower_attended(at) * heads * (entry + latent));
    double expanded = 2.0 * (seen * up + lower_attended(at) * heads * (head + value));
    bool expand = expanded < absorbed;

    Op *op = lower_op(at, OP_latent_attention, "lower_latent.c: the local heads");
    cache_arguments(at, op, queries);
    op_buffer(op, "latent_up", lower_find(at, "latent_up"), 0);
    op_buffer(op, "out", mixed, 0);
    op_int(op, "head_begin", place->heads.begin);
    op_int(op, "expanded", expand);
    op_workspace(at, op, "workspace");
    op->flops = expand ? expanded : absorbed;
    op->bytes = (double)at->lower->element * (seen * entry + up + rows * heads * (head + value));
}

void lower_latent_heads(LowerRank *at, int64_t normed, int64_t mixed) {
    const Model *model = at->lower->model;
    int64_t heads = at->place->heads.end - at->place->heads.begin, rows = lower_rows(at), inputs;
    int64_t from = query_input(at, normed, &inputs);
    int64_t queries =
        lower_activation(at, "queries", BUFFER_ACTIVATION, "E", rows, heads * model->head_dim);
    lower_linear(at, from, "query", NULL, queries, inputs, heads * model->head_dim,
                 "lower_latent.c: queries of the local heads");
    int64_t latent =
        lower_activation(at, "latent", BUFFER_ACTIVATION, "E", rows, model_latent_dim(model));
    lower_linear(at, normed, "latent", NULL, latent, model->hidden, model_latent_dim(model),
                 "lower_latent.c: latent and rotary key of all heads");
    lower_append(at, queries, latent);
    lower_attend(at, queries, mixed);
}
