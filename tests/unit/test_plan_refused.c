/* What plan_validate refuses, one change of a plan at a time: its code, its words, and, where the plan is a text, the
 * place that it points to. */
#include "plan_fixture.h"

#include <stddef.h>

/* Attention on ranks 0 to 5 in one group, experts on 6 and 7, two micro-batches. */
static const char *const separated = "ma-separation:attention=6,experts=2,groups=1,output=sharded,"
                                     "microbatches=2";
/* Two stages of layers with a group of two ranks each. */
static const char *const staged = "tp-pp:tp=2,pp=2,microbatches=2";

static void refuse(Fixture *fixture, const char *code, const char *part) {
    assert_int_equal(plan_validate(&fixture->plan, NULL, &fixture->diag), STATUS_DATA);
    fixture_expect(fixture, code, part);
}

static void expect_good(Fixture *fixture) {
    if (plan_validate(&fixture->plan, NULL, &fixture->diag) != STATUS_OK)
        fail_msg("%s", fixture->diag.messages[0].text);
}

/* --- inputs ------------------------------------------------------------------------------------ */

#define SIZE(field) offsetof(Model, field)

static void test_sizes_of_the_model(void **state) {
    static const struct {
        size_t field;
        int64_t value;
        const char *part;
    } cases[] = {
        {SIZE(layers), 0, "sizes must be positive"},
        {SIZE(hidden), 0, "sizes must be positive"},
        {SIZE(heads), -4, "sizes must be positive"},
        {SIZE(kv_heads), 0, "sizes must be positive"},
        {SIZE(head_dim), 0, "sizes must be positive"},
        {SIZE(vocabulary), 0, "sizes must be positive"},
        {SIZE(experts), 0, "sizes must be positive"},
        {SIZE(expert_hidden), -1, "sizes must be positive"},
        {SIZE(top_k), 0, "sizes must be positive"},
        {SIZE(kv_heads), 3, "heads a multiple of kv_heads"},
        {SIZE(top_k), 17, "top_k at most experts"},
        {SIZE(q_latent), 8, "only latent attention has it"},
        {SIZE(rope_dim), 200, "a head has not so many elements"},
        {SIZE(expert_groups), 3, "groups of equal size"},
        {SIZE(top_groups), 2, "from 1 to expert_groups"},
        {SIZE(sliding_window), 4, "are given together"},
        {SIZE(kv_latent), -1, "must not be negative"},
        {SIZE(dense_hidden), 64, "are given together"},
        {SIZE(dense_hidden), -1, "must not be negative"},
        {SIZE(shared_hidden), -1, "must not be negative"},
    };
    Fixture *fixture = *state;
    fixture_plan(fixture, separated);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t *field = (int64_t *)((char *)&fixture->plan.inputs.model + cases[i].field);
        int64_t kept = *field;
        *field = cases[i].value;
        refuse(fixture, "E0503", cases[i].part);
        *field = kept;
        expect_good(fixture);
    }
}

/* Latent attention has sizes of its own. */
static void test_sizes_of_latents(void **state) {
    static const struct {
        size_t field;
        int64_t value;
        const char *part;
    } cases[] = {
        {SIZE(value_dim), 0, "must not be negative"},
        {SIZE(q_latent), -1, "must not be negative"},
        {SIZE(rope_dim), 1, "an even number of a head's elements"},
        {SIZE(rope_dim), 3, "an even number of a head's elements"},
        {SIZE(rope_dim), 32, "not all of them"},
        {SIZE(kv_heads), 4, "for every query head"},
        {SIZE(position), POSITION_LEARNED, "rotary positions"},
    };
    Fixture *fixture = *state;
    fixture_plan(fixture, "single");
    Model *model = &fixture->plan.inputs.model;
    model->kv_latent = 16;
    model->rope_dim = 4;
    model->position = POSITION_ROPE;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t *field = (int64_t *)((char *)model + cases[i].field);
        int64_t kept = *field;
        *field = cases[i].value;
        refuse(fixture, "E0503", cases[i].part);
        *field = kept;
    }
    model->attention_bias = true;
    refuse(fixture, "E0503", "no biases");
    model->attention_bias = false;
    expect_good(fixture);
    int64_t dense[] = {1, 1, 2};
    model->dense_hidden = 64;
    model->dense_layers.items = dense;
    model->dense_layers.count = 2;
    refuse(fixture, "E0503", "once each, in ascending order");
    dense[1] = model->layers;
    refuse(fixture, "E0503", "once each, in ascending order");
    dense[0] = -1;
    refuse(fixture, "E0503", "counted from 0");
}

