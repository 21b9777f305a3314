/* lower_head: final norm, logits of the held entries, the choice of the next token. */
#include "schedule/lower.h"

/* The candidates of all members: each writes its own, then all gather them. */
static Status lower_candidates(LowerRank *at, int64_t best, int64_t sequences) {
    const Place *place = at->place;
    if (!place->head_split || place->members == 1)
        return STATUS_OK;
    return lower_collective(at, MOVE_GATHER, best, place->members,
                            sequences * workload_choice_bytes(&at->lower->plan->inputs.workload),
                            "lower_head.c: the head is cut along the vocabulary");
}

Status lower_head(LowerRank *at) {
    Lower *lower = at->lower;
    const Model *model = lower->model;
    const Place *place = at->place;
    int64_t rows = lower_rows(at), sequences = lower_sequences(at);
    bool sharded = lower_sharded(at), split = place->head_split && place->members > 1;
    Range used = sharded ? lower_owned(at) : (Range){0, rows};
    BufferClass class = place->members > 1 ? BUFFER_WINDOW : BUFFER_ACTIVATION;
    int64_t normed = lower_activation(at, "normed", class, "E", rows, model->hidden);
    lower_norm(at, "final_norm", lower_residual(at), normed, used, used.begin,
               "lower_head.c: final norm");
    if (sharded)
        TRY(lower_collective(at, MOVE_GATHER, normed, rows, lower->row_bytes,
                             "lower_head.c: the residual is sharded, the head needs all rows"));

    const Workload *workload = &lower->plan->inputs.workload;
    int64_t told = workload_choice_bytes(workload);
    int64_t members = split ? place->members : 1, entries = place->head.end - place->head.begin;
    int64_t best = lower_activation(at, "best", split ? BUFFER_WINDOW : BUFFER_ACTIVATION, "f32",
                                    members, sequences * told / 4);
    bool tied = model->tie_embeddings;
    bool shared = tied && place->embedding.begin <= place->head.begin &&
                  place->embedding.end >= place->head.end;
    Op *op = lower_op(at, OP_head, "lower_head.c: logits of the held entries");
    op_buffer(op, "in", normed, 0);
    op_buffer(op, "positions", lower_activation(at, "positions", BUFFER_ACTIVATION, "i32", rows, 1),
              0);
    op_buffer(op, "weight", lower_find(at, shared ? "embedding" : "head"),
              shared ? (place->head.begin - place->embedding.begin) * lower->row_bytes : 0);
    op_buffer(op, "best", best, split ? place->member * sequences * told : 0);
    op_int(op, "first", lower_first_sequence(at));
    op_int(op, "sequences", sequences);
    op_int(op, "tokens", at->step->tokens);
    op_int(op, "entry_begin", place->head.begin);
    op_int(op, "entries", entries);
    op_int(op, "candidates", workload->candidates);
    op_workspace(at, op, "workspace");
    op->flops = 2.0 * (double)sequences * (double)model->hidden * (double)entries;
    op->bytes = (double)entries * (double)lower->row_bytes;
    TRY(lower_candidates(at, best, sequences));

    int64_t next = lower_next(at);
    Op *choose = lower_op(at, OP_choose, "lower_head.c: the next token of each sequence");
    op_buffer(choose, "best", best, 0);
    op_buffer(choose, "next", next, 0);
    op_int(choose, "members", members);
    op_int(choose, "first", lower_first_sequence(at));
    op_int(choose, "sequences", sequences);
    op_int(choose, "candidates", workload->candidates);
    Op *finish = lower_op(at, OP_finish, "lower_head.c: the choice into the request table");
    op_buffer(finish, "next", next, 0);
    op_int(finish, "first", lower_first_sequence(at));
    op_int(finish, "sequences", sequences);
    op_int(finish, "report", place->member == 0);
    return STATUS_OK;
}
