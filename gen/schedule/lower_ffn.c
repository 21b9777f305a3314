/* lower_ffn: what stands between attention and experts: the norm of the rows, and feed-forwards that all tokens pass,
 * of dense layers and beside experts. Their columns are cut over the members of a group, whose results are summed. */
#include "schedule/lower.h"

bool lower_shares(const LowerRank *at) {
    return at->lower->model->shared_hidden > 0 &&
           at->lower->schedule->experts == at->lower->model->experts;
}

static bool needs_all_rows(const LowerRank *at) {
    return at->dense || lower_shares(at) || lower_coincides(at);
}

Range lower_ffn_rows(const LowerRank *at) {
    return needs_all_rows(at) ? (Range){0, lower_rows(at)} : lower_owned(at);
}

/* A sharded residual has the owned rows only: what needs more gathers them. */
static bool is_gathered(const LowerRank *at) {
    return lower_sharded(at) && needs_all_rows(at);
}

int64_t lower_ffn_in(LowerRank *at) {
    Range rows = lower_ffn_rows(at);
    return lower_activation(at, at->dense ? "dense_in" : "ffn_in",
                            is_gathered(at) ? BUFFER_WINDOW : BUFFER_ACTIVATION, "E",
                            rows.end - rows.begin, at->lower->model->hidden);
}

Status lower_ffn_norm(LowerRank *at) {
    Lower *lower = at->lower;
    bool gathered = is_gathered(at);
    Range rows = lower_ffn_rows(at), normed = gathered ? lower_owned(at) : rows;
    lower_norm(at, "ffn_norm", lower_residual(at), lower_ffn_in(at), normed,
               normed.begin - rows.begin, "lower_ffn.c: norm before experts and feed-forwards");
    if (!gathered)
        return STATUS_OK;
    return lower_collective(at, MOVE_GATHER, lower_ffn_in(at), lower_rows(at), lower->row_bytes,
                            "lower_ffn.c: the residual is sharded, feed-forwards need all rows");
}

void lower_ffn_weights(LowerRank *at, Op *op, const char *kind, bool gated, bool biases) {
    const struct {
        const char *name;
        bool there;
    } weights[] = {{"gate", gated}, {"gate_bias", gated && biases},
                   {"up", true},    {"up_bias", biases},
                   {"down", true},  {"down_bias", biases}};
    for (size_t i = 0; i < sizeof weights / sizeof *weights; ++i)
        if (weights[i].there)
            op_buffer(
                op, weights[i].name,
                lower_find(at, arena_printf(at->lower->arena, "%s_%s", kind, weights[i].name)), 0);
}

static void lower_matrices(LowerRank *at, int64_t out, Range columns) {
    const Model *model = at->lower->model;
    Op *op = lower_op(at, OP_dense_ffn,
                      at->dense ? "lower_ffn.c: the dense feed-forward"
                                : "lower_ffn.c: the feed-forward beside the experts");
    op_buffer(op, "in", lower_ffn_in(at), 0);
    lower_ffn_weights(at, op, at->dense ? "dense" : "shared", model->gated, model->expert_bias);
    if (!at->dense && model->shared_score)
        op_buffer(op, "score", lower_find(at, "shared_score"), 0);
    int64_t rows = lower_rows(at), width = columns.end - columns.begin;
    op_buffer(op, "out", out, 0);
    op_int(op, "rows", rows);
    op_int(op, "columns", width);
    op_workspace(at, op, "workspace");
    double elements = (model->gated ? 3.0 : 2.0) * (double)width * (double)model->hidden;
    op->flops = 2.0 * (double)rows * elements;
    op->bytes =
        (double)at->lower->element * elements + 2.0 * (double)rows * (double)at->lower->row_bytes;
}

Status lower_ffn(LowerRank *at) {
    Lower *lower = at->lower;
    int64_t rows = lower_rows(at);
    Range used = lower_sharded(at) ? lower_owned(at) : (Range){0, rows};
    BufferClass class = at->place->members > 1 ? BUFFER_WINDOW : BUFFER_ACTIVATION;
    int64_t out = lower_activation(at, at->dense ? "dense_out" : "shared_out", class, "E", rows,
                                   lower->model->hidden);
    lower_matrices(at, out, at->dense ? at->place->dense : at->place->shared);
    TRY(lower_collective(at, MOVE_FFN_OUTPUT, out, rows, lower->row_bytes,
                         "lower_ffn.c: columns are cut over the group"));
    Op *add = lower_op(at, OP_add, "lower_ffn.c: residual");
    op_buffer(add, "in", out, used.begin * lower->row_bytes);
    op_buffer(add, "out", lower_residual(at), used.begin * lower->row_bytes);
    op_int(add, "rows", used.end - used.begin);
    add->bytes = 3.0 * (double)((used.end - used.begin) * lower->row_bytes);
    return STATUS_OK;
}
