/* Mutants of placements where ranks do attention and hold experts alike, and of pipelines: sums over experts within a
 * group, replicas, stages and what passes between them. */
#include "mutant.h"

#define TENSOR "tp:tp=4"
#define REPLICAS "ep:ep=12"
#define STAGES "pp:pp=4,microbatches=2"
#define COPIES "pp:pp=2,dp=2"
#define GRID "tp-pp:tp=2,pp=2,microbatches=2"
#define GRID_SHARDED "tp-pp:tp=3,pp=2,output=sharded"

#define UNEVEN TEST_SOURCE "/tests/data/uneven-stages.lua:a=2,b=3,residual=sharded"

/* --- tools -------------------------------------------------------------------------------------------- */

static Op *op_of(Fixture *f, int64_t rank, OpKind kind, int64_t n) {
    return &f->schedule.ranks[rank].ops.items[fixture_op(f, rank, kind, n)];
}

static PlanMoveKind move_of(const Fixture *f, const Op *op) {
    return (PlanMoveKind)f->schedule.channels.items[op->channel].move;
}

/* Drop every collective of a move, in all ranks. */
static void drop_move(Fixture *f, PlanMoveKind move) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank) {
        const RankSchedule *of = &f->schedule.ranks[rank];
        for (int64_t i = of->ops.count - 1; i >= 0; --i)
            if (of->ops.items[i].channel >= 0 && move_of(f, &of->ops.items[i]) == move)
                drop_op(f, rank, i);
    }
}

static Segment *segment_of(Fixture *f, int64_t rank, int64_t op) {
    RankSchedule *of = &f->schedule.ranks[rank];
    for (int64_t s = 0; s < f->plan.steps.count; ++s)
        for (int64_t g = 0; g < of->steps[s].segments.count; ++g) {
            Segment *segment = &of->steps[s].segments.items[g];
            if (segment->first <= op && op < segment->first + segment->count)
                return segment;
        }
    fail_msg("op %d of rank %d is in no segment", (int)op, (int)rank);
    return NULL;
}

/* Exchange two ranks in all that hands something over: the ends of channels, and who is on them. */
static void trade_places(Fixture *f, int64_t a, int64_t b) {
    for (int64_t c = 0; c < f->schedule.channels.count; ++c) {
        Channel *channel = &f->schedule.channels.items[c];
        if (!channel->is_pair)
            continue;
        int64_t *ends = channel->ranks.items;
        for (int e = 0; e < 2; ++e)
            ends[e] = ends[e] == a ? b : ends[e] == b ? a : ends[e];
        if (ends[0] > ends[1]) {
            int64_t kept = ends[0];
            ends[0] = ends[1];
            ends[1] = kept;
        }
    }
    RankSchedule *x = &f->schedule.ranks[a], *y = &f->schedule.ranks[b];
    assert_int_equal(x->ops.count, y->ops.count);
    for (int64_t i = 0; i < x->ops.count; ++i) {
        if (op_info[x->ops.items[i].kind].class != OPCLASS_PAIR)
            continue;
        int64_t kept = x->ops.items[i].channel;
        x->ops.items[i].channel = y->ops.items[i].channel;
        y->ops.items[i].channel = kept;
    }
}

/* --- sums over experts within a group ------------------------------------------------------------------ */

static void drop_weighted_sum(Fixture *f) {
    drop_op(f, 2, fixture_op(f, 2, OP_weighted_sum, 0));
}
static void drop_ffn_output(Fixture *f) {
    drop_move(f, MOVE_FFN_OUTPUT);
}
static void drop_ffn_add(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank)
        drop_op(f, rank, fixture_op(f, rank, OP_add, 1));
}
/* Each member adds its part to the residual that it has, which then is summed. */
static void sum_with_base(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank)
        fixture_arg(f, rank, fixture_op(f, rank, OP_weighted_sum, 0), "base")->value =
            fixture_buffer(f, rank, "prefill_residual_m0");
}
static void sum_some_rows(Fixture *f) {
    --fixture_arg(f, 1, fixture_op(f, 1, OP_weighted_sum, 0), "rows")->value;
}
static void sum_ffn_once_more(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank) {
        Op *ops = f->schedule.ranks[rank].ops.items;
        int64_t add = fixture_op(f, rank, OP_add, 1);
        ops[add] = ops[add - 1];
    }
}
static void other_slot(Fixture *f) {
    f->schedule.routes.items[0].slot[3] = f->schedule.routes.items[0].slot[4];
}
static void no_slot(Fixture *f) {
    f->schedule.routes.items[0].target[3] = -1;
}
static void other_target(Fixture *f) {
    f->schedule.routes.items[0].target[3] = 1;
}
static void column_twice(Fixture *f) {
    --fixture_holding(f, 1, TENSOR_EXPERT_UP, 2)->rows.begin;
}
static void columns_of_another(Fixture *f) {
    fixture_holding(f, 1, TENSOR_EXPERT_UP, 2)->rows =
        fixture_holding(f, 0, TENSOR_EXPERT_UP, 2)->rows;
}

