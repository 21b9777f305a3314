/* check: good schedules of every shape are proved, and each rule looks at something; the ledger
 * adds up; what does not fit is told with its largest items and a cure. */
#include "../schedule/schedule_fixture.h"

#define UNEVEN TEST_SOURCE "/tests/data/uneven-stages.lua"

static const struct {
    const char *model, *strategy;
    int64_t batch;
} cases[] = {
    {MIXTRAL, "single", 3},
    {MIXTRAL, "ma-separation:attention=6,experts=2,groups=1,output=flat", 3},
    {MIXTRAL, "ma-separation:attention=6,experts=2,groups=3", 3},
    {MIXTRAL, "ma-separation:attention=12,experts=4,groups=6,microbatches=2", 12},
    {MIXTRAL, "ma-separation:attention=5,experts=3,groups=1", 3},
    {MIXTRAL, "ma-separation:attention=12,experts=4,groups=12", 12},
    {MIXTRAL, "ma-separation:attention=6,experts=2,groups=1,embedding=split,output=sharded", 1},
    {MIXTRAL, "ma-separation:attention=6,experts=2,groups=1,output=hierarchical,dp=2", 3},
    {MIXTRAL, "ma-separation:attention=8,experts=4,groups=2,moves=exact,chunk=4,in_flight=2", 7},
    {MIXTRAL, "ma-separation:attention=5,experts=3,groups=1,balance=4+3+1", 3},
    {MA_SMALL, "ma-separation:attention=12,experts=4,groups=1,output=hierarchical", 12},
    {MA_SMALL, "ma-separation:attention=12,experts=4,groups=1,output=sharded,microbatches=3", 12},
    {MA_SMALL, "ma-separation:attention=12,experts=4,placement=spread,moves=exact", 12},
    {MIXTRAL, "tp:tp=5,embedding=split", 3},
    {LATENT, "single", 2},
    {LATENT, "tp:tp=4,output=sharded", 3},
    {LATENT, "pp:pp=4", 3},
    {LATENT_GATED, "tp:tp=4", 3},
    {LATENT_GATED, "tp-pp:tp=3,pp=4,output=sharded", 3},
    {LATENT_GATED, "ep:ep=2,tp=3", 4},
    {LATENT_GATED, "ma-separation:attention=5,experts=4,groups=2,microbatches=2,output=sharded", 5},
    {MIXTRAL, "tp:tp=8,output=sharded,microbatches=2", 2},
    {MIXTRAL, "ep:ep=12", 12},
    {MA_SMALL, "ep:ep=5,tp=3,output=hierarchical", 5}, /* in decode some members own no row */
    {MA_SMALL, "pp:pp=4,microbatches=3", 5},
    {MA_SMALL, "pp:pp=3,dp=2", 4},
    {MA_SMALL, "tp-pp:tp=3,pp=3,output=sharded,microbatches=2", 2},
    {MA_SMALL, "tp-pp:tp=5,pp=2,output=hierarchical", 1},
    {MA_SMALL, UNEVEN, 4},
    {MA_SMALL, UNEVEN ":a=3,b=1,c=4,residual=sharded", 4},
    {MA_SMALL, UNEVEN ":a=1,b=5,c=2,groups=2", 4},
    {MA_SMALL, UNEVEN ":a=4,b=2,c=5,residual=sharded,microbatches=1", 3},
    {MA_SMALL, UNEVEN ":a=6,b=2,c=2,microbatches=3,residual=sharded", 7}, /* micro-batches differ */
};

static void good_schedules_are_proved(void **state) {
    int64_t looked_at[CHECK_RULE_COUNT] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        Fixture f;
        fixture_make(&f, cases[i].model, cases[i].strategy, cases[i].batch);
        fixture_refused(&f, fixture_check(&f));
        assert_int_equal(f.report.failures, 0);
        assert_int_equal(f.diag.errors, 0);
        for (int r = 0; r < CHECK_RULE_COUNT; ++r) {
            assert_true(f.report.rules[r].ran);
            looked_at[r] += f.report.rules[r].count;
        }
        fixture_free(&f);
    }
    for (int r = 0; r < CHECK_RULE_COUNT; ++r)
        assert_true(looked_at[r] > 0);
}

