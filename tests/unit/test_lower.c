/* Lowering: what a plan becomes on each rank. Plans come from the planner and are then edited, as a person
 * would edit plan.json, to reach what no shipped strategy asks for. */
#include "plan/planner.h"
#include "schedule/place.h"
#include "schedule/schedule.h"
#include "test.h"

#include <string.h>

#define MIXTRAL TEST_SOURCE "/tests/data/mixtral-tiny"
#define SOURCE_MODEL TEST_SOURCE "/models/ma-small.yaml"
#define CLUSTER TEST_SOURCE "/topologies/a100-4x4.yaml"

typedef struct Case {
    Arena arena;
    Diag diag;
    Plan plan;
    Schedule schedule;
} Case;

static void make_plan(Case *c, const char *model, const char *strategy, int64_t batch) {
    memset(c, 0, sizeof *c);
    c->diag.arena = &c->arena;
    PlanInputs *inputs = &c->plan.inputs;
    assert_int_equal(model_read(&c->arena, model, NULL, &inputs->model, &c->diag), STATUS_OK);
    assert_int_equal(topology_read(&c->arena, CLUSTER, &inputs->topology, &c->diag), STATUS_OK);
    inputs->workload = (Workload){
        .batch = batch, .prefill = 24, .context = 64, .dtype = ELEMENT_F32, .candidates = 1};
    PlannerRequest request = {.strategy = strategy};
    assert_int_equal(planner_run(&c->arena, &request, &c->plan, &c->diag), STATUS_OK);
}

static void lower(Case *c) {
    Status status = schedule_lower(&c->arena, &c->plan, &c->schedule, &c->diag);
    if (status != STATUS_OK)
        diag_render(&c->diag, stderr);
    assert_int_equal(status, STATUS_OK);
}

static void make_schedule(Case *c, const char *model, const char *strategy, int64_t batch) {
    make_plan(c, model, strategy, batch);
    lower(c);
}

static int64_t count_ops(const Case *c, int64_t rank, int64_t step, OpKind kind) {
    const RankSchedule *each = &c->schedule.ranks[rank];
    int64_t count = 0;
    for (int64_t s = 0; s < each->steps[step].segments.count; ++s) {
        const Segment *segment = &each->steps[step].segments.items[s];
        for (int64_t i = segment->first; i < segment->first + segment->count; ++i)
            if (each->ops.items[i].kind == (int64_t)kind)
                count += segment->layers.end - segment->layers.begin;
    }
    return count;
}

static const Op *first_op(const Case *c, int64_t rank, OpKind kind) {
    const RankSchedule *each = &c->schedule.ranks[rank];
    for (int64_t i = 0; i < each->ops.count; ++i)
        if (each->ops.items[i].kind == (int64_t)kind)
            return &each->ops.items[i];
    return NULL;
}

static int64_t int_arg(const Op *op, const char *name) {
    return op->args[op_arg((OpKind)op->kind, name)].value;
}

static void one_rank_needs_no_move(void **state) {
    Case c;
    make_schedule(&c, MIXTRAL, "single", 3);
    assert_int_equal(c.schedule.world, 1);
    assert_string_equal(c.schedule.roles.items[0].name, "worker");
    for (int64_t i = 0; i < c.schedule.ranks[0].ops.count; ++i) {
        OpClass class = op_info[c.schedule.ranks[0].ops.items[i].kind].class;
        assert_true(class == OPCLASS_KERNEL || class == OPCLASS_REQUEST);
    }
    const Op *pack = first_op(&c, 0, OP_pack), *ffn = first_op(&c, 0, OP_expert_ffn);
    assert_int_equal(int_arg(pack, "send_rows"), int_arg(ffn, "in"));
    arena_free(&c.arena);
}

static void uneven_heads_are_columns_of_one_role(void **state) {
    Case c;
    make_schedule(&c, MIXTRAL, "ma-separation:attention=6,experts=2,groups=1,output=flat", 3);
    assert_int_equal(c.schedule.roles.count, 2);
    const Role *role = &c.schedule.roles.items[0];
    assert_string_equal(role->name, "attention");
    assert_int_equal(role->ranks.count, 6);
    static const int64_t heads[] = {2, 2, 1, 1, 1, 1};
    bool found = false;
    for (int64_t i = 0; i < role->columns.count; ++i)
        if (strcmp(role->columns.items[i].name, "heads") == 0) {
            assert_memory_equal(role->columns.items[i].values, heads, sizeof heads);
            found = true;
        }
    assert_true(found);
    assert_string_equal(c.schedule.roles.items[1].name, "experts");
    arena_free(&c.arena);
}