static void part_lacks_bias(Fixture *f) {
    ++fixture_holding(f, 0, TENSOR_EXPERT_DOWN_BIAS, 0)->layers.begin;
}

/* --- replicas ------------------------------------------------------------------------------------------ */

static int64_t second_replica(const Fixture *f, TensorKind tensor, int64_t *rank) {
    for (*rank = 0; *rank < f->schedule.world; ++*rank) {
        const RankSchedule *of = &f->schedule.ranks[*rank];
        for (int64_t i = 0; i < of->holdings.count; ++i)
            if (of->holdings.items[i].tensor == (int64_t)tensor && !of->holdings.items[i].primary)
                return i;
    }
    fail_msg("there is no replica");
    return -1;
}
static Holding *replica_of(Fixture *f, TensorKind tensor) {
    int64_t rank, i = second_replica(f, tensor, &rank);
    return &f->schedule.ranks[rank].holdings.items[i];
}
static void replica_of_another(Fixture *f) {
    Holding *holding = replica_of(f, TENSOR_EXPERT_UP);
    holding->expert = (holding->expert + 1) % f->plan.inputs.model.experts;
}
static void replica_down_of_another(Fixture *f) {
    Holding *holding = replica_of(f, TENSOR_EXPERT_DOWN);
    holding->expert = (holding->expert + 1) % f->plan.inputs.model.experts;
}
static void replica_lacks_columns(Fixture *f) {
    --replica_of(f, TENSOR_EXPERT_UP)->rows.end;
}
static void replica_lacks_down(Fixture *f) {
    --replica_of(f, TENSOR_EXPERT_DOWN)->columns.end;
}
static void replica_lacks_gate(Fixture *f) {
    --replica_of(f, TENSOR_EXPERT_GATE)->rows.end;
}
static void replica_lacks_layers(Fixture *f) {
    --replica_of(f, TENSOR_EXPERT_DOWN)->layers.end;
}
static void replica_is_primary(Fixture *f) {
    replica_of(f, TENSOR_EXPERT_UP)->primary = true;
}
static void route_to_no_replica(Fixture *f) {
    RouteTable *table = &f->schedule.routes.items[1];
    for (int64_t e = 0; e < f->plan.inputs.model.experts; ++e)
        table->target[e * table->parts] = 0;
}

/* --- what passes between stages ------------------------------------------------------------------------ */

