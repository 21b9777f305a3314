/* counters: the bytes and operations that the runtime must count, on a schedule made by hand so
 * that every number can be worked out on paper, and on lowered ones against sums of another
 * kind. */
#include "../schedule/schedule_fixture.h"
#include "schedule/walk.h"

/* Three ranks: 0 and 1 share 10 units of 4 bytes in 3 pieces; both send to rank 2, which holds 1
 * slot. */
typedef struct Paper {
    Arena arena;
    Plan plan;
    Schedule schedule;
} Paper;

static Op *add_op(Paper *p, int64_t rank, OpKind kind, int64_t channel) {
    Op *op = LIST_PUSH(&p->arena, &p->schedule.ranks[rank].ops);
    *op = (Op){.kind = kind, .per_layer = true, .channel = channel};
    for (int w = 0; w < OP_WAITS; ++w)
        op->waits[w] = -1;
    if (op_info[kind].class == OPCLASS_COLLECTIVE) {
        op->args[op_arg(kind, "units")].value = 10;
        op->args[op_arg(kind, "unit_bytes")].value = 4;
    }
    return op;
}

static void paper_make(Paper *p, PlanMode mode) {
    *p = (Paper){0};
    p->plan.inputs.model = (Model){.hidden = 8, .top_k = 2, .layers = 3};
    p->plan.inputs.workload.dtype = ELEMENT_BF16;
    *(PlanStep *)LIST_PUSH(&p->arena, &p->plan.steps) = (PlanStep){.name = "decode"};
    p->schedule.plan = &p->plan;
    p->schedule.world = 3;
    p->schedule.top_k = 2;
    p->schedule.ranks = ARENA_ARRAY(&p->arena, 3, RankSchedule);
    for (int c = 0; c < 2; ++c) {
        Channel *channel = LIST_PUSH(&p->arena, &p->schedule.channels);
        channel->pieces = 3;
        for (int64_t rank = 0; rank < 2; ++rank) {
            *(int64_t *)LIST_PUSH(&p->arena, &channel->ranks) = rank;
            *(Range *)LIST_PUSH(&p->arena, &channel->own) =
                c == 1 ? (Range){0, 3} : (Range){2 * rank, 2 + rank};
        }
    }
    Exchange *exchange = LIST_PUSH(&p->arena, &p->schedule.exchanges);
    exchange->mode = mode;
    for (int64_t rank = 0; rank < 2; ++rank)
        *(ExchangeSource *)LIST_PUSH(&p->arena, &exchange->sources) =
            (ExchangeSource){.rank = rank, .rows = {0, 5 + rank}};
    *(ExchangeTarget *)LIST_PUSH(&p->arena, &exchange->targets) = (ExchangeTarget){2, 1};
    *(ExchangeTarget *)LIST_PUSH(&p->arena, &exchange->targets) = (ExchangeTarget){1, 3};
    for (int64_t rank = 0; rank < 3; ++rank) {
        p->schedule.ranks[rank].rank = rank;
        p->schedule.ranks[rank].steps = ARENA_ARRAY(&p->arena, 1, RankStep);
    }
}

/* Rank r runs its operations once for each of `layers` layers. */
static void paper_close(Paper *p, int64_t layers) {
    for (int64_t rank = 0; rank < 3; ++rank)
        *(Segment *)LIST_PUSH(&p->arena, &p->schedule.ranks[rank].steps[0].segments) =
            (Segment){{0, layers}, 0, p->schedule.ranks[rank].ops.count};
}

static void collectives_count_what_members_send(void **state) {
    static const struct {
        OpKind kind;
        int64_t channel, from0, from1;
    } expected[] = {
        /* Pieces of 10 units in 3: 0-2, 3-5, 6-9; rank 0 owns two (6 units), rank 1 the last
         * (4). */
        {OP_reduce_scatter, 0, 4 * 4, 6 * 4},
        {OP_all_gather, 0, 6 * 4, 4 * 4},
        /* All 20 elements of 2 bytes, half each: both shares go both ways. */
        {OP_all_reduce, 1, 40, 40},
    };
    for (size_t i = 0; i < 3; ++i) {
        Paper p;
        paper_make(&p, MODE_PADDED);
        add_op(&p, 0, expected[i].kind, expected[i].channel);
        add_op(&p, 1, expected[i].kind, expected[i].channel);
        paper_close(&p, 2);
        Counters counters = counters_begin(&p.arena, &p.schedule);
        counters_add_step(&p.schedule, 0, 0, 3, NULL, NULL, &counters);
        assert_int_equal(counters.bytes[0 * 3 + 1], 2 * 3 * expected[i].from0);
        assert_int_equal(counters.bytes[1 * 3 + 0], 2 * 3 * expected[i].from1);
        assert_int_equal(counters.operations[0 * OP_KINDS + expected[i].kind], 6);
        assert_int_equal(counters.operations[2 * OP_KINDS + expected[i].kind], 0);
        arena_free(&p.arena);
    }
}

