/* Mutants: good schedules that are broken in one way each. The rule that is made for that way
 * must refuse it; others may refuse it too. */
#include "mutant.h"

#define HEADS_SPLIT "ma-separation:attention=6,experts=2,groups=1,output=flat"
#define TWO_BATCHES "ma-separation:attention=4,experts=2,groups=2,microbatches=2,output=flat"
#define ENTRIES_SPLIT "ma-separation:attention=6,experts=2,groups=1,embedding=split,output=flat"
#define SHARDED "ma-separation:attention=6,experts=2,groups=1,output=sharded"

/* --- mutants
 * ------------------------------------------------------------------------------------------ */

static void drop_attention(Fixture *f) {
    drop_op(f, 2, fixture_op(f, 2, OP_attention, 0));
}
static void drop_rotation(Fixture *f) {
    drop_op(f, 2, fixture_op(f, 2, OP_rope_append, 0));
}
static void drop_one_reduce(Fixture *f) {
    drop_op(f, 2, fixture_op(f, 2, OP_all_reduce, 0));
}
static void drop_all_reduces(Fixture *f) {
    drop_everywhere(f, OP_all_reduce);
}
static void drop_all_gathers(Fixture *f) {
    drop_everywhere(f, OP_all_gather);
}
static void reduce_twice(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank) {
        RankSchedule *of = &f->schedule.ranks[rank];
        for (int64_t i = 0; i + 1 < of->ops.count; ++i)
            if (of->ops.items[i].kind == OP_all_reduce && of->ops.items[i + 1].kind == OP_add)
                of->ops.items[i + 1] = of->ops.items[i];
    }
}
static void swap_moves(Fixture *f) {
    swap_ops(f, 0, fixture_op(f, 0, OP_dispatch, 0), fixture_op(f, 0, OP_all_reduce, 0));
}
static void swap_microbatches(Fixture *f) {
    int64_t a = fixture_op(f, 0, OP_all_reduce, 0), b = fixture_op(f, 0, OP_all_reduce, 1);
    swap_ops(f, 0, a, b);
}
static void fewer_units(Fixture *f) {
    --fixture_arg(f, 3, fixture_op(f, 3, OP_all_reduce, 0), "units")->value;
}
static void other_collective(Fixture *f) {
    f->schedule.ranks[3].ops.items[fixture_op(f, 3, OP_all_reduce, 0)].kind = OP_all_gather;
}
static void small_window(Fixture *f) {
    buffer_of(f, 6, "prefill_recv_rows_m0")->bytes -= 4;
}
static void small_activation(Fixture *f) {
    buffer_of(f, 0, "prefill_qkv_m0")->bytes -= 4;
}
static void small_workspace(Fixture *f) {
    buffer_of(f, 0, "workspace")->bytes = 4;
}
static void overlap_live(Fixture *f) {
    buffer_of(f, 0, "prefill_residual_m0")->offset = buffer_of(f, 0, "prefill_normed_m0")->offset;
}
static void lose_head_weights(Fixture *f) {
    fixture_holding(f, 1, TENSOR_QUERY, 0)->rows.end -= f->plan.inputs.model.head_dim;
}
static void lose_head_work(Fixture *f) {
    for (int64_t n = 0; n < 2; ++n)
        --fixture_arg(f, 1, fixture_op(f, 1, OP_attention, n), "heads")->value;
}
static void lose_kv_head(Fixture *f) {
    ++fixture_arg(f, 1, fixture_op(f, 1, OP_attention, 0), "kv_begin")->value;
}
static void double_expert(Fixture *f) {
    fixture_holding(f, 6, TENSOR_EXPERT_UP, 1)->expert = 0;
}
static void lose_columns(Fixture *f) {
    --fixture_holding(f, 7, TENSOR_EXPERT_DOWN, 0)->columns.end;
}
static void lose_dense_columns(Fixture *f) {
    --fixture_holding(f, 1, TENSOR_DENSE_DOWN, 0)->columns.end;
}
static void lose_norm(Fixture *f) {
    fixture_holding(f, 0, TENSOR_FFN_NORM, 0)->primary = false;
}
static void misplace_weights(Fixture *f) {
    Holding *holding = fixture_holding(f, 2, TENSOR_FFN_NORM, 0);
    holding->buffer = fixture_holding(f, 2, TENSOR_ATTENTION_NORM, 0)->buffer;
}
static void wrong_slot(Fixture *f) {
    f->schedule.routes.items[0].slot[1] = f->schedule.routes.items[0].slot[0];
}
static void no_route(Fixture *f) {
    f->schedule.routes.items[0].target[5] = -1;
}
static void lose_entries(Fixture *f) {
    for (int64_t n = 0; n < 2; ++n)
        --fixture_arg(f, 5, fixture_op(f, 5, OP_embed, n), "entries")->value;
}
static void wrong_requests(Fixture *f) {
    ++fixture_arg(f, 0, fixture_op(f, 0, OP_begin, 0), "first")->value;
}
static void report_twice(Fixture *f) {
    fixture_arg(f, 1, fixture_op(f, 1, OP_finish, 0), "report")->value = 1;
}
static void retarget_exchange(Fixture *f) {
    RankSchedule *rank = &f->schedule.ranks[4];
    rank->ops.items[fixture_op(f, 4, OP_dispatch, 0)].exchange =
        rank->ops.items[fixture_op(f, 4, OP_dispatch, 1)].exchange;
}
static void pack_for_other(Fixture *f) {
    fixture_arg(f, 0, fixture_op(f, 0, OP_pack, 0), "exchange")->value =
        fixture_arg(f, 0, fixture_op(f, 0, OP_pack, 1), "exchange")->value;
}
static void lose_window(Fixture *f) {
    fixture_arg(f, 6, fixture_op(f, 6, OP_dispatch, 0), "recv_meta")->value = -1;
}
static Channel *channel_of(Fixture *f, int64_t rank, OpKind kind) {
    int64_t op = fixture_op(f, rank, kind, 0);
    return &f->schedule.channels.items[f->schedule.ranks[rank].ops.items[op].channel];
}
static void wrong_piece_gathered(Fixture *f) {
    Channel *channel = channel_of(f, 0, OP_all_gather);
    channel->own.items[1] = channel->own.items[0];
}
static void wrong_piece_reduced(Fixture *f) {
    Channel *channel = channel_of(f, 0, OP_reduce_scatter);
    channel->own.items[1] = channel->own.items[0];
}
static void part_of_pieces(Fixture *f) {
    Channel *channel = channel_of(f, 0, OP_all_reduce);
    channel->pieces *= 2;
}
static void drop_waits(Fixture *f) {
    for (int64_t i = 0; i < f->schedule.ranks[0].ops.count; ++i)
        f->schedule.ranks[0].ops.items[i].waits[0] = -1;
}
static void read_unwritten(Fixture *f) {
    fixture_arg(f, 0, fixture_op(f, 0, OP_linear, 0), "out")->value =
        fixture_buffer(f, 0, "prefill_projected_m0");
}
static void ignore_result(Fixture *f) {
    fixture_arg(f, 0, fixture_op(f, 0, OP_add, 0), "in")->value =
        fixture_buffer(f, 0, "prefill_residual_m0");
}
static void two_biases(Fixture *f) {
    f->plan.inputs.model.output_bias = true;
    for (int64_t rank = 0; rank < 2; ++rank)
        *(Holding *)LIST_PUSH(&f->arena, &f->schedule.ranks[rank].holdings) =
            (Holding){.rank = rank,
                      .tensor = TENSOR_OUTPUT_BIAS,
                      .layers = {0, f->plan.inputs.model.layers},
                      .expert = -1,
                      .rows = {0, f->plan.inputs.model.hidden},
                      .columns = {0, 1},
                      .primary = rank == 0,
                      .pitch = 1};
}
static void many_rows(Fixture *f) {
    fixture_arg(f, 0, fixture_op(f, 0, OP_add, 0), "rows")->value = (int64_t)INT32_MAX + 1;
}
static void small_memory(Fixture *f) {
    f->plan.inputs.topology.nodes.items[0].gpu.memory = 1 << 16;
}
static void leave_slab(Fixture *f) {
    buffer_of(f, 0, "prefill_residual_m0")->offset = f->schedule.ranks[0].slab_bytes;
}
static void over_weights(Fixture *f) {
    buffer_of(f, 0, "prefill_residual_m0")->offset = buffer_of(f, 0, "qkv")->offset;
}
static void wrong_channel(Fixture *f) {
    f->schedule.ranks[6].ops.items[fixture_op(f, 6, OP_dispatch, 0)].channel = 99;
}
static void wrong_buffer(Fixture *f) {
    fixture_arg(f, 0, fixture_op(f, 0, OP_add, 0), "in")->value = 9999;
}