static void drop_send(Fixture *f) {
    drop_op(f, 0, fixture_op(f, 0, OP_send, 0));
}
static void drop_send_and_recv(Fixture *f) {
    drop_op(f, 0, fixture_op(f, 0, OP_send, 0));
    drop_op(f, 1, fixture_op(f, 1, OP_recv, 0));
}
static void other_pair(Fixture *f) {
    op_of(f, 1, OP_recv, 0)->channel = op_of(f, 1, OP_send, 0)->channel;
}
static void foreign_pair(Fixture *f) {
    op_of(f, 1, OP_recv, 0)->channel = op_of(f, 2, OP_send, 0)->channel;
}
static void pair_for_collective(Fixture *f) {
    op_of(f, 0, OP_all_reduce, 0)->channel = op_of(f, 0, OP_send, 0)->channel;
}
static void fewer_bytes(Fixture *f) {
    fixture_arg(f, 1, fixture_op(f, 1, OP_recv, 0), "bytes")->value -= 4;
}
static void fewer_bytes_on_both(Fixture *f) {
    fixture_arg(f, 0, fixture_op(f, 0, OP_send, 0), "bytes")->value -= 4;
    fewer_bytes(f);
}
static void no_bytes_on_both(Fixture *f) {
    fixture_arg(f, 0, fixture_op(f, 0, OP_send, 0), "bytes")->value = 0;
    fixture_arg(f, 1, fixture_op(f, 1, OP_recv, 0), "bytes")->value = 0;
}
static void shift_one_end(Fixture *f) {
    fixture_arg(f, 2, fixture_op(f, 2, OP_recv, 0), "buffer")->delta += 4;
}
/* Member 1 hands on the rows of member 0. */
static void shift_both_ends(Fixture *f) {
    fixture_arg(f, 1, fixture_op(f, 1, OP_send, 0), "buffer")->delta = 0;
    fixture_arg(f, 3, fixture_op(f, 3, OP_recv, 0), "buffer")->delta = 0;
}
static void send_other_buffer(Fixture *f) {
    fixture_arg(f, 0, fixture_op(f, 0, OP_send, 0), "buffer")->value =
        fixture_buffer(f, 0, "prefill_normed_m0");
}
static void send_other_microbatch(Fixture *f) {
    fixture_arg(f, 1, fixture_op(f, 1, OP_send, 1), "buffer")->value =
        fixture_buffer(f, 1, "prefill_residual_m0");
}
static void receive_into_other_microbatch(Fixture *f) {
    fixture_arg(f, 1, fixture_op(f, 1, OP_recv, 1), "buffer")->value =
        fixture_buffer(f, 1, "prefill_residual_m0");
}
static void both_send(Fixture *f) {
    op_of(f, 1, OP_recv, 0)->kind = OP_send;
}
static void both_receive(Fixture *f) {
    op_of(f, 0, OP_send, 0)->kind = OP_recv;
}
/* Rank 3 gets its rows from ranks 0 and 1. */
static void drop_one_of_two_givers(Fixture *f) {
    drop_op(f, 1, fixture_op(f, 1, OP_send, 0));
    drop_op(f, 3, fixture_op(f, 3, OP_recv, 1));
}
static void same_rows_from_both(Fixture *f) {
    int64_t delta = fixture_arg(f, 3, fixture_op(f, 3, OP_recv, 0), "buffer")->delta;
    fixture_arg(f, 1, fixture_op(f, 1, OP_send, 0), "buffer")->delta = delta;
    fixture_arg(f, 3, fixture_op(f, 3, OP_recv, 1), "buffer")->delta = delta;
}
static void send_before_layers(Fixture *f) {
    RankStep *step = &f->schedule.ranks[1].steps[0];
    Segment kept = step->segments.items[1];
    step->segments.items[1] = step->segments.items[2];
    step->segments.items[2] = kept;
}
static void to_another_copy(Fixture *f) {
    trade_places(f, 1, 3);
}
static void stages_out_of_order(Fixture *f) {
    trade_places(f, 1, 2);
}
static void drop_pair_waits(Fixture *f) {
    for (int64_t i = 0; i < f->schedule.ranks[1].ops.count; ++i)
        if (op_info[f->schedule.ranks[1].ops.items[i].kind].class == OPCLASS_PAIR)
            f->schedule.ranks[1].ops.items[i].waits[0] = -1;
}
static void pair_as_collective(Fixture *f) {
    f->schedule.channels.items[op_of(f, 0, OP_send, 0)->channel].is_pair = false;
}
static void pair_of_three(Fixture *f) {
    Channel *channel = &f->schedule.channels.items[op_of(f, 0, OP_send, 0)->channel];
    *(int64_t *)LIST_PUSH(&f->arena, &channel->ranks) = 3;
}

/* --- tokens back to the first stage -------------------------------------------------------------------- */

static int64_t tokens_op(const Fixture *f, int64_t rank, OpKind kind, int64_t n) {
    const RankSchedule *of = &f->schedule.ranks[rank];
    for (int64_t i = 0; i < of->ops.count; ++i)
        if (of->ops.items[i].kind == (int64_t)kind && of->ops.items[i].part == PART_TOKENS &&
            n-- == 0)
            return i;
    fail_msg("rank %d has no such operation", (int)rank);
    return -1;
}
static void drop_tokens(Fixture *f) {
    drop_op(f, 3, tokens_op(f, 3, OP_send, 0));
    drop_op(f, 0, tokens_op(f, 0, OP_recv, 0));
}
/* The first stage never hears of the tokens, in no step and micro-batch. */
static void drop_all_tokens(Fixture *f) {
    for (int n = 0; n < 4; ++n) {
        drop_op(f, 3, tokens_op(f, 3, OP_send, 0));
        drop_op(f, 0, tokens_op(f, 0, OP_recv, 0));
        drop_op(f, 0, tokens_op(f, 0, OP_finish, 0));
    }
}
static void tokens_not_sent(Fixture *f) {
    drop_op(f, 3, tokens_op(f, 3, OP_send, 1));
}
/* Rank 0 wants tokens before it has sent the rows that they come from. */
static void tokens_too_early(Fixture *f) {
    int64_t first = tokens_op(f, 0, OP_recv, 0), last = fixture_op(f, 0, OP_send, 1);
    Segment *tokens = segment_of(f, 0, first), *rows = segment_of(f, 0, last), kept = *tokens;
    *tokens = *rows;
    *rows = kept;
}
static void swap_tokens(Fixture *f) {
    int64_t a = tokens_op(f, 0, OP_recv, 0), b = tokens_op(f, 0, OP_recv, 1);
    Segment *x = segment_of(f, 0, a), *y = segment_of(f, 0, b), kept = *x;
    *x = *y;
    *y = kept;
}
static void finish_reports_too(Fixture *f) {
    fixture_arg(f, 0, tokens_op(f, 0, OP_finish, 0), "report")->value = 1;
}