static void transfers_count_what_is_listed(void **state) {
    Paper p;
    paper_make(&p, MODE_PADDED);
    Channel *channel = &p.schedule.channels.items[0];
    channel->own.count = 0;
    const ChannelTransfer list[] = {
        {0, 1, {0, 2}, true}, {0, 1, {2, 3}, false}, {1, 0, {2, 3}, true}};
    for (int i = 0; i < 3; ++i)
        *(ChannelTransfer *)LIST_PUSH(&p.arena, &channel->transfers) = list[i];
    add_op(&p, 0, OP_transfer, 0);
    add_op(&p, 1, OP_transfer, 0);
    paper_close(&p, 2);
    Counters counters = counters_begin(&p.arena, &p.schedule);
    counters_add_step(&p.schedule, 0, 0, 3, NULL, NULL, &counters);
    /* Pieces of 10 units of 4 bytes in 3: 0-2, 3-5, 6-9. */
    assert_int_equal(counters.bytes[0 * 3 + 1], 2 * 3 * (6 + 4) * 4);
    assert_int_equal(counters.bytes[1 * 3 + 0], 2 * 3 * 4 * 4);
    assert_int_equal(counters.operations[1 * OP_KINDS + OP_transfer], 6);
    /* Sums wait in the receiver, and what would change bytes that it still sends. */
    assert_int_equal(channel_arrivals(channel, 0, 10, 4), 16);
    assert_int_equal(channel_arrivals(channel, 1, 10, 4), 24 + 16);
    channel->transfers.items[2].pieces = (Range){1, 2};
    assert_int_equal(channel_arrivals(channel, 1, 10, 4), 24);
    arena_free(&p.arena);
}

static void exchange_ops(Paper *p) {
    for (int64_t rank = 0; rank < 3; ++rank) {
        add_op(p, rank, OP_dispatch, -1);
        add_op(p, rank, OP_combine, -1);
    }
}

static void padded_exchanges_count_bounds(void **state) {
    Paper p;
    paper_make(&p, MODE_PADDED);
    exchange_ops(&p);
    paper_close(&p, 1);
    Counters counters = counters_begin(&p.arena, &p.schedule);
    counters_add_step(&p.schedule, 0, 0, 1, NULL, NULL, &counters);
    /* A row is 8 x 2 bytes, its meta 2 x 4. Target 1 is source too: nothing crosses to itself. */
    assert_int_equal(counters.bytes[0 * 3 + 2], 4 + 5 * 24);
    assert_int_equal(counters.bytes[1 * 3 + 2], 4 + 6 * 24);
    assert_int_equal(counters.bytes[2 * 3 + 0], 5 * 1 * 16);
    assert_int_equal(counters.bytes[0 * 3 + 1], 4 + 5 * 24);
    assert_int_equal(counters.bytes[1 * 3 + 0], 5 * 2 * 16);
    assert_int_equal(counters.bytes[1 * 3 + 1], 0);
    arena_free(&p.arena);
}

static void hops_count_each_way(void **state) {
    Paper p;
    paper_make(&p, MODE_PADDED);
    Exchange *exchange = &p.schedule.exchanges.items[0];
    /* From rank 0 to rank 2 by rank 1, straight back; target 0 is rank 2, target 1 rank 1. */
    const ExchangeHop there[] = {
        {0, 0, 1, 0, 0}, {0, 0, 1, 0, 1}, {1, 1, 2, 0, 0}, {1, 1, 2, 1, 0}};
    const ExchangeHop back[] = {{0, 2, 0, 0, 0}, {1, 2, 1, 1, 0}, {1, 1, 0, 0, 1}};
    for (int i = 0; i < 4; ++i)
        *(ExchangeHop *)LIST_PUSH(&p.arena, &exchange->hops[false]) = there[i];
    for (int i = 0; i < 3; ++i)
        *(ExchangeHop *)LIST_PUSH(&p.arena, &exchange->hops[true]) = back[i];
    exchange_ops(&p);
    paper_close(&p, 1);
    Counters counters = counters_begin(&p.arena, &p.schedule);
    counters_add_step(&p.schedule, 0, 0, 1, NULL, NULL, &counters);
    assert_int_equal(counters.bytes[0 * 3 + 1], 2 * (4 + 5 * 24));
    assert_int_equal(counters.bytes[0 * 3 + 2], 0);
    assert_int_equal(counters.bytes[1 * 3 + 2], 4 + 5 * 24 + 4 + 6 * 24);
    assert_int_equal(counters.bytes[2 * 3 + 0], 5 * 1 * 16);
    assert_int_equal(counters.bytes[1 * 3 + 0], 5 * 2 * 16);
    assert_int_equal(exchange_relay_rows(exchange, 1, false, 2), 5);
    assert_int_equal(exchange_relay_rows(exchange, 0, false, 2), 0);
    assert_int_equal(exchange_relay_rows(exchange, 1, true, 2), -1);
    arena_free(&p.arena);
}