static void every_row_has_one_owner(void **state) {
    Case c;
    make_schedule(&c, MIXTRAL, "ma-separation:attention=5,experts=3,groups=2,microbatches=2", 7);
    for (int64_t i = 0; i < c.schedule.exchanges.count; ++i) {
        const Exchange *exchange = &c.schedule.exchanges.items[i];
        int64_t tokens = exchange->sources.items[0].tokens, rows = 0;
        for (int64_t s = 0; s < exchange->sources.count; ++s)
            rows += exchange_source_rows(exchange, s);
        assert_int_equal(rows % tokens, 0);
        int64_t other = i ^ 1, both = rows;
        for (int64_t s = 0; s < exchange->sources.count; ++s)
            both += exchange_source_rows(&c.schedule.exchanges.items[other], s);
        assert_int_equal(both, 7 * tokens);
    }
    arena_free(&c.arena);
}

static void capacity_counts_whole_sequences_in_prefill_only(void **state) {
    Case c;
    make_schedule(&c, SOURCE_MODEL,
                  "ma-separation:attention=12,experts=4,groups=1,output=flat,microbatches=1", 4);
    assert_int_equal(count_ops(&c, 0, 0, OP_capacity), 4);
    assert_int_equal(count_ops(&c, 0, 1, OP_capacity), 0);
    /* choices, residual and, at the head, the candidates */
    assert_int_equal(count_ops(&c, 0, 0, OP_all_gather), 4 + 4 + 1);
    assert_int_equal(count_ops(&c, 0, 1, OP_all_gather), 4 + 1);
    arena_free(&c.arena);
}

static void sharded_residual_gathers_before_projections(void **state) {
    Case c;
    make_schedule(&c, SOURCE_MODEL,
                  "ma-separation:attention=12,experts=4,groups=1,output=sharded,microbatches=1", 4);
    assert_int_equal(count_ops(&c, 0, 1, OP_reduce_scatter), 4);
    assert_int_equal(count_ops(&c, 0, 1, OP_all_reduce), 0);
    assert_int_equal(count_ops(&c, 0, 1, OP_all_gather), 4 + 1 + 1);
    arena_free(&c.arena);
}

static void split_embedding_is_summed(void **state) {
    Case c;
    make_schedule(
        &c, MIXTRAL,
        "ma-separation:attention=3,experts=2,groups=1,output=flat,embedding=split,microbatches=1",
        3);
    assert_int_equal(count_ops(&c, 0, 1, OP_all_reduce), 2 + 1);
    arena_free(&c.arena);
    make_schedule(
        &c, MIXTRAL,
        "ma-separation:attention=3,experts=2,groups=1,output=flat,embedding=copied,microbatches=1",
        3);
    assert_int_equal(count_ops(&c, 0, 1, OP_all_reduce), 2);
    arena_free(&c.arena);
}

static void shared_key_value_heads_are_copies(void **state) {
    Case c;
    make_schedule(&c, MIXTRAL, "ma-separation:attention=6,experts=2,groups=1", 3);
    int64_t primary = 0, all = 0;
    for (int64_t r = 0; r < 6; ++r)
        for (int64_t i = 0; i < c.schedule.ranks[r].holdings.count; ++i) {
            const Holding *holding = &c.schedule.ranks[r].holdings.items[i];
            if (holding->tensor != TENSOR_KEY)
                continue;
            all += holding->rows.end - holding->rows.begin;
            primary += holding->primary ? holding->rows.end - holding->rows.begin : 0;
        }
    assert_int_equal(primary, 4 * 8); /* 4 key-value heads of 8 */
    assert_int_equal(all, 6 * 8);     /* 2,2,1,1,1,1 query heads need 1,1,1,1,1,1 */
    arena_free(&c.arena);
}