static void test_workload_and_cluster(void **state) {
    Fixture *fixture = *state;
    fixture_plan(fixture, separated);
    PlanInputs *inputs = &fixture->plan.inputs, kept = *inputs;
    TopologyNode *node = inputs->topology.nodes.items, node_kept = *node;
    inputs->workload.batch = 0;
    refuse(fixture, "E0503", "batch and prefill must be positive");
    *inputs = kept;
    inputs->workload.prefill = 0;
    refuse(fixture, "E0503", "batch and prefill must be positive");
    *inputs = kept;
    inputs->workload.context = inputs->workload.prefill - 1;
    refuse(fixture, "E0503", "context at least prefill");
    *inputs = kept;
    node->nic_bandwidth = 0;
    refuse(fixture, "E0503", "nodes of kind box have no NIC");
    *node = node_kept;
    node->gpus = 0;
    refuse(fixture, "E0503", "0 GPUs, of 1 to 65536");
    *node = node_kept;
    node->count = 16385;
    refuse(fixture, "E0503", "65540 GPUs, of 1 to 65536");
    *node = node_kept;
    expect_good(fixture);
}

/* What names folders, files and identifiers. */
static void test_names(void **state) {
    char hundred[101], more[102];
    memset(hundred, 'a', sizeof hundred - 1);
    memset(more, 'a', sizeof more - 1);
    hundred[100] = more[101] = '\0';
    const char *const bad[] = {"",    "-o", "A",  "a_b",      "a b", "a.b",
                               "a/b", "a{", "a`", "\xc3\xa9", more};
    const char *const good[] = {"a", "0", "z-9", "a-", hundred};
    Fixture *fixture = *state;
    fixture_plan(fixture, separated);
    const char *step = fixture->plan.steps.items[1].name;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fixture->plan.name = bad[i];
        refuse(fixture, "E0503", "cannot name a program");
        fixture->plan.name = "a";
        fixture->plan.steps.items[1].name = bad[i];
        refuse(fixture, "E0508", "step '");
        fixture->plan.steps.items[1].name = step;
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        fixture->plan.name = good[i];
        expect_good(fixture);
    }
}

/* --- ranks and stages ---------------------------------------------------------------------------- */

static void test_ranks(void **state) {
    Fixture *fixture = *state;
    fixture_plan(fixture, separated);
    Plan *plan = &fixture->plan;
    plan->copies = 9;
    refuse(fixture, "E0504", "8 are listed for 9 copies of 8 on 8 GPUs");
    plan->copies = 1;
    plan->ranks_per_copy = INT64_MAX;
    refuse(fixture, "E0504", "8 are listed for 1 copies of 9223372036854775807 on 8 GPUs");
    plan->ranks_per_copy = 8;
    int64_t gpu = plan->ranks.items[3].gpu;
    plan->ranks.items[3].gpu = 4;
    refuse(fixture, "E0504", "ranks[3]: node 1 has no GPU 4");
    plan->ranks.items[3].gpu = gpu;
    PlanIdle idle = {.node = 1, .gpu = 2};
    plan->idle.items = &idle;
    plan->idle.count = 1;
    refuse(fixture, "E0504", "idle[0]: GPU 2 of node 1 is used already");
    idle.node = 2;
    refuse(fixture, "E0504", "idle[0]: node 2 has no GPU 2");
}

static void test_stages(void **state) {
    Fixture *fixture = *state;
    fixture_plan(fixture, staged);
    Plan *plan = &fixture->plan;
    PlanStage *first = &plan->stages.items[0], *second = &plan->stages.items[1];
    assert_int_equal(plan->stages.count, 2);
    Range kept = second->layers;
    second->layers.begin--;
    refuse(fixture, "E0510", "stages[1]: layers [");
    second->layers = (Range){kept.begin, kept.begin};
    refuse(fixture, "E0510", "stages[1]: layers [");
    second->layers = kept;
    first->layers.end = kept.end;
    refuse(fixture, "E0510", "stages[0]: layers [0, ");
    first->layers.end = kept.begin;
    int64_t rank = second->attention.items[0].members.items[1].rank;
    second->attention.items[0].members.items[1].rank = 0;
    refuse(fixture, "E0505", "stages[1].attention[0].members[1]: rank 0 is not free");
    second->attention.items[0].members.items[1].rank = rank;
    rank = second->experts.items[0].rank;
    second->experts.items[0].rank = 0;
    refuse(fixture, "E0510", "stages[1]: rank 0 is in stage 0 already");
    second->experts.items[0].rank = rank;
    Range layers = second->experts.items[0].layers;
    second->experts.items[0].layers.begin--;
    refuse(fixture, "E0506", "stages[1].experts[0]: layers [");
    second->experts.items[0].layers = layers;
    Range *requests = &second->attention.items[0].requests;
    requests->end--;
    refuse(fixture, "E0510", "its request groups are not those of the stage before");
    requests->end++;
    requests->begin++;
    refuse(fixture, "E0510", "its request groups are not those of the stage before");
    requests->begin--;
    expect_good(fixture);
}

