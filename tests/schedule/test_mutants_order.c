/* Mutants that one rule alone refuses, for rules of capture, of order and of bytes. */
#include "mutant.h"

#define PADDED "ep:ep=4,moves=padded"
#define SHARDED "tp:tp=4,output=sharded"
#define EXACT "ep:ep=4,moves=exact"

enum { PREFILL, DECODE };

/* --- capture ------------------------------------------------------------------------------------------- */

static void one_rank_does_not_capture(Fixture *f) {
    f->schedule.ranks[3].steps[DECODE].captured = false;
}
static void exact_is_captured(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank)
        f->schedule.ranks[rank].steps[DECODE].captured = true;
}

/* --- the order of sums --------------------------------------------------------------------------------- */

#define RING3 "tp:tp=3,output=ring"
#define RING2 "tp:tp=2,output=ring"

/* --- pieces of sums ------------------------------------------------------------------------------------ */

/* Units of half an element in all members, twice as many: the bytes are the same, the pieces of a third are not. */
static void cut_elements(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank) {
        RankSchedule *of = &f->schedule.ranks[rank];
        for (int64_t i = 0; i < of->ops.count; ++i) {
            Op *op = &of->ops.items[i];
            if (op->kind != OP_transfer || op->args[op_arg(OP_transfer, "unit_bytes")].value != 4)
                continue;
            op->args[op_arg(OP_transfer, "units")].value *= 2;
            op->args[op_arg(OP_transfer, "unit_bytes")].value = 2;
        }
    }
}

/* --- bytes --------------------------------------------------------------------------------------------- */

static Op *gather_of_rows(Fixture *f, int64_t rank) {
    RankSchedule *of = &f->schedule.ranks[rank];
    return &of->ops.items[fixture_op(f, rank, OP_all_gather, 0)];
}
static void gather_without_waiting(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank)
        for (int w = 0; w < OP_WAITS; ++w)
            gather_of_rows(f, rank)->waits[w] = -1;
}
static void wait_in_another_step(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank) {
        RankSchedule *of = &f->schedule.ranks[rank];
        int64_t decode = of->steps[DECODE].segments.items[0].first;
        of->ops.items[decode].records = true;
        of->ops.items[of->steps[PREFILL].segments.items[0].first].waits[0] = decode;
    }
}

static const Mutant mutants[] = {
    {"pieces cut elements", MIXTRAL, RING3, "match.collective", cut_elements},
    {"gather without waiting", MIXTRAL, SHARDED, "order.race", gather_without_waiting},
    {"wait in another step", MIXTRAL, SHARDED, "order.events", wait_in_another_step},
    {"members add by themselves", MIXTRAL, RING3, "provenance.order", sum_apart},
    {"one rank does not capture", MIXTRAL, PADDED, "capture.uniform", one_rank_does_not_capture},
    {"what is exact is captured", MIXTRAL, EXACT, "capture.uniform", exact_is_captured},
};

/* Is the mutant refused by its rule and no other one? */
static bool refused_alone(const Mutant *mutant) {
    Fixture f;
    fixture_make(&f, mutant->model, mutant->strategy, 12);
    assert_int_equal(fixture_check(&f), STATUS_OK);
    mutant->mutate(&f);
    bool alone = fixture_check(&f) == STATUS_NEGATIVE;
    for (int r = 0; r < CHECK_RULE_COUNT; ++r)
        alone = alone && (f.report.rules[r].failures > 0) ==
                             (strcmp(f.report.rules[r].name, mutant->rule) == 0);
    if (!alone) {
        diag_render(&f.diag, stderr);
        print_error("%s: not refused by %s alone\n", mutant->name, mutant->rule);
    }
    fixture_free(&f);
    return alone;
}

static void every_mutant_is_refused_by_its_rule_alone(void **state) {
    (void)state;
    size_t missed = 0;
    for (size_t i = 0; i < sizeof mutants / sizeof *mutants; ++i)
        missed += !refused_alone(&mutants[i]);
    assert_int_equal(missed, 0);
}

static bool captures(const char *strategy, int64_t step) {
    Fixture f;
    fixture_make(&f, MIXTRAL, strategy, 12);
    int64_t ranks = 0;
    for (int64_t rank = 0; rank < f.schedule.world; ++rank)
        ranks += f.schedule.ranks[rank].steps[step].captured;
    assert_true(ranks == 0 || ranks == f.schedule.world);
    fixture_free(&f);
    return ranks > 0;
}

static void decode_is_captured_where_no_move_is_exact(void **state) {
    (void)state;
    assert_true(captures(PADDED, DECODE));
    assert_false(captures(PADDED, PREFILL));
    assert_false(captures(EXACT, DECODE));
    assert_true(captures("tp:tp=4", DECODE)); /* members serve themselves: nothing is exchanged */
    assert_true(captures("single", DECODE));
}

/* Two members add the same two numbers, whichever comes first. */
static void two_may_add_by_themselves(void **state) {
    (void)state;
    Fixture f;
    fixture_make(&f, MIXTRAL, RING2, 12);
    sum_apart(&f);
    assert_int_equal(fixture_check(&f), STATUS_OK);
    fixture_free(&f);
}

/* The feed-forward of the rows that a rank owns may begin while a gather brings those of others into the same buffer;
 * that of all rows has to wait. Rank 0 owns the first half. */
static void halves_of_a_buffer_may_be_used_on_two_streams(void **state) {
    (void)state;
    for (int all = 0; all < 2; ++all) {
        Fixture f;
        fixture_make(&f, LATENT, "ep:ep=4,tp=2,output=sharded", 12);
        int64_t id = fixture_op(&f, 0, OP_dense_ffn, 0);
        int64_t *waits = f.schedule.ranks[0].ops.items[id].waits;
        assert_true(waits[0] >= 0);
        waits[0] = -1;
        if (!all)
            fixture_arg(&f, 0, id, "rows")->value /= 2;
        assert_int_equal(fixture_check(&f), STATUS_NEGATIVE);
        assert_int_equal(f.report.rules[CHECK_RACE].failures > 0, all);
        fixture_free(&f);
    }
}

static void refusals_tell_both_orders(void **state) {
    (void)state;
    Fixture f;
    fixture_make(&f, MIXTRAL, RING3, 12);
    sum_apart(&f);
    assert_int_equal(fixture_check(&f), STATUS_NEGATIVE);
    bool told = false;
    for (int64_t i = 0; i < f.diag.count; ++i)
        told = told || (strstr(f.diag.messages[i].text, "added as 2 + (0 + 1) on channel") &&
                        strstr(f.diag.messages[i].text, "which rank 2 has added as 1 + (0 + 2)"));
    if (!told)
        diag_render(&f.diag, stderr);
    assert_true(told);
    fixture_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mutant_is_refused_by_its_rule_alone),
        cmocka_unit_test(two_may_add_by_themselves),
        cmocka_unit_test(halves_of_a_buffer_may_be_used_on_two_streams),
        cmocka_unit_test(refusals_tell_both_orders),
        cmocka_unit_test(decode_is_captured_where_no_move_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