/* --- layers of a stage --------------------------------------------------------------------------------- */

static Segment *layers_of(Fixture *f, int64_t rank) {
    return segment_of(f, rank, fixture_op(f, rank, OP_attention, 0));
}
static void lose_layer(Fixture *f) {
    --layers_of(f, 2)->layers.end;
}
static void layer_twice(Fixture *f) {
    RankStep *step = &f->schedule.ranks[0].steps[0];
    *(Segment *)LIST_PUSH(&f->arena, &step->segments) = *layers_of(f, 0);
}
static void foreign_layer(Fixture *f) {
    ++layers_of(f, 0)->layers.end;
}
/* Layers of a stage backwards: the body in two segments, the later layer first. */
static void layers_backwards(Fixture *f) {
    for (int64_t rank = 0; rank < 2; ++rank) {
        RankStep *step = &f->schedule.ranks[rank].steps[0];
        Segment *body = layers_of(f, rank), later = *body;
        int64_t index = body - step->segments.items;
        LIST_PUSH(&f->arena, &step->segments);
        body = &step->segments.items[index];
        memmove(body + 1, body, (size_t)(step->segments.count - 1 - index) * sizeof *body);
        later.layers.begin = later.layers.end - 1;
        body[0] = later;
        --body[1].layers.end;
    }
}
static void rows_before_positions(Fixture *f) {
    drop_op(f, 1, fixture_op(f, 1, OP_begin, 0));
}
static void lose_stage_weights(Fixture *f) {
    --fixture_holding(f, 1, TENSOR_FFN_NORM, 0)->layers.end;
}
static void no_head(Fixture *f) {
    drop_op(f, 3, fixture_op(f, 3, OP_choose, 0));
}