static void coinciding_holders_sum_instead_of_sending(void **state) {
    Case c;
    make_schedule(&c, MIXTRAL, "tp:tp=3", 3);
    assert_int_equal(c.schedule.roles.count, 1);
    assert_int_equal(count_ops(&c, 0, 1, OP_dispatch) + count_ops(&c, 0, 1, OP_combine), 0);
    assert_int_equal(count_ops(&c, 0, 1, OP_all_reduce), 2 + 2); /* heads and experts, a layer */
    for (int64_t i = 0; i < c.schedule.exchanges.count; ++i) {
        const Exchange *exchange = &c.schedule.exchanges.items[i];
        assert_true(exchange->local);
        int64_t rows = exchange->step == 0 ? 3 * 24 : 3;
        assert_int_equal(exchange_source_rows(exchange, 0),
                         rows); /* every member routes all rows */
    }
    assert_int_equal(int_arg(first_op(&c, 0, OP_weighted_sum), "base"), -1);
    arena_free(&c.arena);
    make_schedule(&c, MIXTRAL, "tp:tp=3,output=sharded", 3);
    assert_int_equal(count_ops(&c, 0, 1, OP_reduce_scatter), 2 + 2);
    assert_int_equal(count_ops(&c, 0, 1, OP_all_gather), 2 + 2 + 1 + 1);
    arena_free(&c.arena);
}

static void owners_may_hold_experts_too(void **state) {
    Case c;
    make_schedule(&c, MIXTRAL, "ep:ep=3", 3);
    assert_int_equal(c.schedule.exchanges.items[0].sources.count, 3);
    assert_int_equal(c.schedule.exchanges.items[0].targets.count, 3);
    const Op *dispatch = first_op(&c, 1, OP_dispatch);
    assert_true(int_arg(dispatch, "send_rows") >= 0 && int_arg(dispatch, "recv_rows") >= 0);
    arena_free(&c.arena);
    make_schedule(&c, MIXTRAL, "ep:ep=12", 12); /* 8 experts: four have a replica */
    assert_true(c.schedule.routes.count > 1);
    arena_free(&c.arena);
}

static void stages_hand_rows_to_their_owners(void **state) {
    Case c;
    make_schedule(&c, MIXTRAL, "tp-pp:tp=3,pp=2,microbatches=2", 5);
    assert_int_equal(c.schedule.world, 6);
    for (int64_t r = 0; r < 6; ++r) {
        const RankSchedule *rank = &c.schedule.ranks[r];
        assert_int_equal(count_ops(&c, r, 1, OP_embed), r < 3 ? 2 : 0);
        assert_int_equal(count_ops(&c, r, 1, OP_head), r < 3 ? 0 : 2);
        assert_int_equal(count_ops(&c, r, 1, OP_attention), 2); /* one layer, two micro-batches */
        /* rows there and tokens back, a micro-batch */
        assert_int_equal(count_ops(&c, r, 1, OP_send), 2);
        assert_int_equal(count_ops(&c, r, 1, OP_recv), 2);
        for (int64_t i = 0; i < rank->buffers.count; ++i)
            if (strcmp(rank->buffers.items[i].name, "keys") == 0) {
                assert_int_equal(rank->buffers.items[i].first_layer, r < 3 ? 0 : 1);
                assert_int_equal(rank->buffers.items[i].layers, 1);
            }
    }
    arena_free(&c.arena);
}

static void stages_need_a_handover(void **state) {
    Case c;
    make_plan(&c, MIXTRAL, "pp:pp=2", 3);
    for (int64_t s = 0; s < c.plan.steps.count; ++s)
        c.plan.steps.items[s].moves.count = 0;
    assert_int_equal(schedule_lower(&c.arena, &c.plan, &c.schedule, &c.diag), STATUS_DATA);
    assert_string_equal(c.diag.messages[0].code, "E0522");
    arena_free(&c.arena);
}

