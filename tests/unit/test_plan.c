/* Plans: written and read back byte-equal; whatever lowering would trip over is refused by its
 * code. */
#include "plan_fixture.h"

static const char *const strategies[] = {
    "single:microbatches=3",
    "ma-separation",
    "ma-separation:attention=5,experts=3,groups=2,output=hierarchical,embedding=split",
    "ma-separation:attention=6,experts=2,groups=1,output=sharded,moves=exact,chunk=3,in_flight=2",
    "ma-separation:dp=2,attention=3,groups=1,microbatches=3,placement=packed",
    "ma-separation:attention=4,balance=9+5+2",
};

static char *write_plan(Fixture *fixture, const char *name) {
    char *path = fs_join(&fixture->arena, fixture->folder, name);
    Buf text = {0};
    plan_write(&fixture->plan, &text);
    assert_int_equal(fs_write(path, text.data, text.length, &fixture->diag), STATUS_OK);
    buf_free(&text);
    return path;
}

static void test_round_trip(void **state) {
    Fixture *fixture = *state;
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++) {
        fixture_plan(fixture, strategies[i]);
        char *path = write_plan(fixture, "plan.json");
        Plan again;
        Status status = plan_read(&fixture->arena, path, &again, &fixture->diag);
        unlink(path);
        if (status != STATUS_OK) {
            diag_render(&fixture->diag, stderr);
        }
        assert_int_equal(status, STATUS_OK);
        Buf first = {0}, second = {0};
        plan_write(&fixture->plan, &first);
        plan_write(&again, &second);
        assert_string_equal(first.data, second.data);
        assert_int_equal(schema_diff(&plan_schema, &fixture->plan, &again, &second), 0);
        buf_free(&first);
        buf_free(&second);
    }
}

/* Replace the first `from` in plan.json by `to` and read it. */
static void refuse_text(Fixture *fixture, const char *from, const char *to, const char *code,
                        const char *part) {
    fixture_plan(fixture, strategies[1]);
    Buf text = {0}, changed = {0};
    plan_write(&fixture->plan, &text);
    char *at = strstr(text.data, from);
    assert_non_null(at);
    buf_append(&changed, text.data, (size_t)(at - text.data));
    buf_puts(&changed, to);
    buf_puts(&changed, at + strlen(from));
    char *path = fs_join(&fixture->arena, fixture->folder, "bad.json");
    assert_int_equal(fs_write(path, changed.data, changed.length, &fixture->diag), STATUS_OK);
    Plan again;
    assert_int_equal(plan_read(&fixture->arena, path, &again, &fixture->diag), STATUS_DATA);
    unlink(path);
    fixture_expect(fixture, code, part);
    buf_free(&text);
    buf_free(&changed);
}

static void test_bad_texts_are_refused(void **state) {
    refuse_text(*state, "\"schema_version\": 1", "\"schema_version\": 2", "E0501", "version 2");
    refuse_text(*state, "\"schema_version\": 1", "\"schema\": 1", "E0501", "no schema_version");
    refuse_text(*state, "\"hidden\": 256", "\"hidden\": 512", "E0502", "model_digest");
    refuse_text(*state, "\"copies\": 1", "\"copies\": -1", "E0110", "copies");
    refuse_text(*state, "\"part\": \"embed\"", "\"part\": \"embd\"", "E0109", "embed");
    refuse_text(*state, "\"copies\": 1", "\"copies\": 1, \"speed\": 9", "E0107", "speed");
}

/* One change to a good plan (6 attention ranks in a group, 2 expert ranks) and the code that
 * refuses it. */
typedef struct Mutant {
    void (*change)(Plan *plan);
    const char *code, *part;
} Mutant;