static const Mutant mutants[] = {
    {"drop a member's weighted sum", MIXTRAL, TENSOR, "coverage.work", drop_weighted_sum},
    {"drop the sums over experts", MIXTRAL, TENSOR, "provenance.reduce", drop_ffn_output},
    {"drop what adds them", MIXTRAL, TENSOR, "lifetime.unread", drop_ffn_add},
    {"sum with the residual in", MIXTRAL, TENSOR, "provenance.reduce", sum_with_base},
    {"sum some rows", MIXTRAL, TENSOR, "coverage.share", sum_some_rows},
    {"sum over experts twice", MIXTRAL, TENSOR, "provenance.reduce", sum_ffn_once_more},
    {"another's slot", MIXTRAL, TENSOR, "coverage.routes", other_slot},
    {"no slot", MIXTRAL, TENSOR, "coverage.routes", no_slot},
    {"another target", MIXTRAL, TENSOR, "coverage.routes", other_target},
    {"a column twice", MIXTRAL, TENSOR, "coverage.experts", column_twice},
    {"a column served twice", MIXTRAL, TENSOR, "coverage.routes", column_twice},
    {"columns of another", MIXTRAL, TENSOR, "coverage.routes", columns_of_another},
    {"a replica of another", MIXTRAL, REPLICAS, "coverage.routes", replica_of_another},
    {"a replica's down of another", MIXTRAL, REPLICAS, "coverage.routes", replica_down_of_another},
    {"a replica lacks columns", MIXTRAL, REPLICAS, "coverage.routes", replica_lacks_columns},
    {"a replica lacks down", MIXTRAL, REPLICAS, "coverage.routes", replica_lacks_down},
    {"a replica lacks gate", MIXTRAL, REPLICAS, "coverage.routes", replica_lacks_gate},
    {"a part lacks its bias", MA_SMALL, TENSOR, "coverage.routes", part_lacks_bias},
    {"a replica lacks layers", MIXTRAL, REPLICAS, "coverage.routes", replica_lacks_layers},
    {"a replica is primary", MIXTRAL, REPLICAS, "coverage.experts", replica_is_primary},
    {"a route to no replica", MIXTRAL, REPLICAS, "coverage.routes", route_to_no_replica},
    {"drop a send", MA_SMALL, STAGES, "order.channel", drop_send},
    {"drop a send, waiting", MA_SMALL, GRID, "order.cycle", drop_send},
    {"drop a send and its recv", MA_SMALL, STAGES, "lifetime.unwritten", drop_send_and_recv},
    {"receive on another pair", MA_SMALL, STAGES, "order.channel", other_pair},
    {"receive on a foreign pair", MA_SMALL, STAGES, "shape.ids", foreign_pair},
    {"sum on a pair", MA_SMALL, GRID, "shape.ids", pair_for_collective},
    {"fewer bytes at one end", MA_SMALL, STAGES, "match.collective", fewer_bytes},
    {"fewer bytes at both", MA_SMALL, STAGES, "provenance.gather", fewer_bytes_on_both},
    {"no bytes at both", MA_SMALL, STAGES, "provenance.gather", no_bytes_on_both},
    {"shift one end", MA_SMALL, GRID, "match.collective", shift_one_end},
    {"shift both ends", MA_SMALL, GRID, "provenance.gather", shift_both_ends},
    {"shift both, sharded", MA_SMALL, GRID_SHARDED, "provenance.gather", fewer_bytes_on_both},
    {"send another buffer", MA_SMALL, STAGES, "lifetime.unread", send_other_buffer},
    {"send another micro-batch", MA_SMALL, STAGES, "lifetime.stale", send_other_microbatch},
    {"receive into another", MA_SMALL, STAGES, "lifetime.unwritten", receive_into_other_microbatch},
    {"both send", MA_SMALL, STAGES, "match.collective", both_send},
    {"both receive", MA_SMALL, STAGES, "match.collective", both_receive},
    {"drop one of two givers", MA_SMALL, UNEVEN, "provenance.gather", drop_one_of_two_givers},
    {"the same rows from both", MA_SMALL, UNEVEN, "provenance.gather", same_rows_from_both},
    {"the same rows, once unread", MA_SMALL, UNEVEN, "lifetime.unread", same_rows_from_both},
    {"send before the layers", MA_SMALL, STAGES, "lifetime.unread", send_before_layers},
    {"to another copy", MA_SMALL, COPIES, "match.collective", to_another_copy},
    {"stages out of order", MA_SMALL, STAGES, "match.collective", stages_out_of_order},
    {"drop waits of pairs", MA_SMALL, STAGES, "order.race", drop_pair_waits},
    {"a pair as a collective", MA_SMALL, STAGES, "shape.ids", pair_as_collective},
    {"a pair of three", MA_SMALL, STAGES, "shape.ids", pair_of_three},
    {"drop tokens", MA_SMALL, STAGES, "lifetime.unwritten", drop_tokens},
    {"drop all tokens", MA_SMALL, STAGES, "coverage.work", drop_all_tokens},
    {"tokens not sent", MA_SMALL, STAGES, "order.cycle", tokens_not_sent},
    {"tokens too early", MA_SMALL, STAGES, "order.cycle", tokens_too_early},
    {"swap tokens", MA_SMALL, STAGES, "order.channel", swap_tokens},
    {"report from both stages", MA_SMALL, STAGES, "coverage.results", finish_reports_too},
    {"lose a layer", MA_SMALL, STAGES, "coverage.work", lose_layer},
    {"a layer twice", MA_SMALL, STAGES, "coverage.work", layer_twice},
    {"a foreign layer", MA_SMALL, STAGES, "shape.ids", foreign_layer},
    {"layers backwards", MA_SMALL, "tp-pp:tp=2,pp=2", "coverage.work", layers_backwards},
    {"no positions", MA_SMALL, STAGES, "lifetime.unwritten", rows_before_positions},
    {"lose a stage's weights", MA_SMALL, COPIES, "coverage.tensors", lose_stage_weights},
    {"no choice", MA_SMALL, STAGES, "coverage.work", no_head},
};

static void every_mutant_is_refused(void **state) {
    (void)state;
    mutants_are_refused(mutants, sizeof mutants / sizeof *mutants, 12);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_mutant_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