static void experts_may_move_between_layers(void **state) {
    Case c;
    make_plan(&c, MIXTRAL, "ma-separation:attention=2,experts=2", 3);
    PlanStage *stage = &c.plan.stages.items[0];
    int64_t count = stage->experts.count;
    for (int64_t i = 0; i < count; ++i) { /* layer 1 has the two expert ranks swapped */
        PlanExpert swapped = stage->experts.items[i];
        swapped.layers = (Range){1, 2};
        swapped.rank = swapped.rank == 2 ? 3 : 2;
        stage->experts.items[i].layers = (Range){0, 1};
        *(PlanExpert *)LIST_PUSH(&c.arena, &stage->experts) = swapped;
    }
    lower(&c);
    const RouteTable *route = &c.schedule.routes.items[0];
    int64_t experts = c.plan.inputs.model.experts;
    assert_int_equal(route->rows, 2);
    for (int64_t e = 0; e < experts; ++e)
        assert_int_equal(route->target[route_parts_at(route, experts, 0, e)] +
                             route->target[route_parts_at(route, experts, 1, e)],
                         1);
    bool second = false;
    for (int64_t i = 0; i < c.schedule.ranks[2].holdings.count; ++i)
        second |= c.schedule.ranks[2].holdings.items[i].layers.begin == 1;
    assert_true(second);
    arena_free(&c.arena);
}

static void column_parts_are_summed_in_order(void **state) {
    Case c;
    make_plan(&c, MIXTRAL, "ma-separation:attention=2,experts=2", 3);
    PlanStage *stage = &c.plan.stages.items[0];
    int64_t count = stage->experts.count;
    for (int64_t i = 0; i < count;
         ++i) { /* every expert cut in two unequal parts on the two ranks */
        stage->experts.items[i].columns = (Range){0, 48};
        PlanExpert rest = stage->experts.items[i];
        rest.columns = (Range){48, 128};
        rest.rank = rest.rank == 2 ? 3 : 2;
        *(PlanExpert *)LIST_PUSH(&c.arena, &stage->experts) = rest;
    }
    lower(&c);
    assert_int_equal(c.schedule.parts, 2);
    const RouteTable *route = &c.schedule.routes.items[0];
    assert_int_equal(route->rows, 1); /* all layers are alike */
    for (int64_t i = 0; i < c.plan.inputs.model.experts; ++i)
        assert_int_equal(route->target[2 * i] + route->target[2 * i + 1], 1);
    assert_int_equal(int_arg(first_op(&c, 2, OP_expert_ffn), "columns"), 80);
    arena_free(&c.arena);
}

static void the_nearest_replica_is_used(void **state) {
    Case c;
    make_plan(&c, MIXTRAL, "ma-separation:attention=4,experts=2,groups=4,placement=packed", 4);
    PlanStage *stage = &c.plan.stages.items[0];
    int64_t count = stage->experts.count;
    for (int64_t i = 0; i < count; ++i) { /* both expert ranks hold all experts */
        PlanExpert copy = stage->experts.items[i];
        copy.rank = copy.rank == 4 ? 5 : 4;
        copy.replica = copy.rank == 4 ? 0 : 1;
        stage->experts.items[i].replica = copy.replica ? 0 : 1;
        *(PlanExpert *)LIST_PUSH(&c.arena, &stage->experts) = copy;
    }
    c.plan.replica_choice = REPLICA_NEAREST;
    c.plan.ranks.items[4].node = 0;
    c.plan.ranks.items[5].node = 1;
    for (int64_t r = 0; r < 4; ++r)
        c.plan.ranks.items[r].node = r % 2;
    lower(&c);
    assert_int_equal(c.schedule.routes.count, 2);
    for (int64_t r = 0; r < 4; ++r) {
        const RouteTable *route =
            &c.schedule.routes.items[int_arg(first_op(&c, r, OP_pack), "routes")];
        assert_int_equal(route->target[0], r % 2);
    }
    arena_free(&c.arena);
}

static void copies_repeat_the_structure(void **state) {
    Case c;
    make_schedule(&c, MIXTRAL, "ma-separation:attention=2,experts=2,dp=2", 5);
    assert_int_equal(c.schedule.world, 8);
    assert_int_equal(c.schedule.roles.count, 2);
    assert_int_equal(int_arg(first_op(&c, 0, OP_begin), "first"), 0);
    int64_t first = int_arg(first_op(&c, 4, OP_begin), "first");
    assert_int_equal(first, 3); /* ceil(5 / 2) sequences a copy */
    for (int64_t i = 0; i < c.schedule.channels.count; ++i) {
        const IntList *ranks = &c.schedule.channels.items[i].ranks;
        assert_int_equal(ranks->items[0] / 4, ranks->items[ranks->count - 1] / 4);
    }
    arena_free(&c.arena);
}