static void test_ranges(void **state) {
    Fixture *fixture = *state;
    fixture_plan(fixture, separated);
    PlanStage *stage = fixture->plan.stages.items;
    PlanGroup *group = stage->attention.items;
    Range *ranges[] = {&group->requests, &group->members.items[2].heads,
                       &stage->experts.items[5].layers, &stage->experts.items[5].columns,
                       &fixture->plan.head.items[1].entries};
    static const char *const codes[] = {"E0505", "E0505", "E0506", "E0506", "E0507"};
    static const Range bad[] = {{-1, 1}, {1, 0}, {0, 0}, {0, INT64_MAX}, {INT64_MIN, INT64_MAX}};
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
        Range kept = *ranges[r];
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            *ranges[r] = bad[i];
            refuse(fixture, codes[r], "[");
        }
        *ranges[r] = kept;
    }
    stage->experts.items[5].replica = 8;
    refuse(fixture, "E0506", "replica 8");
    stage->experts.items[5].replica = 0;
    expect_good(fixture);
}

static void test_experts_of_dense_layers(void **state) {
    Fixture *fixture = *state;
    fixture_plan(fixture, "single");
    Model *model = &fixture->plan.inputs.model;
    int64_t dense[] = {0};
    model->dense_hidden = 64;
    model->dense_layers.items = dense;
    model->dense_layers.count = 1;
    refuse(fixture, "E0506", "are not all layers with experts");
    dense[0] = 2;
    refuse(fixture, "E0506", "are not all layers with experts");
}

static void test_feed_forwards(void **state) {
    Fixture *fixture = *state;
    fixture_plan(fixture, staged);
    PlanStage *stage = &fixture->plan.stages.items[1];
    int64_t rank = stage->attention.items[0].members.items[0].rank;
    fixture->plan.inputs.model.shared_hidden = 8;
    refuse(fixture, "E0515", "stages[0].ffn: rank 0 has no part of the shared feed-forward");
    fixture->plan.inputs.model.shared_hidden = 0;
    PlanFfn part[] = {{.rank = rank, .kind = FFN_SHARED, .columns = {0, 8}},
                      {.rank = rank, .kind = FFN_SHARED, .columns = {0, 8}}};
    stage->ffn.items = part;
    stage->ffn.count = 1;
    refuse(fixture, "E0515", "stages[1].ffn[0]: shared columns [0, 8) of 0");
    fixture->plan.inputs.model.shared_hidden = 8;
    PlanFfn before[] = {{.rank = 0, .kind = FFN_SHARED, .columns = {0, 4}},
                        {.rank = 1, .kind = FFN_SHARED, .columns = {4, 8}}};
    fixture->plan.stages.items[0].ffn.items = before;
    fixture->plan.stages.items[0].ffn.count = 2;
    refuse(fixture, "E0515", "stages[1].ffn: rank 3 has no part of the shared feed-forward");
    stage->ffn.count = 2;
    refuse(fixture, "E0515", "stages[1].ffn[1]: shared columns [0, 8) of 8, rank 2");
    static const int64_t elsewhere[] = {0, 4, INT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        part[1].rank = elsewhere[i];
        refuse(fixture, "E0515", "stages[1].ffn[1]: shared columns [0, 8) of 8, rank ");
    }
    part[1].rank = 3;
    part[1].columns = (Range){0, 9};
    refuse(fixture, "E0515", "[0, 9) of 8, rank 3");
    part[1].columns = (Range){0, 8};
    part[1].kind = FFN_DENSE;
    refuse(fixture, "E0515", "dense columns [0, 8) of 0, rank 3");
}