static void fewer_rows(Fixture *f) {
    --fixture_arg(f, 1, fixture_op(f, 1, OP_weighted_sum, 0), "rows")->value;
}
static void other_rows(Fixture *f) {
    fixture_arg(f, 1, fixture_op(f, 1, OP_weighted_sum, 0), "out")->delta -= 4;
}
static void shift_weights(Fixture *f) {
    fixture_holding(f, 6, TENSOR_EXPERT_DOWN, 0)->delta += 64;
}
static void widen_rows(Fixture *f) {
    ++fixture_holding(f, 2, TENSOR_FFN_NORM, 0)->pitch;
}
static void route_before_norm(Fixture *f) {
    int64_t route = fixture_op(f, 0, OP_route, 1);
    swap_ops(f, 0, route - 1, route);
}
static void norm_before_add(Fixture *f) {
    int64_t add = fixture_op(f, 0, OP_add, 1);
    swap_ops(f, 0, add, add + 1);
}
static void other_pieces(Fixture *f) {
    --channel_of(f, 0, OP_all_reduce)->own.items[1].end;
}
static void other_stream(Fixture *f) {
    f->schedule.ranks[0].ops.items[fixture_op(f, 0, OP_linear, 0)].stream = 1;
}
static void other_layout(Fixture *f) {
    buffer_of(f, 1, "prefill_ids_m0")->offset = buffer_of(f, 1, "prefill_mixed_m0")->offset;
}