static void the_ledger_adds_up(void **state) {
    Fixture f;
    fixture_make(&f, MA_SMALL, "ma-separation:attention=12,experts=4,groups=1", 12);
    fixture_refused(&f, fixture_check(&f));
    assert_int_equal(f.report.ledger.count, 16);
    Counters counters = counters_begin(&f.arena, &f.schedule);
    for (int64_t r = 0; r < 16; ++r) {
        const LedgerRow *row = &f.report.ledger.rows[r];
        assert_int_equal(row->weights + row->state + row->windows + row->workspace +
                             row->activations + row->padding,
                         row->total);
        assert_true(row->weights >= counters.weights[r]);
        assert_true(row->padding >= 0);
        assert_int_equal(row->total, f.schedule.ranks[r].slab_bytes);
        assert_int_equal(row->capacity, (int64_t)80 << 30);
    }
    int64_t without_cache = 0;
    for (int64_t r = 0; r < 16; ++r)
        without_cache += f.report.ledger.rows[r].state == 0;
    assert_int_equal(without_cache, 4);
    fixture_free(&f);
}

static void what_does_not_fit_is_told(void **state) {
    Fixture f;
    fixture_make(&f, MIXTRAL, "single", 64);
    f.plan.inputs.topology.nodes.items[0].gpu.memory = 3 << 20;
    assert_int_equal(fixture_check(&f), STATUS_NEGATIVE);
    assert_int_equal(f.diag.count, 1);
    const DiagMessage *message = &f.diag.messages[0];
    assert_string_equal(message->code, "E0573");
    assert_non_null(strstr(message->text, "memory.fits: rank 0 needs"));
    assert_non_null(strstr(message->text, "of 3.15 MB"));
    assert_non_null(strstr(message->text, "largest:"));
    assert_non_null(strstr(message->help, "a batch of about"));
    fixture_free(&f);
}

/* A rank embeds some entries and scores others, of one table: those that it holds for both are no doubled ones. */
static void a_tied_table_may_be_cut_twice(void **state) {
    Fixture f;
    fixture_make(&f, MA_SMALL, "tp:tp=3,embedding=split", 3);
    Model *model = &f.plan.inputs.model;
    assert_int_equal(model->tensors.items[model->tensors.count - 1].kind, TENSOR_HEAD);
    model->tie_embeddings = true;
    --model->tensors.count;
    const int64_t ends[] = {0, 10000, 30000, model->vocabulary};
    for (int64_t i = 0; i < 3; ++i)
        f.plan.head.items[i].entries = (Range){ends[i], ends[i + 1]};
    fixture_refused(&f, schedule_lower(&f.arena, &f.plan, &f.schedule, &f.diag));
    fixture_refused(&f, fixture_check(&f));
    Holding *scored = NULL;
    for (int64_t i = 0; !scored; ++i) {
        Holding *held = fixture_holding(&f, 1, TENSOR_EMBEDDING, i);
        scored = held->rows.begin == 10000 ? held : NULL;
    }
    ++scored->rows.begin; /* the entry is still there, but not where logits are computed */
    assert_int_equal(fixture_check(&f), STATUS_NEGATIVE);
    assert_true(f.report.rules[CHECK_VOCABULARY].failures > 0);
    fixture_free(&f);
}

static void rules_that_cannot_run_say_so(void **state) {
    Fixture f;
    fixture_make(&f, MIXTRAL, "single", 3);
    f.schedule.ranks[0].ops.items[0].stream = 9;
    assert_int_equal(fixture_check(&f), STATUS_NEGATIVE);
    assert_true(f.report.rules[CHECK_IDS].ran);
    assert_false(f.report.rules[CHECK_FITS].ran);
    fixture_free(&f);
}

static void bytes_are_told_in_three_digits(void **state) {
    char text[24];
    assert_string_equal(ledger_bytes(text, 0), "0 B");
    assert_string_equal(ledger_bytes(text, 999), "999 B");
    assert_string_equal(ledger_bytes(text, 1000), "1.00 kB");
    assert_string_equal(ledger_bytes(text, 123456789), "123 MB");
    assert_string_equal(ledger_bytes(text, 80000000000), "80.0 GB");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_schedules_are_proved),
        cmocka_unit_test(the_ledger_adds_up),
        cmocka_unit_test(what_does_not_fit_is_told),
        cmocka_unit_test(a_tied_table_may_be_cut_twice),
        cmocka_unit_test(rules_that_cannot_run_say_so),
        cmocka_unit_test(bytes_are_told_in_three_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
