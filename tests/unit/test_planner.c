/* Strategies that misbehave: each must end in time, in its own process, with its own message. */
#include "plan_fixture.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

/* Run a user's strategy with this text under short limits. */
static Status run_text(Fixture *fixture, const char *text, const char *options, double seconds) {
    char *path = fs_join(&fixture->arena, fixture->folder, "user.lua");
    assert_int_equal(fs_write(path, text, strlen(text), &fixture->diag), STATUS_OK);
    PlannerRequest request = {
        .strategy = arena_printf(&fixture->arena, "%s%s", path, options),
        .seconds = seconds,
        .memory = (size_t)32 << 20,
    };
    Status status = planner_run(&fixture->arena, &request, &fixture->plan, &fixture->diag);
    unlink(path);
    return status;
}

static void refuse(Fixture *fixture, const char *text, Status status, const char *code,
                   const char *part) {
    assert_int_equal(run_text(fixture, text, "", 5.0), status);
    fixture_expect(fixture, code, part);
}

#define PLAN(body) "return {name = 'user', plan = function(inputs, options) " body " end}"

static void test_loops_are_killed_in_time(void **state) {
    static const char *const loops[] = {
        PLAN("while true do end"),
        "while true do end",
        PLAN("while true do pcall(function() while true do end end) end"),
        PLAN("return ('a'):rep(100000):find(('.-'):rep(30) .. 'b')"),
    };
    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
        struct timespec begin, end;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        assert_int_equal(run_text(*state, loops[i], "", 0.2), STATUS_DATA);
        clock_gettime(CLOCK_MONOTONIC, &end);
        fixture_expect(*state, "E0461", "more than 0.2 s of processor time");
        assert_true(end.tv_sec - begin.tv_sec < 5);
    }
}

static void test_memory_is_limited(void **state) {
    refuse(*state, PLAN("local t = {} while true do t[#t + 1] = {} end"), STATUS_DATA, "E0462",
           "32 MiB");
    refuse(*state, PLAN("return ('x'):rep(1 << 30)"), STATUS_DATA, "E0462", "32 MiB");
    refuse(*state, PLAN("while true do pcall(string.rep, 'x', 1 << 30) error('end') end"),
           STATUS_DATA, "E0450", "end");
}

static void test_declining_is_an_answer(void **state) {
    refuse(*state, PLAN("return nil, 'too few GPUs'"), STATUS_NEGATIVE, "E0460", "too few GPUs");
    refuse(*state, PLAN("return nil"), STATUS_NEGATIVE, "E0460", "no reason");
    PlannerRequest request = {.strategy = "ma-separation:ranks=9"};
    Fixture *fixture = *state;
    assert_int_equal(planner_run(&fixture->arena, &request, &fixture->plan, &fixture->diag),
                     STATUS_NEGATIVE);
    fixture_expect(fixture, "E0460", "do not fit on the 8 GPUs");
}

static void test_errors_name_the_line(void **state) {
    Fixture *fixture = *state;
    assert_int_equal(run_text(fixture, "return {plan = function()\n  error('oh')\nend}", "", 5.0),
                     STATUS_DATA);
    assert_int_equal(fixture->diag.messages[0].place.line, 2);
    assert_non_null(fixture->diag.messages[0].place.source->text);
    fixture_expect(fixture, "E0450", "oh");
    refuse(fixture, "return {plan = function( end}", STATUS_DATA, "E0450", "expected");
    refuse(fixture, PLAN("return io.open('/etc/passwd')"), STATUS_DATA, "E0450", "'io'");
    refuse(fixture, PLAN("return require('lib.nothing')"), STATUS_DATA, "E0450", "lib.nothing");
}