static void test_vocabulary(void **state) {
    Fixture *fixture = *state;
    fixture_plan(fixture, staged);
    PlanVocabulary *head = fixture->plan.head.items, *embedding = fixture->plan.embedding.items;
    int64_t kept = head[1].rank;
    static const int64_t elsewhere[] = {0, 4, INT64_MAX}; /* of another stage, of none */
    for (size_t i = 0; i < 3; i++) {
        head[1].rank = elsewhere[i];
        refuse(fixture, "E0507", "head[1]: rank ");
    }
    head[1].rank = head[0].rank;
    refuse(fixture, "E0507", "head[1]: rank 2");
    head[1].rank = kept;
    embedding[1].rank = kept;
    refuse(fixture, "E0507", "embedding[1]: rank 3");
}

/* --- steps --------------------------------------------------------------------------------------- */

static void test_orders(void **state) {
    Fixture *fixture = *state;
    fixture_plan(fixture, staged);
    PlanStep *step = fixture->plan.steps.items;
    PlanOrder *order = &step->orders.items[0], *last = &step->orders.items[step->orders.count - 1];
    assert_int_equal(last->ranks.count, 2);
    int64_t kept = order->ranks.items[0];
    static const int64_t bad[] = {-1, 4, INT64_MIN};
    for (size_t i = 0; i < 3; i++) {
        order->ranks.items[0] = bad[i];
        refuse(fixture, "E0509", "steps[0].orders[0]: rank ");
    }
    order->ranks.items[0] = last->ranks.items[1];
    refuse(fixture, "E0509", "work in one stage");
    order->ranks.items[0] = kept;
    PlanLoop *loop = order->loops.items;
    Range layers = loop->layers;
    static const Range beyond[] = {{0, 0}, {2, 1}, {-1, 1}, {0, 1000}};
    for (size_t i = 0; i < 4; i++) {
        loop->layers = beyond[i];
        refuse(fixture, "E0511", "steps[0].orders[0].loops[0]: layers [");
    }
    loop->layers = layers;
    step->tokens = fixture->plan.inputs.workload.prefill + 1;
    refuse(fixture, "E0508", "step 'prefill' with 17 tokens");
    step->tokens--;
    expect_good(fixture);
}

/* An item of each part, given to ranks that may not run it. */
static void test_parts_of_stages(void **state) {
    Fixture *fixture = *state;
    fixture_plan(fixture, staged);
    PlanStep *step = fixture->plan.steps.items;
    int embeds = 0, heads = 0;
    for (int64_t i = 0; i < step->orders.count; i++)
        for (int64_t l = 0; l < step->orders.items[i].loops.count; l++) {
            PlanLoop *loop = &step->orders.items[i].loops.items[l];
            for (int64_t k = 0; k < loop->items.count; k++) {
                PlanItem *item = &loop->items.items[k], kept = *item;
                if (item->part == PART_EMBED) {
                    item->part = PART_HEAD;
                    refuse(fixture, "E0511", "head in stage 0 of 2");
                    embeds++;
                } else if (item->part == PART_HEAD) {
                    item->part = PART_EMBED;
                    refuse(fixture, "E0511", "embed in stage 1 of 2");
                    heads++;
                }
                *item = kept;
            }
        }
    assert_true(embeds && heads);
    expect_good(fixture);
}

/* The first move of this kind in the first step. */
static PlanMove *move_of(Fixture *fixture, int64_t kind) {
    PlanStep *step = fixture->plan.steps.items;
    for (int64_t i = 0; i < step->moves.count; i++)
        if (step->moves.items[i].kind == kind)
            return &step->moves.items[i];
    fail_msg("the plan has no such move");
    return NULL;
}

static void test_moves(void **state) {
    Fixture *fixture = *state;
    fixture_plan(fixture, staged);
    PlanMove *handover = move_of(fixture, MOVE_HANDOVER);
    PlanMove *output = move_of(fixture, MOVE_ATTENTION_OUTPUT), kept = *output;
    handover->group = 0;
    refuse(fixture, "E0512", "handover with request group 0");
    handover->group = -1;
    handover->stages = output->stages;
    refuse(fixture, "E0512", "handover has no stages");
    handover->stages.count = 0;
    output->group = -1;
    refuse(fixture, "E0512", "attention_output with request group -1 of 2");
    output->group = INT64_MAX;
    refuse(fixture, "E0512", "attention_output with request group ");
    *output = kept;
    PlanSet *set = output->stages.items[0].sets.items;
    int64_t *rank = &set->ranks.items[0], first = *rank;
    *rank = -1;
    refuse(fixture, "E0513", "stages[0].sets[0]: rank -1");
    *rank = 3; /* of the other group */
    refuse(fixture, "E0513", "stages[0].sets[0]: rank 3");
    *rank = INT64_MAX;
    refuse(fixture, "E0513", "stages[0].sets[0]: rank 9223372036854775807");
    *rank = first;
    Range *pieces = &set->pieces.items[0], held = *pieces;
    *pieces = (Range){held.end, held.begin};
    refuse(fixture, "E0513", "stages[0].sets[0]: pieces [");
    *pieces = held;
    expect_good(fixture);
}