static PlanStage *stage(Plan *plan) {
    return plan->stages.items;
}
static PlanStep *step(Plan *plan) {
    return plan->steps.items;
}
static void no_layers(Plan *p) {
    p->inputs.model.layers = 0;
}
static void many_gpus(Plan *p) {
    p->inputs.topology.nodes.items[0].count = 65536;
}
static void no_nic(Plan *p) {
    p->inputs.topology.nodes.items[0].nics = 0;
}
static void bad_name(Plan *p) {
    p->name = "a/b";
}
static void copies(Plan *p) {
    p->copies = 2;
}
static void same_gpu(Plan *p) {
    p->ranks.items[1].gpu = p->ranks.items[0].gpu;
}
static void no_node(Plan *p) {
    p->ranks.items[1].node = 2;
}
static void shuffled(Plan *p) {
    p->ranks.items[1].rank = 0;
}
static void two_stages(Plan *p) {
    p->stages.count = 2;
}
static void short_stage(Plan *p) {
    stage(p)->layers.end--;
}
static void requests(Plan *p) {
    stage(p)->attention.items[0].requests.end = 13;
}
static void heads(Plan *p) {
    stage(p)->attention.items[0].members.items[5].heads.end = 33;
}
static void empty_heads(Plan *p) {
    Range *range = &stage(p)->attention.items[0].members.items[5].heads;
    range->end = range->begin;
}
static void member_twice(Plan *p) {
    stage(p)->attention.items[0].members.items[5].rank = 0;
}
static void member_beyond(Plan *p) {
    stage(p)->attention.items[0].members.items[5].rank = 8;
}
static void no_expert(Plan *p) {
    stage(p)->experts.items[3].expert = 16;
}
static void columns(Plan *p) {
    stage(p)->experts.items[3].columns.begin = 2000;
}
static void expert_rank(Plan *p) {
    stage(p)->experts.items[3].rank = 8;
}
static void head_missing(Plan *p) {
    p->head.count--;
}
static void head_on_expert(Plan *p) {
    p->head.items[0].rank = 7;
}
static void entries(Plan *p) {
    p->embedding.items[0].entries.end++;
}
static void tokens(Plan *p) {
    p->steps.items[1].tokens = 2;
}
static void step_twice(Plan *p) {
    p->steps.items[1].name = p->steps.items[0].name;
}
static void rank_without_order(Plan *p) {
    step(p)->orders.items[0].ranks.count--;
}
static void order_twice(Plan *p) {
    step(p)->orders.items[0].ranks.items[0] = 7;
}
static void microbatch(Plan *p) {
    step(p)->orders.items[0].loops.items[0].items.items[0].microbatch = 2;
}
static void lag(Plan *p) {
    step(p)->orders.items[0].loops.items[0].items.items[1].lag = 1;
}
static void no_lag(Plan *p) {
    PlanOrder *order = step(p)->orders.items;
    order->loops.items[order->loops.count - 1].items.items[0].lag = 0;
}
static void move_group(Plan *p) {
    step(p)->moves.items[0].group = 1;
}
static void move_missing(Plan *p) {
    PlanStep *first = step(p);
    first->moves.items[1] = first->moves.items[--first->moves.count];
}
static void move_twice(Plan *p) {
    step(p)->moves.items[1].kind = step(p)->moves.items[0].kind;
}
static void move_without_stages(Plan *p) {
    step(p)->moves.items[0].stages.count = 0;
}
static PlanSet *set(Plan *p) {
    return step(p)->moves.items[0].stages.items[0].sets.items;
}
static void set_outsider(Plan *p) {
    set(p)->ranks.items[0] = 7;
}
static void set_twice(Plan *p) {
    set(p)->ranks.items[1] = set(p)->ranks.items[0];
}
static void set_pieces(Plan *p) {
    set(p)->pieces.count--;
}
static void piece_beyond(Plan *p) {
    set(p)->pieces.items[0].end = 9;
}
static void unequal_all_reduce(Plan *p) {
    step(p)->moves.items[0].stages.items[0].primitive = PRIMITIVE_ALL_REDUCE;
}

/* The sharded move as a stage of one transfer, then broken. */
static PlanTransfer *listed(Plan *p) {
    PlanMove *move = &step(p)->moves.items[0];
    static PlanTransfer transfer;
    transfer = (PlanTransfer){.from = 1, .to = 2, .pieces = {0, 1}, .reduce = REDUCE_SUM};
    move->stages.items[0].primitive = PRIMITIVE_TRANSFERS;
    set(p)->pieces.count = 0;
    set(p)->transfers.items = &transfer;
    set(p)->transfers.count = 1;
    return &transfer;
}
static void transfer_outsider(Plan *p) {
    listed(p)->to = 7;
}
static void transfer_to_itself(Plan *p) {
    listed(p)->to = 1;
}
static void transfer_of_nothing(Plan *p) {
    listed(p)->pieces.end = 0;
}
static void transfer_beyond(Plan *p) {
    listed(p)->pieces.end = 9;
}
static void transfers_missing(Plan *p) {
    step(p)->moves.items[0].stages.items[0].primitive = PRIMITIVE_TRANSFERS;
}
static void transfers_and_pieces(Plan *p) {
    listed(p);
    set(p)->pieces.count = 6;
}
static void transfers_elsewhere(Plan *p) {
    listed(p);
    step(p)->moves.items[0].stages.items[0].primitive = PRIMITIVE_REDUCE_SCATTER;
}
static void set_not_ascending(Plan *p) {
    set(p)->ranks.items[1] = 0;
    set(p)->ranks.items[0] = 1;
}

