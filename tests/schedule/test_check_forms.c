/* The folded form of the proof, which goes through recurring layers once, against the flat one, which goes through all:
 * the same verdict by the same rules on good schedules, and work that does not grow with layers. Mutants are
 * compared where they are (mutant.h). */
#include "mutant.h"

#define PIPELINED TEST_SOURCE "/tests/data/uneven-stages.lua:a=2,b=3,residual=sharded"

static const struct {
    const char *model, *strategy;
} cases[] = {
    {MIXTRAL, "single"},
    {MIXTRAL, "tp:tp=4"},
    {MIXTRAL, "tp:tp=4,output=ring"},
    {MIXTRAL, "tp:tp=6,output=recursive"},
    {MIXTRAL, "tp:tp=8,output=pipelined"},
    {MIXTRAL, "tp:tp=8,output=hierarchical"},
    {MIXTRAL, "tp:tp=3,output=ring-sharded"},
    {MIXTRAL, "ep:ep=8,moves=padded"},
    {MIXTRAL, "ep:ep=12"},
    {MIXTRAL, "ep:ep=6,exchange=aggregated,moves=padded"},
    {MIXTRAL, "ep:ep=4,exchange=pairwise,moves=exact"},
    {MIXTRAL, "ma-separation:attention=6,experts=2,groups=1,output=flat"},
    {MIXTRAL, "ma-separation:attention=4,experts=2,groups=2,microbatches=2,output=flat"},
    {MIXTRAL, "ma-separation:attention=6,experts=2,groups=1,output=sharded"},
    {MIXTRAL, "ma-separation:attention=6,experts=4,groups=2,microbatches=3,output=ring"},
    {MA_SMALL, "pp:pp=4,microbatches=2"},
    {MA_SMALL, "pp:pp=2,dp=2"},
    {MA_SMALL, "tp-pp:tp=2,pp=2,microbatches=2"},
    {MA_SMALL, "tp-pp:tp=3,pp=2,output=sharded"},
    {MA_SMALL, PIPELINED},
    {LATENT, "ep:ep=8"},
    {LATENT, "tp-pp:tp=2,pp=2,microbatches=2"},
    {LATENT, "ma-separation:attention=4,experts=4,groups=2,microbatches=2"},
    {LATENT_GATED, "tp:tp=2"},
    {LATENT_GATED, "ma-separation:attention=4,experts=2,groups=2,microbatches=2"},
};
enum { CASES = sizeof cases / sizeof *cases };

static void both_forms_prove_good_schedules(void **state) {
    (void)state;
    static const int64_t depths[] = {4, 5, 6, 7, 16};
    size_t missed = 0;
    for (size_t i = 0; i < CASES; ++i)
        for (size_t d = 0; d < sizeof depths / sizeof *depths; ++d) {
            Fixture f;
            fixture_make_deep(&f, cases[i].model, cases[i].strategy, 12, depths[d]);
            fixture_refused(&f, fixture_check(&f));
            missed += !fixture_forms_agree(&f, cases[i].strategy);
            fixture_free(&f);
        }
    assert_int_equal(missed, 0);
}

/* What the rules that go from layer to layer looked at. */
static int64_t looked_at(const char *model, const char *strategy, int64_t layers) {
    static const CheckRuleId walking[] = {CHECK_CHANNEL, CHECK_CYCLE,  CHECK_RACE,
                                          CHECK_REDUCE,  CHECK_GATHER, CHECK_STALE,
                                          CHECK_EVENTS,  CHECK_UNREAD, CHECK_CLOBBERED};
    Fixture f;
    int64_t count = 0;
    fixture_make_deep(&f, model, strategy, 12, layers);
    fixture_refused(&f, fixture_check(&f));
    for (size_t r = 0; r < sizeof walking / sizeof *walking; ++r)
        count += f.report.rules[walking[r]].count;
    fixture_free(&f);
    return count;
}

static void work_does_not_grow_with_layers(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; ++i) {
        int64_t few = looked_at(cases[i].model, cases[i].strategy, 32);
        int64_t many = looked_at(cases[i].model, cases[i].strategy, 64);
        if (few != many)
            fail_msg("%s: %d of 32 layers, %d of 64", cases[i].strategy, (int)few, (int)many);
    }
}

/* --- random faults ------------------------------------------------------------------------------------- */

static int64_t below(uint64_t *seed, int64_t limit) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return limit > 0 ? (int64_t)(*seed >> 33) % limit : 0;
}

/* One thing changed in one operation or buffer of a rank. */
static void break_something(Fixture *f, int64_t rank, uint64_t seed) {
    RankSchedule *of = &f->schedule.ranks[rank];
    int64_t id = below(&seed, of->ops.count - 1), args = 0;
    Op *op = &of->ops.items[id];
    while (args < OP_ARGS && op_info[op->kind].args[args].type != ARG_NONE)
        ++args;
    int64_t arg = below(&seed, args);
    Buffer *buffer = &of->buffers.items[below(&seed, of->buffers.count)];
    const Buffer *other = &of->buffers.items[below(&seed, of->buffers.count)];
    switch (below(&seed, 9)) {
    case 0:
        swap_ops(f, rank, id, id + 1);
        break;
    case 1:
        for (int w = 0; w < OP_WAITS; ++w)
            op->waits[w] = -1;
        break;
    case 2:
        buffer->offset = other->offset;
        break;
    case 3:
        drop_op(f, rank, id);
        break;
    case 4:
        op->lag += below(&seed, 2) ? 1 : -1;
        break;
    case 5:
        op->waits[0] = below(&seed, of->ops.count);
        of->ops.items[op->waits[0]].records = true;
        break;
    case 6:
        op->args[arg].value += below(&seed, 2) ? 1 : -1;
        break;
    case 7:
        op->args[arg].delta += 64;
        break;
    default:
        op->channel = op->channel < 0 ? -1 : below(&seed, f->schedule.channels.count);
    }
}

/* The same fault in one rank, or in all that have as many operations. */
static void both_forms_refuse_alike(void **state) {
    (void)state;
    int64_t refused = 0;
    size_t missed = 0;
    for (uint64_t n = 0; n < 8 * CASES; ++n) {
        Fixture f;
        const char *strategy = cases[n % CASES].strategy;
        uint64_t seed = (n + 1) * 0x9e3779b97f4a7c15u;
        fixture_make_deep(&f, cases[n % CASES].model, strategy, 12, 14);
        int64_t rank = below(&seed, f.schedule.world), ops = f.schedule.ranks[rank].ops.count;
        bool all = below(&seed, 2);
        for (int64_t r = 0; r < f.schedule.world; ++r)
            if (r == rank || (all && f.schedule.ranks[r].ops.count == ops))
                break_something(&f, r, seed);
        refused += fixture_check(&f) == STATUS_NEGATIVE;
        if (!fixture_forms_agree(&f, strategy)) {
            print_error("fault %d\n", (int)n);
            ++missed;
        }
        fixture_free(&f);
    }
    assert_int_equal(missed, 0);
    assert_true(refused > 3 * CASES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_prove_good_schedules),
        cmocka_unit_test(both_forms_refuse_alike),
        cmocka_unit_test(work_does_not_grow_with_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
