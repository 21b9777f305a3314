/* read: schedules of every shape are written, read and written again byte-equal, and their certificates too; a read one
 * walks like the one that was written. */
#include "certify_fixture.h"

#include "schedule/walk.h"

#define UNEVEN TEST_SOURCE "/tests/data/uneven-stages.lua"

static const struct {
    const char *model, *strategy;
    int64_t batch;
} cases[] = {
    {MIXTRAL, "single", 3},
    {MIXTRAL, "ma-separation:attention=6,experts=2,groups=1,output=flat", 3},
    {MIXTRAL, "ma-separation:attention=12,experts=4,groups=6,microbatches=2", 12},
    {MIXTRAL, "ma-separation:attention=6,experts=2,groups=1,output=hierarchical,dp=2", 3},
    {MIXTRAL, "ma-separation:attention=8,experts=4,groups=2,moves=exact,chunk=4,in_flight=2", 7},
    {MIXTRAL, "ma-separation:attention=5,experts=3,groups=1,balance=4+3+1", 3},
    {MA_SMALL, "ma-separation:attention=12,experts=4,groups=1,output=sharded,microbatches=3", 12},
    {MA_SMALL, "ep:ep=8,exchange=aggregated,moves=padded", 8},
    {MIXTRAL, "tp:tp=5,embedding=split", 3},
    {MIXTRAL, "tp:tp=3,output=ring", 3},
    {MA_SMALL, "tp:tp=8,output=pipelined", 3},
    {LATENT, "tp:tp=4,output=sharded", 3},
    {LATENT_GATED, "tp-pp:tp=3,pp=4,output=sharded", 3},
    {LATENT_GATED, "ep:ep=2,tp=3", 4},
    {MA_SMALL, "ep:ep=5,tp=3,output=hierarchical", 5},
    {MA_SMALL, "pp:pp=4,microbatches=3", 5},
    {MA_SMALL, "tp-pp:tp=3,pp=3,output=sharded,microbatches=2", 2},
    {MA_SMALL, UNEVEN ":a=3,b=1,c=4,residual=sharded", 4},
    {MA_SMALL, UNEVEN ":a=6,b=2,c=2,microbatches=3,residual=sharded", 7},
};

static void same_walk(const Schedule *a, const Schedule *b) {
    assert_int_equal(a->world, b->world);
    for (int64_t rank = 0; rank < a->world; ++rank)
        for (int64_t step = 0; step < a->steps.count; ++step) {
            WalkCursor x = walk_begin(&a->ranks[rank], step), y = walk_begin(&b->ranks[rank], step);
            WalkItem i, k;
            while (walk_next(&x, &i)) {
                assert_true(walk_next(&y, &k));
                assert_int_equal(i.op, k.op);
                assert_int_equal(i.layer, k.layer);
                Op one = a->ranks[rank].ops.items[i.op], two = b->ranks[rank].ops.items[k.op];
                for (int arg = 0; arg < OP_ARGS && op_info[one.kind].args[arg].type; ++arg) {
                    assert_int_equal(one.args[arg].value, two.args[arg].value);
                    if (one.args[arg].value >= 0)
                        assert_int_equal(one.args[arg].delta, two.args[arg].delta);
                }
                assert_int_equal(one.channel, two.channel);
                assert_int_equal(one.exchange, two.exchange);
            }
            assert_false(walk_next(&y, &k));
        }
}

static void what_is_written_is_read(void **state) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        Fixture f;
        Texts texts;
        Schedule read;
        Certificate certificate;
        Buf again = {0};
        fixture_make(&f, cases[i].model, cases[i].strategy, cases[i].batch);
        texts_make(&texts, &f);
        fixture_refused(&f, texts_read(&f, &texts.schedule, &read));
        assert_null(read.plan);
        schedule_write(&read, &again);
        assert_string_equal(again.data, texts.schedule.data);
        same_walk(&f.schedule, &read);
        fixture_refused(&f, texts_read_certificate(&f, &texts.certificate, &certificate));
        buf_clear(&again);
        certificate_write(&certificate, &again);
        assert_string_equal(again.data, texts.certificate.data);
        Status status =
            certify(&read, texts.schedule_digest, texts.plan_digest, &certificate, &f.diag);
        if (status != STATUS_OK)
            fprintf(stderr, "%s %s\n", cases[i].model, cases[i].strategy);
        fixture_refused(&f, status);
        assert_int_equal(f.diag.count, 0);
        buf_free(&again);
        texts_free(&texts);
        fixture_free(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_written_is_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