typedef struct Asked {
    int64_t calls[8], layers[8], count;
} Asked;

static void give_counts(void *context, int64_t exchange, int64_t call, int64_t layer,
                        ExchangeCount *counts) {
    Asked *asked = context;
    asked->calls[asked->count] = call;
    asked->layers[asked->count++] = layer;
    memset(counts, 0, 4 * sizeof *counts);
    counts[0] = (ExchangeCount){.rows = call, .returns = 2 * call}; /* source 0 to target rank 2 */
}

static void exact_exchanges_ask_for_counts(void **state) {
    Paper p;
    paper_make(&p, MODE_EXACT);
    exchange_ops(&p);
    paper_close(&p, 1);
    Asked asked = {0};
    Counters counters = counters_begin(&p.arena, &p.schedule);
    counters_add_step(&p.schedule, 0, 7, 2, give_counts, &asked, &counters);
    assert_int_equal(asked.count, 4); /* two calls of dispatch and of combine */
    assert_int_equal(asked.calls[0], 7);
    assert_int_equal(asked.calls[1], 8);
    assert_int_equal(asked.layers[0], 0);
    assert_int_equal(counters.bytes[0 * 3 + 2], 2 * 4 + (7 + 8) * 24);
    assert_int_equal(counters.bytes[2 * 3 + 0], (14 + 16) * 16);
    assert_int_equal(counters.bytes[1 * 3 + 2], 2 * 4);
    arena_free(&p.arena);
}

static void folded_equals_flat(void **state) {
    Fixture f;
    fixture_make(&f, MIXTRAL,
                 "ma-separation:attention=4,experts=2,groups=2,microbatches=2,moves=padded", 6);
    Counters counters = counters_begin(&f.arena, &f.schedule);
    counters_add_step(&f.schedule, 0, 0, 1, NULL, NULL, &counters);
    for (int64_t rank = 0; rank < f.schedule.world; ++rank) {
        const RankSchedule *of = &f.schedule.ranks[rank];
        int64_t flat = 0, folded = 0;
        for (int64_t s = 0; s < of->steps[0].segments.count; ++s) {
            const Segment *segment = &of->steps[0].segments.items[s];
            folded += segment->count * (segment->layers.end - segment->layers.begin);
        }
        for (int k = 0; k < OP_KINDS; ++k)
            flat += counters.operations[rank * OP_KINDS + k];
        assert_int_equal(flat, folded);
    }
    fixture_free(&f);
}

static void weights_are_the_models(void **state) {
    Fixture f;
    fixture_make(&f, MIXTRAL, "single", 3);
    Counters counters = counters_begin(&f.arena, &f.schedule);
    assert_int_equal(counters.weights[0], 4 * model_parameters(&f.plan.inputs.model));
    fixture_free(&f);
}

static void cursors_give_the_layer_worked_on(void **state) {
    Paper p;
    paper_make(&p, MODE_PADDED);
    add_op(&p, 0, OP_add, -1);
    add_op(&p, 0, OP_add, -1)->lag = 1;
    add_op(&p, 0, OP_begin, -1)->per_layer = false;
    *(Segment *)LIST_PUSH(&p.arena, &p.schedule.ranks[0].steps[0].segments) =
        (Segment){{0, 0}, 0, 3}; /* no layer: nothing */
    *(Segment *)LIST_PUSH(&p.arena, &p.schedule.ranks[0].steps[0].segments) =
        (Segment){{1, 3}, 0, 3};
    static const int64_t layers[] = {1, 0, -1, 2, 1, -1};
    WalkCursor cursor = walk_begin(&p.schedule.ranks[0], 0);
    WalkItem item;
    for (int i = 0; i < 6; ++i) {
        assert_true(walk_next(&cursor, &item));
        assert_int_equal(item.op, i % 3);
        assert_int_equal(item.layer, layers[i]);
    }
    assert_false(walk_next(&cursor, &item));
    assert_false(walk_next(&cursor, &item));
    arena_free(&p.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(collectives_count_what_members_send),
        cmocka_unit_test(transfers_count_what_is_listed),
        cmocka_unit_test(padded_exchanges_count_bounds),
        cmocka_unit_test(hops_count_each_way),
        cmocka_unit_test(exact_exchanges_ask_for_counts),
        cmocka_unit_test(folded_equals_flat),
        cmocka_unit_test(weights_are_the_models),
        cmocka_unit_test(cursors_give_the_layer_worked_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