/* All members of an all-reduce name the same pieces, and some. */
static void test_pieces_of_reductions(void **state) {
    Fixture *fixture = *state;
    fixture_plan(fixture, staged);
    PlanMove *move = move_of(fixture, MOVE_ATTENTION_OUTPUT);
    PlanMoveStage *stage = move->stages.items;
    stage->primitive = PRIMITIVE_ALL_REDUCE;
    move->pieces = 4;
    Range *pieces = stage->sets.items[0].pieces.items;
    pieces[0] = pieces[1] = (Range){1, 3};
    expect_good(fixture);
    pieces[1].end = 4;
    refuse(fixture, "E0513", "all members of an all_reduce name the same pieces");
    pieces[1] = (Range){0, 3};
    refuse(fixture, "E0513", "all members of an all_reduce name the same pieces");
    pieces[0] = pieces[1] = (Range){2, 2};
    refuse(fixture, "E0513", "all members of an all_reduce name the same pieces");
}

/* Exchanges in stages: transfers that copy, one piece for each pair of ranks. */
static void test_ways_of_exchanges(void **state) {
    Fixture *fixture = *state;
    fixture_plan(fixture, separated);
    PlanMove *dispatch = move_of(fixture, MOVE_DISPATCH);
    PlanTransfer transfer = {.from = 0, .to = 6, .pieces = {6, 7}, .reduce = REDUCE_COPY};
    int64_t ranks[] = {0, 6};
    PlanSet set = {.ranks = {ranks, 2, 2}, .transfers = {&transfer, 1, 1}};
    PlanMoveStage stage = {.primitive = PRIMITIVE_TRANSFERS, .sets = {&set, 1, 1}};
    dispatch->stages.items = &stage;
    dispatch->stages.count = 1;
    dispatch->pieces = 64;
    expect_good(fixture);
    dispatch->pieces = 63;
    refuse(fixture, "E0513", "stages: 63 pieces for 64 pairs of ranks");
    dispatch->pieces = 64;
    transfer.reduce = REDUCE_SUM;
    refuse(fixture, "E0513", "transfers that copy pieces");
    transfer.reduce = REDUCE_COPY;
    transfer.pieces.end = 65;
    refuse(fixture, "E0513", "transfers[0]: pieces [6, 65) of 64 from rank 0 to rank 6");
    Range pieces[] = {{0, 1}, {1, 2}};
    set.pieces.items = pieces;
    set.pieces.count = 2;
    set.transfers.count = 0;
    stage.primitive = PRIMITIVE_ALL_GATHER;
    refuse(fixture, "E0513", "transfers that copy pieces");
}

static void test_missing_moves(void **state) {
    static const int64_t kinds[] = {MOVE_ATTENTION_OUTPUT, MOVE_GATHER, MOVE_EMBEDDING};
    Fixture *fixture = *state;
    for (size_t i = 0; i < 3; i++) {
        fixture_plan(fixture, "tp:tp=4,embedding=split");
        PlanStep *step = fixture->plan.steps.items;
        *move_of(fixture, kinds[i]) = step->moves.items[step->moves.count - 1];
        step->moves.count--;
        refuse(fixture, "E0514", plan_move_names[kinds[i]]);
    }
    fixture_plan(fixture, "tp:tp=4");
    Model *model = &fixture->plan.inputs.model;
    PlanFfn parts[4];
    model->shared_hidden = 8;
    for (int64_t rank = 0; rank < 4; rank++)
        parts[rank] =
            (PlanFfn){.rank = rank, .kind = FFN_SHARED, .columns = {2 * rank, 2 * rank + 2}};
    fixture->plan.stages.items[0].ffn.items = parts;
    fixture->plan.stages.items[0].ffn.count = 4;
    PlanStep *step = fixture->plan.steps.items;
    *move_of(fixture, MOVE_FFN_OUTPUT) = step->moves.items[step->moves.count - 1];
    step->moves.count--;
    refuse(fixture, "E0514", "ffn_output of request group 0 is missing");
}