static void test_nonsense_is_refused(void **state) {
    refuse(*state, "return 3", STATUS_DATA, "E0463", "no table with a function plan");
    refuse(*state, PLAN("return 3"), STATUS_DATA, "E0463", "returned a number");
    refuse(*state, PLAN("return {}"), STATUS_DATA, "E0463", "");
    refuse(*state, PLAN("return {ranks = 'x'}"), STATUS_DATA, "E0463", "ranks");
    refuse(*state, PLAN("return {ranks = function() end}"), STATUS_DATA, "E0463",
           "ranks is a function");
    refuse(*state, PLAN("local t = {} t.t = t return t"), STATUS_DATA, "E0463", "contains itself");
    refuse(*state,
           PLAN("local p = require('strategies.single').plan(inputs, {microbatches = 1})"
                " p.ranks[1].gpu = 7 return p"),
           STATUS_DATA, "E0463", "no GPU 7");
    refuse(*state,
           PLAN("local p = require('strategies.single').plan(inputs, {microbatches = 1})"
                " p.nonsense = 7 return p"),
           STATUS_DATA, "E0463", "nonsense");
}

static void test_options_are_read_as_declared(void **state) {
    static const char text[] =
        "return {options = {{name = 'count', type = 'integer', default = 2},\n"
        "  {name = 'kind', type = 'choice', values = {'a', 'b'}}, {name = 'on', type = "
        "'boolean'}},\n"
        "  plan = function(_, o) return nil, o.count .. tostring(o.kind) .. tostring(o.on) end}";
    static const struct {
        const char *options, *code, *part;
    } cases[] = {
        {"", "E0460", "2nilnil"},
        {":count=-7,kind=b,on=true", "E0460", "-7btrue"},
        {":cuont=7", "E0465", "did you mean count"},
        {":count=7x", "E0466", "whole number"},
        {":count=99999999999999999999", "E0466", "whole number"},
        {":kind=c", "E0466", "use one of a, b"},
        {":on=yes", "E0466", "true or false"},
        {":count", "E0466", "key=value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_text(*state, text, cases[i].options, 5.0);
        fixture_expect(*state, cases[i].code, cases[i].part);
    }
    refuse(*state, "return {options = {{name = 'x'}}, plan = function() end}", STATUS_DATA, "E0463",
           "name and type");
}

static void test_unknown_strategies_are_listed(void **state) {
    static const char *const names[] = {"nope", "", "no/such/x", "Single"};
    Fixture *fixture = *state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        PlannerRequest request = {.strategy = names[i]};
        if (strchr(names[i], '/')) { /* a path: missing, not unknown */
            assert_int_equal(planner_run(&fixture->arena, &request, &fixture->plan, &fixture->diag),
                             STATUS_NOINPUT);
            fixture_expect(fixture, "E0901", "");
            continue;
        }
        assert_int_equal(planner_run(&fixture->arena, &request, &fixture->plan, &fixture->diag),
                         STATUS_USAGE);
        fixture_expect(fixture, "E0464", "ma-separation, pp, single");
    }
}

static void test_inputs_are_all_there(void **state) {
    refuse(*state,
           PLAN("local s = inputs.topology.slots\n"
                "return nil, #s .. ' ' .. s[6].node .. s[6].gpu .. ' ' .. s[6].kind.name .. ' '\n"
                "  .. inputs.model.hidden .. ' ' .. inputs.workload.dtype"),
           STATUS_NEGATIVE, "E0460", "8 11 box 256 f32");
}

static void test_names_and_digests(void **state) {
    Fixture *fixture = *state;
    fixture_plan(fixture, "single");
    assert_string_equal(fixture->plan.name, "ma-small-single");
    assert_string_equal(fixture->plan.strategy, "single");
    assert_int_equal(strlen(fixture->plan.inputs.model_digest), 16);
    assert_string_equal(plan_digest(&fixture->arena, "a", 1), "af63dc4c8601ec8c");
    PlannerRequest request = {.strategy = "single:microbatches=2", .name = "mine"};
    assert_int_equal(planner_run(&fixture->arena, &request, &fixture->plan, &fixture->diag),
                     STATUS_OK);
    assert_string_equal(fixture->plan.name, "mine");
    assert_string_equal(fixture->plan.strategy, "single:microbatches=2");
}

/* --- price(plan) ------------------------------------------------------------------------------ */

/* A stand-in for lowering and simulation: the prefill takes as many seconds as there are ranks. A
 * plan of two ranks is refused; a quarter of the memory is used. `context` is a prefix of reasons. */
