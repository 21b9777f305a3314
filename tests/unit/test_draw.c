/* draw: what drawings, traces, comparisons and explanations are made of holds together: every rank is drawn
 * once, bytes are those of the counters, memory in use stays within the slab, sums are the whole. */
#include "../schedule/schedule_fixture.h"
#include "show/compare.h"
#include "show/diff.h"
#include "show/facts.h"
#include "show/holds.h"
#include "show/path.h"
#include "show/traffic.h"
#include "show/trace_memory.h"

#include <math.h>

static const char *const strategies[] = {
    "single",
    "ma-separation:attention=12,experts=4,groups=6,microbatches=2,moves=exact",
    "ma-separation:attention=5,experts=3,groups=1,output=sharded",
    "tp:tp=4,dp=2",
    "tp-pp:tp=2,pp=2",
    "ep:ep=8"};

enum { STRATEGIES = sizeof strategies / sizeof *strategies };

static void every_rank_is_in_one_group(void **state) {
    for (int i = 0; i < STRATEGIES; ++i) {
        Fixture f;
        fixture_make(&f, MIXTRAL, strategies[i], 12);
        const Place *places = place_all(&f.arena, &f.plan);
        HoldsGroups groups = holds_groups(&f.arena, &f.schedule, places);
        int64_t seen = 0;
        for (int64_t g = 0; g < groups.list.count; ++g)
            for (int64_t k = 0; k < groups.list.items[g].ranks.count; ++k, ++seen) {
                int64_t rank = groups.list.items[g].ranks.items[k];
                assert_int_equal(groups.of[rank], g);
                assert_int_equal(groups.list.items[g].node, places[rank].node);
                assert_int_equal(groups.list.items[g].sort, holds_sort(&places[rank]));
            }
        assert_int_equal(seen, f.schedule.world);
        fixture_free(&f);
    }
}

static void runs_of_experts_are_told_together(void **state) {
    PlaceSlot slots[] = {{0, 0, 0, {0, 8}, 0}, {0, 1, 1, {0, 8}, 0}, {0, 2, 2, {0, 8}, 0},
                         {0, 3, 5, {0, 8}, 0}, {0, 4, 6, {2, 4}, 0}, {1, 0, 7, {0, 8}, 0}};
    Place place = {.slots = {slots, 6, 6}};
    Model model = {.experts = 8, .expert_hidden = 8, .shared_hidden = 6};
    Buf text = {0};
    holds_experts(&place, &model, &text);
    assert_string_equal(text.data, "0-2, 5, 6 columns 2-3");
    buf_clear(&text);
    place.slots.count = 0;
    holds_experts(&place, &model, &text);
    assert_string_equal(text.data, "none");
    buf_clear(&text);
    place = (Place){.slots = {slots, 4, 4}, .serves_shared = true, .shared = {2, 4}};
    slots[3] = (PlaceSlot){0, 3, 8, {2, 4}, 0}; /* what all tokens pass, behind the experts */
    holds_experts(&place, &model, &text);
    assert_string_equal(text.data, "0-2, shared columns 2-3");
    buf_free(&text);
}

static void bytes_of_moves_are_all_bytes(void **state) {
    for (int i = 0; i < STRATEGIES; ++i) {
        Fixture f;
        fixture_make(&f, MIXTRAL, strategies[i], 12);
        for (int64_t step = 0; step < f.plan.steps.count; ++step) {
            Traffic traffic = traffic_of(&f.arena, &f.schedule, step);
            int64_t pairs = traffic.world * traffic.world, all = 0, moves = 0;
            for (int64_t k = 0; k < pairs; ++k)
                all += traffic.bytes[k];
            for (int64_t move = 0; move < TRAFFIC_MOVES; ++move)
                moves += traffic_total(&traffic, move);
            assert_int_equal(all, moves);
            assert_int_equal(all > 0, f.schedule.world > 1);
        }
        fixture_free(&f);
    }
}

