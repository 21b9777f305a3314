/* simulate: times of a schedule made by hand, and what must hold of any prediction. */
#include "../schedule/schedule_fixture.h"
#include "base/yaml.h"
#include "schedule/simulate.h"
#include "schedule/walk.h"

#include <math.h>

static void assert_close(double value, double expected) {
    if (fabs(value - expected) > 1e-9 * fabs(expected))
        fail_msg("%.12g is not %.12g", value, expected);
}

static void bounds_are_ordered(void **state) {
    Fixture f;
    fixture_make(&f, MA_SMALL, "ma-separation:attention=12,experts=4,microbatches=2", 24);
    Simulation simulation = simulate(&f.arena, &f.schedule);
    for (int at = 0; at + 1 < COST_CASES; ++at) {
        assert_true(simulation.tpot[at] < simulation.tpot[at + 1]);
        assert_true(simulation.prefill[at] < simulation.prefill[at + 1]);
        assert_true(simulation.tps[at] > simulation.tps[at + 1]);
        assert_true(simulation.throughput[at] > simulation.throughput[at + 1]);
    }
    assert_close(simulation.tps[COST_EXPECTED], 24 / simulation.tpot[COST_EXPECTED]);
    /* 24 prompt tokens, the prefill's new one and 39 more, up to a context of 64. */
    assert_close(simulation.throughput[COST_EXPECTED],
                 24 * 64.0 /
                     (simulation.prefill[COST_EXPECTED] + 39 * simulation.tpot[COST_EXPECTED]));
    fixture_free(&f);
}

/* One rank has one stream in use: its step takes the sum of its operations. */
static void one_rank_takes_the_sum(void **state) {
    Fixture f;
    fixture_make(&f, MIXTRAL, "single", 3);
    Simulation simulation = simulate(&f.arena, &f.schedule);
    double sum = 0;
    WalkCursor cursor = walk_begin(&f.schedule.ranks[0], 1);
    WalkItem item;
    while (walk_next(&cursor, &item))
        sum += cost_kernel(&f.schedule, 0, &f.schedule.ranks[0].ops.items[item.op], COST_EXPECTED);
    assert_close(simulation.tpot[COST_EXPECTED], sum);
    assert_close(simulation.steps[COST_EXPECTED][1].ranks[0].compute, sum);
    fixture_free(&f);
}

static void no_rank_is_busier_than_the_step(void **state) {
    Fixture f;
    fixture_make(&f, MA_SMALL,
                 "ma-separation:attention=12,experts=4,groups=2,output=sharded,microbatches=3", 24);
    Simulation simulation = simulate(&f.arena, &f.schedule);
    for (int64_t rank = 0; rank < f.schedule.world; ++rank) {
        const SimulatedStep *step = &simulation.steps[COST_EXPECTED][0];
        const SimulatedRank *of = &step->ranks[rank];
        for (int move = 0; move < SIMULATE_MOVES; ++move) {
            assert_true(of->exposed[move] >= 0);
            assert_true(of->exposed[move] <= of->moving[move] * (1 + 1e-9));
            if (move != MOVE_DISPATCH && move != MOVE_COMBINE) /* on streams of their own */
                assert_true(of->compute + of->exposed[move] <= step->makespan * (1 + 1e-9));
        }
        assert_true(of->end <= step->makespan);
        assert_true(of->compute > 0);
    }
    fixture_free(&f);
}

/* Two ranks, one all-reduce: it begins when the later one is there, and ends for both. */
static void moves_begin_when_all_are_ready(void **state) {
    Fixture f;
    fixture_make(&f, MIXTRAL, "ma-separation:attention=2,experts=1,groups=1,output=flat", 3);
    int64_t reduce = fixture_op(&f, 0, OP_all_reduce, 0);
    Op moved = f.schedule.ranks[0].ops.items[reduce];
    for (int64_t rank = 0; rank < 3; ++rank) {
        RankSchedule *of = &f.schedule.ranks[rank];
        of->steps[0].segments.count = of->steps[1].segments.count = 0;
        of->ops.count = 0;
        if (rank == 2)
            continue;
        Op *work = LIST_PUSH(&f.arena, &of->ops);
        *work = (Op){.kind = OP_add, .flops = rank == 0 ? 1 : 19.5e12, .waits = {-1}};
        Op *op = LIST_PUSH(&f.arena, &of->ops);
        *op = moved;
        op->waits[0] = 0;
        op->waits[1] = -1;
        *(Segment *)LIST_PUSH(&f.arena, &of->steps[0].segments) = (Segment){{0, 1}, 0, 2};
    }
    Simulation simulation = simulate(&f.arena, &f.schedule);
    CostDemand demand = cost_move(&f.arena, &f.schedule, 0, &moved, COST_LOW);
    double reducing = cost_alone(&demand);
    assert_close(simulation.steps[COST_LOW][0].makespan, 1.0 + reducing);
    assert_close(simulation.steps[COST_LOW][0].ranks[0].busy[OP_all_reduce], reducing);
    assert_close(simulation.steps[COST_LOW][0].ranks[0].end, 1.0 + reducing);
    fixture_free(&f);
}

static void predictions_are_json(void **state) {
    Fixture f;
    fixture_make(&f, MA_SMALL, "ma-separation:attention=12,experts=4", 24);
    Simulation simulation = simulate(&f.arena, &f.schedule);
    Buf text = {0};
    simulate_write(&simulation, &f.schedule, &text);
    YamlNode *root; /* JSON is YAML */
    fixture_refused(&f, yaml_parse(&f.arena, "prediction.json", text.data, text.length,
                                   yaml_plan_limits, &root, &f.diag));
    assert_string_equal(yaml_get(root, "schema_version")->text, "2");
    assert_int_equal(yaml_get(root, "steps")->count, 2);
    assert_close(strtod(yaml_get(yaml_get(root, "tpot_s"), "expected")->text, NULL),
                 simulation.tpot[COST_EXPECTED]);
    const YamlNode *tps = yaml_get(root, "tps_new_tokens_per_s");
    assert_true(strtod(yaml_get(tps, "low")->text, NULL) <
                strtod(yaml_get(tps, "high")->text, NULL));
    assert_non_null(strstr(yaml_get(root, "method")->text, "no measurement"));
    buf_free(&text);
    fixture_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_are_ordered),
        cmocka_unit_test(one_rank_takes_the_sum),
        cmocka_unit_test(no_rank_is_busier_than_the_step),
        cmocka_unit_test(moves_begin_when_all_are_ready),
        cmocka_unit_test(predictions_are_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
