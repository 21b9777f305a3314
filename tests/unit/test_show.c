/* show: what a person is told of a plan and of a rank. Texts are at most 100 columns wide, say
 * who does what with whom, and say the same for the same schedule. */
#include "../schedule/schedule_fixture.h"
#include "base/yaml.h"
#include "show/show.h"

#define GROUPS "ma-separation:attention=12,experts=4,groups=6,microbatches=2,output=flat"

static void assert_narrow(const char *text) {
    for (const char *line = text; *line;) {
        size_t width = strcspn(line, "\n");
        if (width > 100)
            fail_msg("%zu columns: %.*s", width, (int)width, line);
        if (width > 0 && line[width - 1] == ' ')
            fail_msg("blanks at the end: %.*s|", (int)width, line);
        line += width + (line[width] == '\n');
    }
}

static void assert_says(const Buf *text, const char *what) {
    if (!strstr(text->data, what)) {
        fputs(text->data, stderr);
        fail_msg("nothing says: %s", what);
    }
}

static void a_rank_is_told_in_words(void **state) {
    Fixture f;
    Buf text = {0};
    fixture_make(&f, MIXTRAL, GROUPS, 12);
    show_rank_text(&f.schedule, 2, &text);
    assert_narrow(text.data);
    assert_says(&text, "rank 2 of 16: attention, on GPU ");
    assert_says(&text, "sequences 2-3 of the wave; request group 1, member 0 of 2: ranks 2-3");
    assert_says(&text, "query 0-3 of 8, key-value 0-1 of 4, 8 columns each");
    assert_says(&text, "step prefill: 24 tokens a sequence, 2 micro-batches");
    assert_says(&text, "take up sequence 2, 24 rows each");
    assert_says(&text, "query heads 0-3 over key-value heads 0-1, 1 sequence x 24 rows");
    assert_says(&text, "sum 6.14 kB of projected over ranks 2-3");
    assert_says(&text, "choose 2 of 8 experts for 12 owned rows");
    assert_says(&text, "send at most 12 rows to each of ranks 12-15");
    assert_says(&text, "dispatch_c0, on stream dispatch, after ");
    assert_says(&text, "step decode: 1 token a sequence, 2 micro-batches");
    buf_clear(&text);
    show_rank_text(&f.schedule, 13, &text);
    assert_narrow(text.data);
    assert_says(&text, "experts     2, 3 of 8, layers 0-1");
    assert_says(&text, "2 experts of 128 columns on at most 144 rows from 12 ranks");
    assert_says(&text, "get at most 144 rows from ranks 0-11");
    assert_says(&text, "send back at most 288 results to ranks 0-11");
    buf_free(&text);
    fixture_free(&f);
}

static void a_plan_is_told_with_its_proof(void **state) {
    static const char *const strategies[] = {
        "single", GROUPS, "ma-separation:attention=6,experts=2,groups=1,output=hierarchical",
        "ma-separation:attention=5,experts=3,groups=1,output=sharded,moves=exact,chunk=8"};
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; ++i) {
        Fixture f;
        Buf text = {0}, again = {0};
        fixture_make(&f, MIXTRAL, strategies[i], 12);
        fixture_refused(&f, fixture_check(&f));
        Simulation simulation = simulate(&f.arena, &f.schedule);
        show_plan_text(&f.schedule, &text);
        show_proof_text(&f.report, &text);
        show_ledger_text(&f.schedule, &f.report.ledger, &text);
        show_prediction_text(&f.schedule, &simulation, &text);
        assert_narrow(text.data);
        assert_says(&text, "mixtral-tiny: 2 layers, hidden 64");
        assert_says(&text, "holds    memory.fits");
        assert_says(&text, "85.9 GB");
        assert_says(&text, "nothing was measured");
        for (int64_t rank = 0; rank < f.schedule.world; ++rank)
            show_rank_text(&f.schedule, rank, &again);
        assert_narrow(again.data);
        buf_free(&text);
        buf_free(&again);
        fixture_free(&f);
    }
}

static void a_refused_rule_is_told(void **state) {
    Fixture f;
    Buf text = {0};
    fixture_make(&f, MIXTRAL, "single", 3);
    f.plan.inputs.topology.nodes.items[0].gpu.memory = 1;
    assert_int_equal(fixture_check(&f), STATUS_NEGATIVE);
    show_proof_text(&f.report, &text);
    assert_says(&text, "REFUSED  memory.fits");
    assert_says(&text, "holds    memory.overlap");
    buf_free(&text);
    fixture_free(&f);
}

static void a_rank_is_json_too(void **state) {
    Fixture f;
    Buf text = {0};
    YamlNode *root;
    fixture_make(&f, MIXTRAL, GROUPS, 12);
    show_rank_json(&f.schedule, 2, &text);
    fixture_refused(&f, yaml_parse(&f.arena, "rank.json", text.data, text.length, yaml_plan_limits,
                                   &root, &f.diag));
    assert_string_equal(yaml_get(root, "rank")->text, "2");
    const YamlNode *steps = yaml_get(root, "steps");
    assert_int_equal(steps->count, 2);
    int64_t operations = 0;
    for (int64_t s = 0; s < 2; ++s) {
        const YamlNode *segments = yaml_get(steps->items[s], "segments");
        for (int64_t i = 0; i < segments->count; ++i)
            operations += yaml_get(segments->items[i], "operations")->count;
    }
    assert_int_equal(operations, f.schedule.ranks[2].ops.count);
    buf_free(&text);
    fixture_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rank_is_told_in_words),
        cmocka_unit_test(a_plan_is_told_with_its_proof),
        cmocka_unit_test(a_refused_rule_is_told),
        cmocka_unit_test(a_rank_is_json_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