typedef struct Levels {
    const Ledger *ledger;
    int64_t told;
    MemoryLevel last;
} Levels;

static void check_level(void *context, int64_t rank, double seconds, const MemoryLevel *level) {
    Levels *levels = context;
    const LedgerRow *row = &levels->ledger->rows[rank];
    assert_true(level->activations >= 0 && level->windows >= 0);
    assert_int_equal(level->weights, row->weights);
    assert_int_equal(level->state, row->state);
    assert_true(level->weights + level->state + level->windows + level->activations <= row->total);
    assert_true(seconds >= 0);
    levels->told++;
    levels->last = *level;
}

static void memory_in_use_stays_within_the_slab(void **state) {
    for (int i = 0; i < STRATEGIES; ++i) {
        Fixture f;
        fixture_make(&f, MIXTRAL, strategies[i], 12);
        Ledger ledger = ledger_make(&f.arena, &f.schedule);
        for (int64_t step = 0; step < f.plan.steps.count; ++step) {
            Timeline line = simulate_timeline(&f.arena, &f.schedule, step, COST_EXPECTED);
            for (int64_t rank = 0; rank < f.schedule.world; ++rank) {
                Levels levels = {.ledger = &ledger};
                trace_memory(&f.schedule, &line, rank, check_level, &levels);
                assert_true(levels.told > 2);
                assert_int_equal(levels.last.activations + levels.last.windows, 0);
            }
        }
        fixture_free(&f);
    }
}

static void parts_of_a_step_are_the_step(void **state) {
    for (int i = 0; i < STRATEGIES; ++i) {
        Fixture f;
        fixture_make(&f, MIXTRAL, strategies[i], 12);
        Simulation simulation = simulate(&f.arena, &f.schedule);
        for (int64_t step = 0; step < f.plan.steps.count; ++step) {
            const SimulatedStep *of = &simulation.steps[COST_EXPECTED][step];
            PathKinds kinds = path_kinds(&f.arena, &f.schedule, of, true);
            double sum = 0;
            for (int64_t k = 0; k < kinds.count; ++k) {
                sum += kinds.items[k].seconds;
                assert_true(k == 0 || kinds.items[k].seconds <= kinds.items[k - 1].seconds);
            }
            assert_true(fabs(sum - of->makespan) < 1e-9 * of->makespan + 1e-12);
            Timeline line = simulate_timeline(&f.arena, &f.schedule, step, COST_EXPECTED);
            CompareStep compared = compare_simulated(&f.schedule, &line);
            assert_int_equal(compared.runs, 1);
            assert_true(fabs(compared.median - of->makespan) < 1e-9 * of->makespan);
        }
        fixture_free(&f);
    }
}

static void a_plan_differs_by_what_it_decides(void **state) {
    Fixture f, other;
    fixture_make(&f, MIXTRAL, "tp:tp=4", 12);
    fixture_make(&other, MIXTRAL, "tp:tp=4", 12);
    other.plan.name = "else";
    other.plan.strategy = "by-hand";
    other.plan.why.count = 0;
    assert_true(diff_equal(&f.plan, &other.plan));
    other.plan.ranks.items[3].gpu = 0;
    assert_false(diff_equal(&f.plan, &other.plan));
    Facts a = facts_of(&f.arena, &f.schedule), b = facts_of(&other.arena, &other.schedule);
    assert_string_equal(facts_find(&a, "rank 2"), facts_find(&b, "rank 2"));
    assert_string_not_equal(facts_find(&a, "rank 3"), facts_find(&b, "rank 3"));
    assert_null(facts_find(&a, "rank 4"));
    fixture_free(&f);
    fixture_free(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rank_is_in_one_group),
        cmocka_unit_test(runs_of_experts_are_told_together),
        cmocka_unit_test(bytes_of_moves_are_all_bytes),
        cmocka_unit_test(memory_in_use_stays_within_the_slab),
        cmocka_unit_test(parts_of_a_step_are_the_step),
        cmocka_unit_test(a_plan_differs_by_what_it_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