static void capture_alone(Fixture *f) {
    RankStep *decode = &f->schedule.ranks[2].steps[1];
    decode->captured = !decode->captured;
}

static void wait_for_later(Fixture *f) {
    RankSchedule *rank = &f->schedule.ranks[0];
    int64_t later = fixture_op(f, 0, OP_choose, 0);
    rank->ops.items[later].records = true;
    rank->ops.items[fixture_op(f, 0, OP_embed, 0)].waits[0] = later;
}

static void other_number_in_table(Fixture *f) {
    Role *role = &f->schedule.roles.items[f->schedule.ranks[1].role];
    ++role->columns.items[0].values[1];
}
static void other_mode(Fixture *f) {
    Exchange *exchange = &f->schedule.exchanges.items[0];
    exchange->in_flight = 0;
}
/* Both are a number a row. */
static void positions_for_ids(Fixture *f) {
    for (int64_t rank = 0; rank < 6; ++rank)
        fixture_arg(f, rank, fixture_op(f, rank, OP_route, 0), "positions")->value =
            fixture_buffer(f, rank, "prefill_ids_m0");
}

static const Mutant mutants[] = {
    {"wait for later", MIXTRAL, HEADS_SPLIT, "order.events", wait_for_later},
    {"sum apart", MIXTRAL, "tp:tp=4,output=ring", "provenance.order", sum_apart},
    {"another number in a table", MIXTRAL, HEADS_SPLIT, "shape.roles", other_number_in_table},
    {"nothing in flight", MIXTRAL, HEADS_SPLIT, "match.plan", other_mode},
    {"ids for positions", MIXTRAL, HEADS_SPLIT, "provenance.flow", positions_for_ids},
    {"capture alone", MIXTRAL, HEADS_SPLIT, "capture.uniform", capture_alone},
    {"drop attention", MIXTRAL, HEADS_SPLIT, "coverage.work", drop_attention},
    {"drop rotation", MIXTRAL, HEADS_SPLIT, "coverage.work", drop_rotation},
    {"drop one reduce", MIXTRAL, HEADS_SPLIT, "order.cycle", drop_one_reduce},
    {"drop all reduces", MIXTRAL, HEADS_SPLIT, "provenance.reduce", drop_all_reduces},
    {"drop all gathers", MIXTRAL, HEADS_SPLIT, "provenance.gather", drop_all_gathers},
    {"drop all gathers, sharded", MIXTRAL, SHARDED, "provenance.gather", drop_all_gathers},
    {"reduce twice", MIXTRAL, HEADS_SPLIT, "provenance.reduce", reduce_twice},
    {"two biases", MIXTRAL, HEADS_SPLIT, "provenance.reduce", two_biases},
    {"swap moves", MIXTRAL, HEADS_SPLIT, "order.cycle", swap_moves},
    {"swap micro-batches", MIXTRAL, TWO_BATCHES, "order.channel", swap_microbatches},
    {"fewer units", MIXTRAL, HEADS_SPLIT, "match.collective", fewer_units},
    {"other collective", MIXTRAL, HEADS_SPLIT, "match.collective", other_collective},
    {"small window", MIXTRAL, HEADS_SPLIT, "bounds.windows", small_window},
    {"small activation", MIXTRAL, HEADS_SPLIT, "bounds.arguments", small_activation},
    {"small workspace", MIXTRAL, HEADS_SPLIT, "bounds.arguments", small_workspace},
    {"overlap live buffers", MIXTRAL, HEADS_SPLIT, "lifetime.clobbered", overlap_live},
    {"read unwritten", MIXTRAL, HEADS_SPLIT, "lifetime.unwritten", read_unwritten},
    {"ignore a result", MIXTRAL, HEADS_SPLIT, "lifetime.unread", ignore_result},
    {"lose a head's weights", MIXTRAL, HEADS_SPLIT, "coverage.heads", lose_head_weights},
    {"lose a head's work", MIXTRAL, HEADS_SPLIT, "coverage.heads", lose_head_work},
    {"lose a key-value head", MIXTRAL, HEADS_SPLIT, "coverage.kv_heads", lose_kv_head},
    {"double an expert", MIXTRAL, HEADS_SPLIT, "coverage.experts", double_expert},
    {"double an expert's route", MIXTRAL, HEADS_SPLIT, "coverage.routes", double_expert},
    {"lose columns", MIXTRAL, HEADS_SPLIT, "coverage.experts", lose_columns},
    {"lose dense columns", LATENT, "tp:tp=3", "coverage.dense", lose_dense_columns},
    {"lose a norm", MIXTRAL, HEADS_SPLIT, "coverage.tensors", lose_norm},
    {"misplace weights", MIXTRAL, HEADS_SPLIT, "coverage.loaded", misplace_weights},
    {"wrong slot", MIXTRAL, HEADS_SPLIT, "coverage.routes", wrong_slot},
    {"no route", MIXTRAL, HEADS_SPLIT, "coverage.routes", no_route},
    {"lose entries", MIXTRAL, ENTRIES_SPLIT, "coverage.vocabulary", lose_entries},
    {"wrong requests", MIXTRAL, HEADS_SPLIT, "coverage.requests", wrong_requests},
    {"report twice", MIXTRAL, HEADS_SPLIT, "coverage.results", report_twice},
    {"retarget an exchange", MIXTRAL, TWO_BATCHES, "order.cycle", retarget_exchange},
    {"pack for another exchange", MIXTRAL, TWO_BATCHES, "match.exchange", pack_for_other},
    {"lose a window", MIXTRAL, HEADS_SPLIT, "match.exchange", lose_window},
    {"wrong piece gathered", MIXTRAL, HEADS_SPLIT, "provenance.gather", wrong_piece_gathered},
    {"wrong piece reduced", MIXTRAL, SHARDED, "provenance.reduce", wrong_piece_reduced},
    {"a part of the pieces", MIXTRAL, HEADS_SPLIT, "provenance.reduce", part_of_pieces},
    {"drop waits", MIXTRAL, TWO_BATCHES, "order.race", drop_waits},
    {"more rows than a kernel counts", MIXTRAL, HEADS_SPLIT, "bounds.numbers", many_rows},
    {"small memory", MIXTRAL, HEADS_SPLIT, "memory.fits", small_memory},
    {"leave the slab", MIXTRAL, HEADS_SPLIT, "memory.slab", leave_slab},
    {"over the weights", MIXTRAL, HEADS_SPLIT, "memory.overlap", over_weights},
    {"fewer rows", MIXTRAL, HEADS_SPLIT, "coverage.share", fewer_rows},
    {"other rows", MIXTRAL, HEADS_SPLIT, "coverage.share", other_rows},
    {"shift weights", MIXTRAL, HEADS_SPLIT, "coverage.layout", shift_weights},
    {"widen rows", MIXTRAL, HEADS_SPLIT, "coverage.layout", widen_rows},
    {"route before norm", MIXTRAL, HEADS_SPLIT, "lifetime.stale", route_before_norm},
    {"norm before add", MIXTRAL, HEADS_SPLIT, "coverage.work", norm_before_add},
    {"other pieces", MIXTRAL, HEADS_SPLIT, "match.collective", other_pieces},
    {"other stream", MIXTRAL, HEADS_SPLIT, "shape.ids", other_stream},
    {"other layout in a role", MIXTRAL, HEADS_SPLIT, "memory.slab", other_layout},
    {"wrong channel", MIXTRAL, HEADS_SPLIT, "shape.ids", wrong_channel},
    {"wrong buffer", MIXTRAL, HEADS_SPLIT, "shape.ids", wrong_buffer},
};

