/* lower_stage: what passes between the stages of a pipeline: the residual stream to the next one, chosen tokens back
 * to the first. Each owner of rows sends them to who owns them in the next stage. */
#include "schedule/lower.h"

/* The request group with the same requests in another stage. */
static const PlanGroup *group_in_stage(const LowerRank *at, int64_t stage) {
    const PlanStage *here = &at->lower->plan->stages.items[at->place->stage];
    return &at->lower->plan->stages.items[stage]
                .attention.items[at->place->group - here->attention.items];
}

/* One end of a transfer with a rank of another stage, on the channel of the two. */
static void pair_op(LowerRank *at, OpKind kind, int64_t peer, int64_t buffer, int64_t delta,
                    int64_t bytes, const char *rule) {
    const PlanMove *move = lower_find_move(at->step, MOVE_HANDOVER, -1);
    Op *op = lower_op(at, kind, rule);
    op->stream = move->stream;
    op->channel = lower_pair_channel(at->lower, move, at->place->rank, peer);
    op_buffer(op, "buffer", buffer, delta);
    op_int(op, "bytes", bytes);
}

static Status need_handover(LowerRank *at) {
    if (lower_find_move(at->step, MOVE_HANDOVER, -1))
        return STATUS_OK;
    return diag_error(at->lower->diag, diag_nowhere(), "E0522", "add the move to the step",
                      "step %s has no handover move, but the plan has %lld stages", at->step->name,
                      (long long)at->lower->plan->stages.count);
}

/* Do member `from` of a stage's group and member `to` of the next one's have a transfer? Those whose rows
 * overlap do; whoever has no rows has an empty one, so that it does what its fellows do. */
static bool linked(Range from_rows, int64_t from, int64_t senders, Range to_rows, int64_t to,
                   int64_t receivers) {
    bool none_to_give = from_rows.begin == from_rows.end,
         none_to_get = to_rows.begin == to_rows.end;
    if (none_to_give || none_to_get)
        return (none_to_give && to == from % receivers) || (none_to_get && from == to % senders);
    return from_rows.begin < to_rows.end && to_rows.begin < from_rows.end;
}

/* Rows that this rank and a member of another stage's group both own, one transfer each. */
static void hand_rows(LowerRank *at, OpKind kind, int64_t stage, const char *rule) {
    const Place *place = at->place;
    const PlanGroup *other = group_in_stage(at, stage);
    Range mine = lower_owned(at);
    bool sends = kind == OP_send;
    for (int64_t m = 0; m < other->members.count; ++m) {
        Range theirs = place_owned(lower_rows(at), m, other->members.count);
        if (!(sends ? linked(mine, place->member, place->members, theirs, m, other->members.count)
                    : linked(theirs, m, other->members.count, mine, place->member, place->members)))
            continue;
        int64_t begin = mine.begin > theirs.begin ? mine.begin : theirs.begin;
        int64_t end = mine.end < theirs.end ? mine.end : theirs.end;
        Range rows = begin < end ? (Range){begin, end} : (Range){0, 0};
        pair_op(at, kind, other->members.items[m].rank + place->base, lower_residual(at),
                rows.begin * at->lower->row_bytes, (rows.end - rows.begin) * at->lower->row_bytes,
                rule);
    }
}

Status lower_receive(LowerRank *at) {
    if (at->place->first_stage)
        return STATUS_OK;
    TRY(need_handover(at));
    Op *begin = lower_op(at, OP_begin, "lower_stage.c: positions of the micro-batch");
    op_buffer(begin, "positions",
              lower_activation(at, "positions", BUFFER_ACTIVATION, "i32", lower_rows(at), 1), 0);
    op_int(begin, "first", lower_first_sequence(at));
    op_int(begin, "sequences", lower_sequences(at));
    op_int(begin, "tokens", at->step->tokens);
    hand_rows(at, OP_recv, at->place->stage - 1, "lower_stage.c: rows from the stage before");
    if (lower_sharded(at))
        return STATUS_OK;
    return lower_collective(at, MOVE_GATHER, lower_residual(at), lower_rows(at),
                            at->lower->row_bytes,
                            "lower_stage.c: the residual is replicated over the group");
}

Status lower_send(LowerRank *at) {
    if (at->place->last_stage)
        return STATUS_OK;
    TRY(need_handover(at));
    hand_rows(at, OP_send, at->place->stage + 1, "lower_stage.c: rows to the next stage");
    return STATUS_OK;
}

/* Every member of the first stage needs the tokens: member j gets them from member j modulo their number. */
Status lower_tokens(LowerRank *at) {
    const Place *place = at->place;
    int64_t last = at->lower->plan->stages.count - 1;
    if (last == 0 || (!place->first_stage && !place->last_stage))
        return STATUS_OK;
    TRY(need_handover(at));
    int64_t bytes = 4 * lower_sequences(at);
    int64_t next = lower_next(at);
    const PlanGroup *other = group_in_stage(at, place->first_stage ? last : 0);
    if (place->first_stage) {
        int64_t from = other->members.items[place->member % other->members.count].rank;
        pair_op(at, OP_recv, from + place->base, next, 0, bytes,
                "lower_stage.c: the choice of the last stage");
        Op *finish = lower_op(at, OP_finish, "lower_stage.c: the choice into the request table");
        op_buffer(finish, "next", next, 0);
        op_int(finish, "first", lower_first_sequence(at));
        op_int(finish, "sequences", lower_sequences(at));
        return STATUS_OK;
    }
    for (int64_t m = 0; m < other->members.count; ++m)
        if (m % place->members == place->member)
            pair_op(at, OP_send, other->members.items[m].rank + place->base, next, 0, bytes,
                    "lower_stage.c: the choice to the first stage");
    return STATUS_OK;
}
