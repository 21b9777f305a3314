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

/* Also where layers that go the same ways are apart, as around a dense one. */
static void same_routes(const Schedule *a, const Schedule *b, int64_t layers, int64_t experts) {
    assert_int_equal(a->routes.count, b->routes.count);
    for (int64_t t = 0; t < a->routes.count; ++t) {
        const RouteTable *x = &a->routes.items[t], *y = &b->routes.items[t];
        size_t bytes = (size_t)(x->rows * experts * x->parts) * sizeof(int64_t);
        assert_int_equal(x->rows, y->rows);
        assert_memory_equal(x->row_of, y->row_of, (size_t)layers * sizeof(int64_t));
        assert_memory_equal(x->target, y->target, bytes);
        assert_memory_equal(x->slot, y->slot, bytes);
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
        same_routes(&f.schedule, &read, f.plan.inputs.model.layers, f.plan.inputs.model.experts);
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

/* The first occurrence of `from` becomes `to` ("": the text ends there). */
static Buf edited(const char *text, const char *from, const char *to) {
    Buf out = {0};
    const char *at = strstr(text, from);
    if (!at)
        fail_msg("there is no %s", from);
    buf_append(&out, text, (size_t)(at - text));
    if (*to)
        buf_printf(&out, "%s%s", to, at + strlen(from));
    return out;
}

static const struct {
    const char *from, *to, *code;
} schedule_edits[] = {
    {"\"schema_version\": 2", "\"schema_version\": 1", "E0590"},
    {"\"schema_version\": 2", "\"schema_version\": \"2\"", "E0590"},
    {"\"schema_version\": 2", "\"version\": 2", "E0590"},
    {"\"roles\"", "\"rolls\"", "E0590"},
    {"\"roles\": [", "", "E0101"},
    {"\n  \"routes\"", "\n  \"root\"", "E0107"},
    {"\n  \"routes\"", "\n  \"roles\"", "E0102"},
    {"\"lag\": 0, ", "", "E0101"},
    {"\"kind\": \"begin\"", "\"kind\": \"start\"", "E0109"},
    {"\"kind\": \"begin\"", "\"kind\": \"finish\"", "E0591"},
    {"\"world\": 8", "\"world\": 9", "E0591"},
    {"\"world\": 8", "\"world\": 8000000000", "E0110"},
    {"\"world\": 8", "\"world\": 1e3", "E0109"},
    {"\"top_k\": 2", "\"top_k\": null", "E0108"},
    {"\"layers\": 2", "\"layers\": 1", "E0591"},
    {"\"ranks\": [0, 1", "\"ranks\": [1, 0", "E0591"},
    {"\"ranks\": [0, 1", "\"ranks\": [0, 8", "E0591"},
    {"\"pieces\": ", "\"pieces\": -", "E0110"},
    {"\"own\": [[0, ", "\"own\": [[9, ", "E0110"},
    {"\"rows\": [0, ", "\"rows\": [0, 99999999999", "E0110"},
    {"\"channel\": 0", "\"channel\": 99", "E0591"},
    {"\"channel\": 0", "\"channel\": \"nobody\"", "E0591"},
    {"\"exchange\": 0", "\"exchange\": 99", "E0591"},
    {"\"id\": 1,", "\"id\": 2,", "E0591"},
    {"\"microbatch\": 0, \"part\"", "\"microbatch\": 7, \"part\"", "E0591"},
    {"\"waits\": []", "\"waits\": [4000]", "E0591"},
    {"\"waits\": []", "\"waits\": [1, 2, 3, 4, 5, 6, 7]", "E0110"},
    {"\"stream\": \"compute\"", "\"stream\": \"express\"", "E0109"},
    {"[\"in\", ", "[\"out\", ", "E0591"},
    {"[\"rows\", ", "[\"rows\", -", "E0591"},
    {"[\"rows\", ", "[\"rows\", \"nobody\", ", "E0591"},
    {"\"slab_bytes\": ", "\"slab_bytes\": 1, \"slab_byte\": ", "E0107"},
    {"\"class\": \"weight\"", "\"class\": \"water\"", "E0109"},
    {"\"step\": -1", "\"step\": 5", "E0591"},
    {"\"layers\": [0, 1]", "\"layers\": [1, 0]", "E0110"},
    {"\"layers\": [0, 2]", "\"layers\": [0, 900000]", "E0591"},
};

static const struct {
    const char *from, *to, *code;
} certificate_edits[] = {
    {"\"schema_version\": 1", "\"schema_version\": 9", "E0592"},
    {"\"schedule_digest\"", "\"digest\"", "E0592"},
    {"\"plan_digest\"", "\"digest\"", "E0107"},
    {"\"order\": [", "", "E0101"},
    {"\"repeat\": 1", "\"repeat\": 0", "E0110"},
    {"\"repeat\": 1", "\"repeat\": 99999999999", "E0110"},
    {"\"places\": [", "\"places\": [], \"place\": [", "E0110"},
    {"\"kind\": \"all_reduce\"", "\"kind\": \"all\"", "E0109"},
    {"\"holds\": [[", "\"holds\": [[9, 8], [", "E0592"},
    {"\"holds\": [[", "\"holds\": [[8, 9, 3, 1], [", "E0592"},
    {"\"holds\": [[", "\"holds\": [[1, 2, 3, 4, 5], [", "E0109"},
    {"\"holds\": [[", "\"holds\": [[1], [", "E0109"},
    {"\"holds\": [[", "\"holds\": [{}, [", "E0109"},
    {"\"sequence\": [0", "\"sequence\": [-1", "E0110"},
};

static void refused(Fixture *f, Status status, const char *what, const char *code) {
    if (status == STATUS_OK || f->diag.errors == 0 || strcmp(f->diag.messages[0].code, code) != 0) {
        diag_render(&f->diag, stderr);
        fail_msg("%s: not %s", what, code);
    }
    assert_string_equal(f->diag.messages[0].place.source->name,
                        strchr(what, '=') ? "certificate.json" : "schedule.json");
    f->diag.count = f->diag.errors = 0;
}

static void what_is_wrong_is_refused(void **state) {
    Fixture f;
    Texts texts;
    Schedule schedule;
    Certificate certificate;
    fixture_make(&f, MIXTRAL, "ma-separation:attention=6,experts=2,groups=1,output=flat", 3);
    texts_make(&texts, &f);
    for (size_t i = 0; i < sizeof schedule_edits / sizeof *schedule_edits; ++i) {
        Buf text = edited(texts.schedule.data, schedule_edits[i].from, schedule_edits[i].to);
        refused(&f, texts_read(&f, &text, &schedule), schedule_edits[i].to, schedule_edits[i].code);
        buf_free(&text);
    }
    for (size_t i = 0; i < sizeof certificate_edits / sizeof *certificate_edits; ++i) {
        Buf text =
            edited(texts.certificate.data, certificate_edits[i].from, certificate_edits[i].to);
        refused(&f, texts_read_certificate(&f, &text, &certificate), "=",
                certificate_edits[i].code);
        buf_free(&text);
    }
    texts_free(&texts);
    fixture_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_written_is_read),
                                       cmocka_unit_test(what_is_wrong_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