static Status stand_in(void *context, Arena *arena, const Plan *plan, PlannerPrice *price,
                       Diag *diag) {
    arena_alloc(arena, 1 << 20);
    if (strcmp(plan->inputs.model.name, "ma-small") != 0 || plan->steps.count != 2)
        return diag_error(diag, diag_nowhere(), "E0500", NULL, "the plan is not whole");
    if (plan->ranks.count == 2)
        return diag_error(diag, diag_nowhere(), "E0573", NULL, "%s two", (const char *)context);
    for (int at = 0; at < PLANNER_CASES; at++) {
        price->prefill[at] = (double)plan->ranks.count + at;
        price->tpot[at] = 0.5 + at;
    }
    price->memory = 0.25;
    return STATUS_OK;
}

static void ask_stand_in(Fixture *fixture, const char *body, const char *part) {
    const char *text = arena_printf(
        &fixture->arena,
        "local function tp(n) return {dp = 1, tp = n, microbatches = 1, output = 'flat',\n"
        "  embedding = 'copied', chunk = 0, in_flight = 1} end\n"
        "return {plan = function(inputs, _, price)\n"
        "  local plan = require('strategies.tp').plan\n%s end}",
        body);
    char *path = fs_join(&fixture->arena, fixture->folder, "user.lua");
    assert_int_equal(fs_write(path, text, strlen(text), &fixture->diag), STATUS_OK);
    PlannerRequest request = {
        .strategy = path, .memory = (size_t)32 << 20, .price = stand_in, .context = "no more than"};
    planner_run(&fixture->arena, &request, &fixture->plan, &fixture->diag);
    unlink(path);
    fixture_expect(fixture, fixture->diag.messages[0].code, part);
}

static void test_a_price_has_all_cases(void **state) {
    ask_stand_in(*state,
                 "local p = price(plan(inputs, tp(4)))\n"
                 "return nil, table.concat({tostring(p.ok), p.prefill, p.low.prefill,\n"
                 "  p.high.prefill, p.tpot, p.low.tpot, p.high.tpot, p.memory}, ' ')",
                 "true 5.0 4.0 6.0 1.5 0.5 2.5 0.25");
}