static void every_mutant_is_refused(void **state) {
    mutants_are_refused(mutants, sizeof mutants / sizeof *mutants, 6);
}

/* Each rule of the checker is the one that some mutant is refused by. */
static void every_rule_has_a_mutant(void **state) {
    CheckReport report;
    Fixture f;
    fixture_make(&f, MIXTRAL, "single", 3);
    assert_int_equal(check_schedule(&f.schedule, &report, &f.arena, &f.diag), STATUS_OK);
    for (int r = 0; r < CHECK_RULE_COUNT; ++r) {
        bool has = false;
        for (size_t i = 0; i < sizeof mutants / sizeof *mutants; ++i)
            has = has || strcmp(mutants[i].rule, report.rules[r].name) == 0;
        if (!has)
            fail_msg("no mutant for %s", report.rules[r].name);
    }
    fixture_free(&f);
}

static void a_cycle_names_ranks_operations_and_channels(void **state) {
    Fixture f;
    fixture_make(&f, MIXTRAL, HEADS_SPLIT, 6);
    swap_moves(&f);
    assert_int_equal(fixture_check(&f), STATUS_NEGATIVE);
    bool told = false;
    for (int64_t i = 0; i < f.diag.count; ++i) {
        const char *text = f.diag.messages[i].text;
        told = told || (strstr(text, "order.cycle") && strstr(text, "rank 0, step prefill") &&
                        strstr(text, "dispatch_c0") && strstr(text, "waits for rank") &&
                        strstr(text, "all_reduce"));
    }
    if (!told)
        diag_render(&f.diag, stderr);
    assert_true(told);
    fixture_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mutant_is_refused),
        cmocka_unit_test(every_rule_has_a_mutant),
        cmocka_unit_test(a_cycle_names_ranks_operations_and_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