/* --- places -------------------------------------------------------------------------------------- */

/* The plan's text with `from` changed to `to`, behind the first `after`: what is refused stands where `to` does. */
static void point(Fixture *fixture, const char *after, const char *from, const char *to,
                  const char *code, const char *part) {
    Buf text = {0}, changed = {0};
    plan_write(&fixture->plan, &text);
    char *at = strstr(text.data, after);
    assert_non_null(at);
    at = strstr(at + strlen(after), from);
    assert_non_null(at);
    int64_t line = 1;
    for (const char *c = text.data; c < at; c++)
        line += *c == '\n';
    buf_append(&changed, text.data, (size_t)(at - text.data));
    buf_puts(&changed, to);
    buf_puts(&changed, at + strlen(from));
    char *path = fs_join(&fixture->arena, fixture->folder, "bad.json");
    assert_int_equal(fs_write(path, changed.data, changed.length, &fixture->diag), STATUS_OK);
    Plan again;
    assert_int_equal(plan_read(&fixture->arena, path, &again, &fixture->diag), STATUS_DATA);
    unlink(path);
    assert_int_equal(fixture->diag.messages[0].place.line, line);
    fixture_expect(fixture, code, part);
    buf_free(&text);
    buf_free(&changed);
}

static void test_places(void **state) {
    Fixture *fixture = *state;
    fixture_plan(fixture, staged);
    point(fixture, "  \"ranks\": [", "\"gpu\": 1", "\"gpu\": 9", "E0504",
          "ranks[1]: node 0 has no GPU 9");
    /* Of the second stage, not of the first. */
    point(fixture, "  \"stages\": [", "\"rank\": 3}", "\"rank\": 1}", "E0505",
          "stages[1].attention[0].members[1]: rank 1 is not free");
    point(fixture, "  \"stages\": [", "\"layers\": [2, 4], \"rank\": 3",
          "\"layers\": [2, 4], \"rank\": 4", "E0506", "stages[1].experts[");
    point(fixture, "  \"steps\": [", "\"part\": \"head\"", "\"part\": \"embed\"", "E0511",
          "steps[0].orders[1].loops[");
    point(fixture, "\"kind\": \"handover\"", "\"pieces\": 1", "\"pieces\": -1", "E0110", "pieces");
}

/* What the plan's text leaves out has no place: that of what should hold it is shown. */
static void test_places_of_absent_lists(void **state) {
    Fixture *fixture = *state;
    YamlNode *root;
    static const char text[] = "{\"stages\": [{},\n {\"layers\":\n [2, 4]}]}";
    fixture_plan(fixture, staged);
    assert_int_equal(yaml_parse(&fixture->arena, "p.json", text, strlen(text), yaml_plan_limits,
                                &root, &fixture->diag),
                     STATUS_OK);
    PlanFfn parts[] = {{.rank = 0, .kind = FFN_SHARED, .columns = {0, 4}},
                       {.rank = 1, .kind = FFN_SHARED, .columns = {4, 8}}};
    fixture->plan.inputs.model.shared_hidden = 8;
    fixture->plan.stages.items[0].ffn.items = parts;
    fixture->plan.stages.items[0].ffn.count = 2;
    assert_int_equal(plan_validate(&fixture->plan, root, &fixture->diag), STATUS_DATA);
    assert_int_equal(fixture->diag.messages[0].place.line, 2);
    assert_int_equal(fixture->diag.messages[0].place.column, 2);
    fixture_expect(fixture, "E0515", "stages[1].ffn: rank 2");
    fixture->plan.name = "A";
    assert_int_equal(plan_validate(&fixture->plan, root, &fixture->diag), STATUS_DATA);
    assert_int_equal(fixture->diag.messages[0].place.line, 1);
    fixture_expect(fixture, "E0503", "name: 'A'");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_sizes_of_the_model),
        TEST(test_sizes_of_latents),
        TEST(test_workload_and_cluster),
        TEST(test_names),
        TEST(test_ranks),
        TEST(test_stages),
        TEST(test_ranges),
        TEST(test_experts_of_dense_layers),
        TEST(test_feed_forwards),
        TEST(test_vocabulary),
        TEST(test_orders),
        TEST(test_parts_of_stages),
        TEST(test_moves),
        TEST(test_pieces_of_reductions),
        TEST(test_ways_of_exchanges),
        TEST(test_missing_moves),
        TEST(test_places),
        TEST(test_places_of_absent_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