static void test_mutants_are_refused(void **state) {
    static const Mutant mutants[] = {
        {many_gpus, "E0503", "262144 GPUs"},
        {no_nic, "E0503", "no NIC"},
        {no_layers, "E0503", "model"},
        {bad_name, "E0503", "a/b"},
        {copies, "E0504", "listed"},
        {same_gpu, "E0504", "used already"},
        {no_node, "E0504", "no GPU"},
        {shuffled, "E0504", "ascend"},
        {two_stages, "E0510", "cover all layers"},
        {short_stage, "E0510", "layers"},
        {requests, "E0505", "[0, 13)"},
        {heads, "E0505", "33)"},
        {empty_heads, "E0505", "nothing"},
        {member_twice, "E0505", "rank 0"},
        {member_beyond, "E0505", "rank 8"},
        {no_expert, "E0506", "expert 16"},
        {columns, "E0506", "columns"},
        {expert_rank, "E0506", "rank 8"},
        {head_missing, "E0507", "missing"},
        {head_on_expert, "E0507", "rank 7"},
        {entries, "E0507", "embedding[0]"},
        {tokens, "E0508", "2 tokens"},
        {step_twice, "E0508", "taken"},
        {rank_without_order, "E0509", "has none"},
        {order_twice, "E0509", "rank 7"},
        {microbatch, "E0511", "micro-batch 2"},
        {lag, "E0511", "lag 1"},
        {no_lag, "E0511", "lag 0"},
        {move_group, "E0512", "group 1"},
        {move_missing, "E0514", "gather"},
        {move_twice, "E0512", "second"},
        {move_without_stages, "E0512", "needs stages"},
        {set_outsider, "E0513", "rank 7"},
        {set_twice, "E0513", "rank 0"},
        {set_pieces, "E0513", "pieces of 5"},
        {piece_beyond, "E0513", "[0, 9)"},
        {unequal_all_reduce, "E0513", "same pieces"},
        {transfer_outsider, "E0513", "from rank 1 to rank 7"},
        {transfer_to_itself, "E0513", "to rank 1"},
        {transfer_of_nothing, "E0513", "[0, 0)"},
        {transfer_beyond, "E0513", "[0, 9)"},
        {transfers_missing, "E0513", "0 transfers in a stage of transfers"},
        {transfers_and_pieces, "E0513", "pieces of 6"},
        {transfers_elsewhere, "E0513", "1 transfers in a stage of reduce_scatter"},
        {set_not_ascending, "E0513", "rank 0 after rank 1"},
    };
    Fixture *fixture = *state;
    for (size_t i = 0; i < sizeof mutants / sizeof *mutants; i++) {
        fixture_plan(fixture, "ma-separation:attention=6,experts=2,groups=1,output=sharded,"
                              "microbatches=2");
        PlanInputs inputs = fixture->plan.inputs;
        TopologyNode node = inputs.topology.nodes.items[0];
        mutants[i].change(&fixture->plan);
        assert_int_equal(plan_validate(&fixture->plan, NULL, &fixture->diag), STATUS_DATA);
        fixture_expect(fixture, mutants[i].code, mutants[i].part);
        fixture->plan.inputs = inputs;
        inputs.topology.nodes.items[0] = node;
    }
}

static void test_copy_batch_rounds_up(void **state) {
    Fixture *fixture = *state;
    fixture->plan.inputs.workload.batch = 7;
    fixture->plan.copies = 2;
    assert_int_equal(plan_copy_batch(&fixture->plan), 4);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip),
        TEST(test_bad_texts_are_refused),
        TEST(test_mutants_are_refused),
        TEST(test_copy_batch_rounds_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