static void moves_wait_for_what_they_need_and_nothing_else(void **state) {
    Case c;
    make_schedule(&c, SOURCE_MODEL,
                  "ma-separation:attention=12,experts=4,groups=1,output=flat,microbatches=2", 8);
    const RankSchedule *rank = &c.schedule.ranks[0];
    for (int64_t i = 0; i < rank->ops.count; ++i) {
        const Op *op = &rank->ops.items[i];
        if (op->kind == OP_dispatch) {
            assert_int_equal(op->waits[0], i - 1);
            assert_int_equal(op->waits[1], -1);
        }
        /* the expert results of a micro-batch wait for its packing only: never for the other's compute */
        for (int w = 0; op->kind == OP_combine && w < OP_WAITS && op->waits[w] >= 0; ++w) {
            assert_int_equal(rank->ops.items[op->waits[w]].kind, OP_pack);
            assert_int_equal(rank->ops.items[op->waits[w]].microbatch, op->microbatch);
        }
    }
    arena_free(&c.arena);
}

static void a_rank_without_order_is_refused(void **state) {
    Case c;
    make_plan(&c, MIXTRAL, "ma-separation:attention=2,experts=2", 3);
    c.plan.steps.items[1].orders.items[0].ranks.count -= 1;
    assert_int_equal(schedule_lower(&c.arena, &c.plan, &c.schedule, &c.diag), STATUS_DATA);
    assert_string_equal(c.diag.messages[0].code, "E0521");
    arena_free(&c.arena);
}

static void a_missing_move_is_refused(void **state) {
    Case c;
    make_plan(&c, MIXTRAL, "ma-separation:attention=2,experts=2,groups=1", 3);
    PlanStep *step = &c.plan.steps.items[0];
    for (int64_t i = 0; i < step->moves.count; ++i)
        if (step->moves.items[i].kind == MOVE_ATTENTION_OUTPUT)
            step->moves.items[i] = step->moves.items[--step->moves.count];
    assert_int_equal(schedule_lower(&c.arena, &c.plan, &c.schedule, &c.diag), STATUS_DATA);
    assert_string_equal(c.diag.messages[0].code, "E0522");
    arena_free(&c.arena);
}

static void moves_of_an_exchange_must_agree(void **state) {
    Case c;
    make_plan(&c, MIXTRAL, "ma-separation:attention=2,experts=2,groups=1", 3);
    PlanStep *step = &c.plan.steps.items[0];
    for (int64_t i = 0; i < step->moves.count; ++i)
        if (step->moves.items[i].kind == MOVE_COMBINE)
            step->moves.items[i].chunk = 7;
    assert_int_equal(schedule_lower(&c.arena, &c.plan, &c.schedule, &c.diag), STATUS_DATA);
    assert_string_equal(c.diag.messages[0].code, "E0523");
    arena_free(&c.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_rank_needs_no_move),
        cmocka_unit_test(uneven_heads_are_columns_of_one_role),
        cmocka_unit_test(every_row_has_one_owner),
        cmocka_unit_test(capacity_counts_whole_sequences_in_prefill_only),
        cmocka_unit_test(sharded_residual_gathers_before_projections),
        cmocka_unit_test(split_embedding_is_summed),
        cmocka_unit_test(shared_key_value_heads_are_copies),
        cmocka_unit_test(coinciding_holders_sum_instead_of_sending),
        cmocka_unit_test(owners_may_hold_experts_too),
        cmocka_unit_test(stages_hand_rows_to_their_owners),
        cmocka_unit_test(stages_need_a_handover),
        cmocka_unit_test(experts_may_move_between_layers),
        cmocka_unit_test(column_parts_are_summed_in_order),
        cmocka_unit_test(the_nearest_replica_is_used),
        cmocka_unit_test(copies_repeat_the_structure),
        cmocka_unit_test(moves_wait_for_what_they_need_and_nothing_else),
        cmocka_unit_test(a_rank_without_order_is_refused),
        cmocka_unit_test(a_missing_move_is_refused),
        cmocka_unit_test(moves_of_an_exchange_must_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