static void test_what_cannot_be_priced_is_an_answer(void **state) {
    static const struct {
        const char *body, *part;
    } cases[] = {
        {"local p = price(plan(inputs, tp(2))) return nil, tostring(p.ok) .. p.reason",
         "falseno more than two"},
        {"return nil, price(plan(inputs, tp(99))).reason", "99 ranks a copy do not fit"},
        {"return nil, price(nil).reason", "there is no plan"},
        {"return nil, price({}).reason", "plan"},
        {"return nil, price({ranks = 'x'}).reason", "ranks"},
        {"local p = plan(inputs, tp(4)) p.ranks[1].gpu = 9 return nil, price(p).reason",
         "no GPU 9"},
        {"local p = plan(inputs, tp(4)) p.more = p return nil, price(p).reason", "contains itself"},
        {"local p = plan(inputs, tp(4)) p.steps = nil return nil, price(p).reason", "steps"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ask_stand_in(*state, cases[i].body, cases[i].part);
}

static void test_prices_misused_are_errors(void **state) {
    ask_stand_in(*state, "return price(3)", "table expected");
    refuse(*state, "return {plan = function(_, _, price) return nil, type(price) end}",
           STATUS_NEGATIVE, "E0460", "nil"); /* nobody to ask */
}

/* Each of them takes a mebibyte of the callback's and some of Lua's, of 512: they must not add up. */
static void test_many_prices_fit_in_memory(void **state) {
    ask_stand_in(*state,
                 "local sum = 0\n"
                 "for i = 1, 600 do sum = sum + price(plan(inputs, tp(4))).prefill end\n"
                 "return nil, 'sum ' .. sum",
                 "sum 3000.0");
}

/* --- time ------------------------------------------------------------------------------------- */

/* What a question does before it is answered: works, or waits, for so many seconds of it. */
typedef struct Duty {
    double work, wait;
} Duty;

static double used(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static Status do_duty(void *context, Arena *arena, const Plan *plan, PlannerPrice *price,
                      Diag *diag) {
    const Duty *duty = context;
    (void)arena, (void)plan, (void)price;
    double begun = used(CLOCK_PROCESS_CPUTIME_ID);
    while (used(CLOCK_PROCESS_CPUTIME_ID) - begun < duty->work) {
    }
    struct timespec rest = {(time_t)duty->wait,
                            (long)(1e9 * (duty->wait - (double)(time_t)duty->wait))};
    while (nanosleep(&rest, &rest) != 0) {
    }
    return diag_error(diag, diag_nowhere(), "E0573", NULL, "it is done");
}

/* A strategy that asks once and tells the answer, within 0.25 s. */
static void ask_for(Fixture *fixture, Duty duty, const char *code, const char *part) {
    const char *text =
        "return {plan = function(inputs, _, price) return nil,\n"
        "  price(require('strategies.single').plan(inputs, {microbatches = 1})).reason\n"
        "end}";
    char *path = fs_join(&fixture->arena, fixture->folder, "user.lua");
    assert_int_equal(fs_write(path, text, strlen(text), &fixture->diag), STATUS_OK);
    PlannerRequest request = {
        .strategy = path, .seconds = 0.25, .price = do_duty, .context = &duty};
    planner_run(&fixture->arena, &request, &fixture->plan, &fixture->diag);
    unlink(path);
    fixture_expect(fixture, code, part);
}

/* On a busy machine seconds pass while a planner may not work: these are not its own. */
static void test_time_is_that_of_the_processor(void **state) {
    ask_for(*state, (Duty){.wait = 0.6}, "E0460", "it is done");
    ask_for(*state, (Duty){.work = 0.05, .wait = 0.4}, "E0460", "it is done");
    double begun = used(CLOCK_MONOTONIC);
    ask_for(*state, (Duty){.work = 1000}, "E0461", "took more than 0.25 s of processor time");
    ask_for(*state, (Duty){.work = 0.02, .wait = 1000}, "E0461", "waited for more than 1.5 s");
    /* A share of a fiftieth of a processor is no waiting. */
    ask_for(*state, (Duty){.work = 0.08, .wait = 2.5}, "E0460", "it is done");
    assert_true(used(CLOCK_MONOTONIC) - begun < 120);
    struct rusage children;
    getrusage(RUSAGE_CHILDREN, &children);
    assert_true(children.ru_utime.tv_sec + children.ru_stime.tv_sec < 30);
}

/* A file under --share that never gives its text: the planner waits for it, gen does not. */
static void test_waiting_for_a_file_ends(void **state) {
    Fixture *fixture = *state;
    const char *dirs[] = {"lua", "lua/lib"};
    for (int i = 0; i < 2; i++)
        assert_int_equal(mkdir(fs_join(&fixture->arena, fixture->folder, dirs[i]), 0700), 0);
    char *pipe = fs_join(&fixture->arena, fixture->folder, "lua/lib/never.lua");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    const char *text = "return require('lib.never')";
    char *path = fs_join(&fixture->arena, fixture->folder, "user.lua");
    assert_int_equal(fs_write(path, text, strlen(text), &fixture->diag), STATUS_OK);
    PlannerRequest request = {.strategy = path, .share = fixture->folder, .seconds = 0.1};
    assert_int_equal(planner_run(&fixture->arena, &request, &fixture->plan, &fixture->diag),
                     STATUS_DATA);
    fixture_expect(fixture, "E0461", "under --share");
    unlink(path);
    unlink(pipe);
    for (int i = 1; i >= 0; i--)
        rmdir(fs_join(&fixture->arena, fixture->folder, dirs[i]));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_loops_are_killed_in_time),
        TEST(test_memory_is_limited),
        TEST(test_declining_is_an_answer),
        TEST(test_errors_name_the_line),
        TEST(test_nonsense_is_refused),
        TEST(test_options_are_read_as_declared),
        TEST(test_unknown_strategies_are_listed),
        TEST(test_inputs_are_all_there),
        TEST(test_names_and_digests),
        TEST(test_a_price_has_all_cases),
        TEST(test_what_cannot_be_priced_is_an_answer),
        TEST(test_prices_misused_are_errors),
        TEST(test_many_prices_fit_in_memory),
        TEST(test_time_is_that_of_the_processor),
        TEST(test_waiting_for_a_file_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
