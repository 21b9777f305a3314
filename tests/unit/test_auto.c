/* auto by real prices: nothing in a reduced space may be better than what it chooses. */
#include "plan_fixture.h"
#include "run/price.h"

static void read_model(Fixture *fixture, const char *file) {
    const char *path = arena_printf(&fixture->arena, TEST_SOURCE "/models/%s", file);
    Diag notes = {.arena = &fixture->arena};
    assert_int_equal(model_read(&fixture->arena, path, NULL, &fixture->plan.inputs.model, &notes),
                     STATUS_OK);
}

static Status ask(Fixture *fixture, const char *strategy) {
    PlannerRequest request = {.strategy = strategy, .seconds = 100, .price = price_plan};
    return planner_run(&fixture->arena, &request, &fixture->plan, &fixture->diag);
}

static void nothing_in_reach_is_better(void **state) {
    static const struct {
        const char *model, *purpose;
        int64_t batch, prefill, context, dtype;
    } cases[] = {
        {"ma-small.yaml", "wave", 12, 16, 32, ELEMENT_F32},
        {"ma-8.9b.yaml", "wave", 4, 128, 512, ELEMENT_BF16},
        {"ma-8.9b.yaml", "decode", 96, 128, 256, ELEMENT_BF16},
        {"ma-8.9b.yaml", "prefill", 8, 64, 128, ELEMENT_BF16},
    };
    Fixture *fixture = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read_model(fixture, cases[i].model);
        fixture->plan.inputs.workload = (Workload){.batch = cases[i].batch,
                                                   .prefill = cases[i].prefill,
                                                   .context = cases[i].context,
                                                   .dtype = cases[i].dtype,
                                                   .candidates = 1};
        const char *strategy = arena_printf(
            &fixture->arena, TEST_SOURCE "/tests/lua/exhaustive.lua:for=%s", cases[i].purpose);
        assert_int_equal(ask(fixture, strategy), STATUS_NEGATIVE);
        printf("%s\n", fixture->diag.messages[0].text);
        fixture_expect(fixture, "E0460", "good: auto");
    }
}

/* A strategy of one line: asks for the price of what `make` changes in a plan of tp over 4 ranks. */
static void priced(Fixture *fixture, const char *make, const char *part) {
    const char *text = arena_printf(
        &fixture->arena,
        "return {plan = function(inputs, _, price)\n"
        "  local p = require('strategies.tp').plan(inputs, {dp = 1, tp = 4, microbatches = 1,\n"
        "    output = 'flat', embedding = 'copied', chunk = 0, in_flight = 1})\n"
        "  %s\n  local q = price(p)\n"
        "  return nil, q.reason or string.format('%%.3g %%s', q.memory,\n"
        "    q.low.tpot < q.tpot and q.tpot < q.high.tpot and q.low.prefill < q.prefill) end}",
        make);
    char *path = fs_join(&fixture->arena, fixture->folder, "user.lua");
    assert_int_equal(fs_write(path, text, strlen(text), &fixture->diag), STATUS_OK);
    assert_int_equal(ask(fixture, path), STATUS_NEGATIVE);
    unlink(path);
    fixture_expect(fixture, "E0460", part);
}

static void prices_are_those_of_the_simulation(void **state) {
    Fixture *fixture = *state;
    priced(fixture, "", " true");
    /* Ranks that wait for each other: one of them leaves out its part of a move. */
    priced(fixture, "p.steps[2].orders[1].ranks = {0, 1, 2}", "rank 3 has none");
    priced(fixture,
           "local o = p.steps[2].orders\n"
           "o[2] = {ranks = {3}, loops = {}} o[1].ranks = {0, 1, 2}",
           "step decode: rank 0 waits for rank 3 which has ended");
    read_model(fixture, "ma-8.9b.yaml");
    fixture->plan.inputs.workload.batch = 4096;
    priced(fixture, "", "needs");
}

static void auto_says_that_nothing_fits(void **state) {
    Fixture *fixture = *state;
    read_model(fixture, "ma-8.9b.yaml");
    fixture->plan.inputs.workload = (Workload){
        .batch = 1 << 20, .prefill = 1024, .context = 2048, .dtype = ELEMENT_BF16, .candidates = 1};
    assert_int_equal(ask(fixture, "auto"), STATUS_NEGATIVE);
    fixture_expect(fixture, "E0460", "no plan of any strategy fits");
}

static void auto_takes_a_strategy_and_says_why(void **state) {
    Fixture *fixture = *state;
    assert_int_equal(ask(fixture, "auto:for=decode"), STATUS_OK);
    assert_string_equal(fixture->plan.strategy, "auto:for=decode");
    assert_string_equal(fixture->plan.name, "ma-small-auto");
    assert_true(fixture->plan.why.count > 3); /* auto's three, then those of the strategy */
    assert_non_null(strstr(fixture->plan.why.items[0].reason, "a decode step"));
    assert_non_null(strstr(fixture->plan.why.items[1].choice, "separation "));
    assert_non_null(strstr(fixture->plan.why.items[2].choice, "plans priced"));
    assert_int_equal(ask(fixture, "auto:questions=3"), STATUS_OK);
    assert_int_equal(ask(fixture, "auto:for=all"), STATUS_USAGE);
    fixture_expect(fixture, "E0466", "use one of wave");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(nothing_in_reach_is_better),
        TEST(prices_are_those_of_the_simulation),
        TEST(auto_says_that_nothing_fits),
        TEST(auto_takes_a_strategy_and_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
