/* Holdings: whatever the model and the placement, each element of each tensor that the model has is held once as primary
 * in a copy, copies are of what has a primary, and no two holdings of a rank lie over each other. Counted here element
 * by element, without the ranges that the checker works with. */
#include "plan/planner.h"
#include "schedule/schedule.h"
#include "test.h"

#define CLUSTER TEST_SOURCE "/topologies/a100-4x4.yaml"

typedef struct Case {
    Test *test;
    Plan plan;
    Schedule schedule;
} Case;

/* Sizes that few degrees divide: 6 query and 3 key-value heads, 5 experts of 7 columns, 37 entries, 4 layers. */
#define BASE                                                                                       \
    "name: m\nlayers: 4\nhidden: 24\nheads: 6\nkv_heads: 3\nhead_dim: 4\nvocabulary: 37\n"         \
    "max_positions: 128\nnorm_eps: 1e-5\nexperts: 5\ntop_k: 2\nexpert_hidden: 7\n"                 \
    "renormalize: true\n"

static const struct Variant {
    const char *name, *keys;
} variants[] = {
    {"plain", BASE "norm: rms\nposition: rope\ngated: true\nactivation: silu\n"},
    {"biases", BASE "norm: layer\nposition: learned\ngated: false\nactivation: gelu\n"
                    "attention_bias: true\noutput_bias: true\nexpert_bias: true\n"},
    {"tied", BASE "norm: layer\nposition: learned\ngated: true\nactivation: silu\n"
                  "tie_embeddings: true\nexpert_bias: true\n"},
    {"dense",
     BASE "norm: rms\nposition: rope\ngated: true\nactivation: silu\nexpert_bias: true\n"
          "dense_layers: [0, 2]\ndense_hidden: 11\nshared_hidden: 9\ntie_embeddings: true\n"},
};

static const char *const strategies[] = {
    "single",
    "tp:tp=4",
    "tp:tp=5,embedding=split,output=sharded",
    "tp:tp=2,dp=2",
    "ep:ep=3",
    "pp:pp=2",
    "tp-pp:tp=3,pp=2",
    "ma-separation:attention=4,experts=2,groups=2",
    "ma-separation:attention=4,experts=5,groups=1,embedding=split",
};

/* The families that ship have no names for biases of attention: these have, as any of a user's own would. */
static const char *share(Test *test) {
    mkdir(test_path(test, "lua"), 0777);
    mkdir(test_path(test, "lua/families"), 0777);
    test_file(
        test, "lua/families/moe_transformer.lua",
        "local names = {}\n"
        "for _, kind in ipairs({ 'embedding', 'positions', 'final_norm', 'final_norm_bias', 'head' "
        "}) do\n"
        "  names[kind] = kind\n"
        "end\n"
        "for _, kind in ipairs({ 'attention_norm', 'ffn_norm', 'query', 'key', 'value', 'output',\n"
        "    'router', 'dense_gate', 'dense_up', 'dense_down', 'shared_gate', 'shared_up', "
        "'shared_down' }) do\n"
        "  names[kind] = '{layer}.' .. kind\n"
        "  names[kind .. '_bias'] = '{layer}.' .. kind .. '_bias'\n"
        "end\n"
        "names.router_bias = nil\n"
        "for _, kind in ipairs({ 'expert_gate', 'expert_up', 'expert_down' }) do\n"
        "  names[kind] = '{layer}.{expert}.' .. kind\n"
        "  names[kind .. '_bias'] = '{layer}.{expert}.' .. kind .. '_bias'\n"
        "end\n"
        "return { name = 'moe_transformer', tensors = names }\n");
    return test->dir;
}

/* False: the strategy declines such a model. */
static bool make(Case *c, Test *test, const struct Variant *variant, const char *strategy) {
    *c = (Case){.test = test};
    PlanInputs *inputs = &c->plan.inputs;
    const char *path = test_file(test, "m.yaml", variant->keys);
    if (model_read(&test->arena, path, share(test), &inputs->model, &test->diag) != STATUS_OK ||
        topology_read(&test->arena, CLUSTER, &inputs->topology, &test->diag) != STATUS_OK)
        fail_msg("%s: %s", variant->name, test_messages(test));
    inputs->workload =
        (Workload){.batch = 6, .prefill = 8, .context = 16, .dtype = ELEMENT_BF16, .candidates = 1};
    PlannerRequest request = {.strategy = strategy};
    Status status = planner_run(&test->arena, &request, &c->plan, &test->diag);
    if (status == STATUS_NEGATIVE) {
        test_messages(test);
        return false;
    }
    if (status == STATUS_OK)
        status = schedule_lower(&test->arena, &c->plan, &c->schedule, &test->diag);
    if (status != STATUS_OK)
        fail_msg("%s, %s: %s", variant->name, strategy, test_messages(test));
    return true;
}

/* Add 1 to each element [row][column] of a tensor's slice in `counts`. */
static void count(uint8_t *counts, int64_t columns, const Holding *holding) {
    for (int64_t r = holding->rows.begin; r < holding->rows.end; ++r)
        for (int64_t k = holding->columns.begin; k < holding->columns.end; ++k)
            ++counts[r * columns + k];
}

static bool holds(const Holding *holding, int64_t kind, int64_t layer, int64_t expert) {
    bool per_layer = tensor_kind_per_layer((TensorKind)kind);
    return holding->tensor == kind &&
           (!per_layer || (layer >= holding->layers.begin && layer < holding->layers.end)) &&
           holding->expert == (tensor_kind_per_expert((TensorKind)kind) ? expert : -1);
}

/* One tensor of one layer and expert over the ranks of a copy: primaries cover it once, copies only what is there. */
static void check_tensor(const Case *c, int64_t copy, int64_t kind, int64_t layer, int64_t expert) {
    int64_t rows, columns, first = copy * c->plan.ranks_per_copy;
    model_tensor_shape(&c->plan.inputs.model, (TensorKind)kind, &rows, &columns);
    uint8_t *primaries = calloc((size_t)(rows * columns), 1);
    for (int64_t r = first; r < first + c->plan.ranks_per_copy; ++r)
        for (int64_t i = 0; i < c->schedule.ranks[r].holdings.count; ++i) {
            const Holding *holding = &c->schedule.ranks[r].holdings.items[i];
            if (!holds(holding, kind, layer, expert))
                continue;
            assert_true(holding->rows.begin >= 0 && holding->rows.begin < holding->rows.end &&
                        holding->rows.end <= rows);
            assert_true(holding->columns.begin >= 0 &&
                        holding->columns.begin < holding->columns.end &&
                        holding->columns.end <= columns);
            if (holding->primary)
                count(primaries, columns, holding);
        }
    for (int64_t i = 0; i < rows * columns; ++i)
        if (primaries[i] != 1)
            fail_msg("%s of layer %d, expert %d: element %d has %d primaries",
                     tensor_kind_names[kind], (int)layer, (int)expert, (int)i, primaries[i]);
    free(primaries);
}

static void check_coverage(const Case *c) {
    const Model *model = &c->plan.inputs.model;
    for (int64_t copy = 0; copy < c->plan.copies; ++copy)
        for (int64_t kind = 0; kind < TENSOR_KINDS; ++kind) {
            bool per_layer = tensor_kind_per_layer((TensorKind)kind);
            bool per_expert = tensor_kind_per_expert((TensorKind)kind);
            for (int64_t layer = 0; layer < (per_layer ? model->layers : 1); ++layer) {
                if (!model_has(model, (TensorKind)kind) ||
                    (per_layer && !model_has_in_layer(model, (TensorKind)kind, layer)))
                    continue;
                for (int64_t expert = 0; expert < (per_expert ? model->experts : 1); ++expert)
                    check_tensor(c, copy, kind, layer, expert);
            }
        }
}

/* Elements of a rank's weight buffers, each filled by one holding at most; none past the end. */
static void check_memory(const Case *c, int64_t rank) {
    const RankSchedule *of = &c->schedule.ranks[rank];
    for (int64_t b = 0; b < of->buffers.count; ++b) {
        const Buffer *buffer = &of->buffers.items[b];
        if (buffer->class != BUFFER_WEIGHT)
            continue;
        for (int64_t layer = 0; layer < buffer->layers; ++layer) {
            uint8_t *filled = calloc((size_t)buffer->bytes, 1);
            for (int64_t i = 0; i < of->holdings.count; ++i) {
                const Holding *h = &of->holdings.items[i];
                int64_t at = layer + buffer->first_layer, size = element_bytes(h->type);
                if (h->buffer != b ||
                    (buffer->per_layer && (at < h->layers.begin || at >= h->layers.end)))
                    continue;
                for (int64_t r = 0; r < h->rows.end - h->rows.begin; ++r)
                    for (int64_t k = 0; k < h->columns.end - h->columns.begin; ++k) {
                        int64_t byte = h->delta + (r * h->pitch + k) * size;
                        assert_true(byte >= 0 && byte + size <= buffer->bytes);
                        if (filled[byte]++)
                            fail_msg("rank %d: byte %d of %s is filled twice", (int)rank, (int)byte,
                                     buffer->name);
                    }
            }
            free(filled);
        }
    }
}

static void each_element_has_one_primary(void **state) {
    Test *test = *state;
    int made = 0;
    for (size_t v = 0; v < sizeof variants / sizeof *variants; ++v)
        for (size_t s = 0; s < sizeof strategies / sizeof *strategies; ++s) {
            Case c;
            if (!make(&c, test, &variants[v], strategies[s]))
                continue;
            print_message("%s, %s\n", variants[v].name, strategies[s]);
            check_coverage(&c);
            for (int64_t rank = 0; rank < c.schedule.world; ++rank)
                check_memory(&c, rank);
            ++made;
        }
    assert_true(made >= 30);
}

static int holders(const Case *c, int64_t kind, bool primary) {
    int found = 0;
    for (int64_t r = 0; r < c->schedule.world; ++r)
        for (int64_t i = 0; i < c->schedule.ranks[r].holdings.count; ++i) {
            const Holding *holding = &c->schedule.ranks[r].holdings.items[i];
            found += holding->tensor == kind && (holding->primary || !primary);
        }
    return found;
}

/* What is added to a sum over members is added by one of them. */
static void biases_of_sums_are_held_once(void **state) {
    Case c;
    assert_true(make(&c, *state, &variants[1], "tp:tp=4"));
    assert_int_equal(holders(&c, TENSOR_OUTPUT_BIAS, false), 1);
    assert_int_equal(holders(&c, TENSOR_POSITIONS, false), 4); /* the embedding is whole on each */
    assert_true(make(&c, *state, &variants[1], "tp:tp=4,embedding=split"));
    assert_int_equal(holders(&c, TENSOR_POSITIONS, false), 1);
    assert_int_equal(holders(&c, TENSOR_EMBEDDING, true), 4);
    int64_t experts = c.plan.inputs.model.experts;
    for (int64_t e = 0; e < experts; ++e) {
        int found = 0;
        for (int64_t r = 0; r < 4; ++r)
            for (int64_t i = 0; i < c.schedule.ranks[r].holdings.count; ++i) {
                const Holding *holding = &c.schedule.ranks[r].holdings.items[i];
                if (holds(holding, TENSOR_EXPERT_DOWN_BIAS, 1, e))
                    ++found;
            }
        assert_int_equal(found, 1);
    }
}

/* A head that is the embedding is held again only where the embedding's entries are not at hand. */
static void tied_heads_share_the_embedding(void **state) {
    Case c;
    assert_true(make(&c, *state, &variants[2], "single"));
    assert_int_equal(holders(&c, TENSOR_EMBEDDING, false), 1);
    assert_int_equal(holders(&c, TENSOR_HEAD, false), 0);
    assert_true(make(&c, *state, &variants[2], "pp:pp=2"));
    assert_int_equal(holders(&c, TENSOR_EMBEDDING, false), 2);
    assert_int_equal(holders(&c, TENSOR_EMBEDDING, true), 1);
    assert_true(make(&c, *state, &variants[2], "tp:tp=4,embedding=copied"));
    assert_int_equal(holders(&c, TENSOR_EMBEDDING, false), 4); /* parts of the head lie in it */
    /* The head's parts are others than the embedding's: each rank holds its part again, and none of these is primary. */
    PlanVocabulary *head = c.plan.head.items;
    assert_true(make(&c, *state, &variants[2], "tp:tp=4,embedding=split"));
    head = c.plan.head.items;
    for (int64_t i = 0; i < 4; ++i)
        head[i].entries = c.plan.embedding.items[3 - i].entries;
    c.schedule = (Schedule){0};
    assert_int_equal(schedule_lower(&c.test->arena, &c.plan, &c.schedule, &c.test->diag),
                     STATUS_OK);
    assert_int_equal(holders(&c, TENSOR_EMBEDDING, false), 8);
    assert_int_equal(holders(&c, TENSOR_EMBEDDING, true), 4);
    check_coverage(&c);
}

/* Slots of experts whose parts, replicas or columns change from layer to layer are held layer by layer. */
static void slots_change_between_layers(void **state) {
    Case c;
    assert_true(make(&c, *state, &variants[0], "ma-separation:attention=2,experts=2,groups=2"));
    PlanStage *stage = &c.plan.stages.items[0];
    int64_t whole = c.plan.inputs.model.expert_hidden, given = stage->experts.count;
    for (int64_t i = 0; i < given; ++i) {
        PlanExpert *expert = &stage->experts.items[i], later = *expert;
        int64_t other = expert->rank == 2 ? 3 : 2;
        int64_t layer = 1 + i % 3; /* from here on the two ranks hold one part each */
        expert->layers.end = later.layers.begin = layer;
        later.columns = (Range){0, 3};
        *(PlanExpert *)LIST_PUSH(&c.test->arena, &stage->experts) = later;
        later.columns = (Range){3, whole};
        later.rank = other;
        *(PlanExpert *)LIST_PUSH(&c.test->arena, &stage->experts) = later;
    }
    c.schedule = (Schedule){0};
    if (schedule_lower(&c.test->arena, &c.plan, &c.schedule, &c.test->diag) != STATUS_OK)
        fail_msg("%s", test_messages(c.test));
    check_coverage(&c);
    for (int64_t rank = 0; rank < c.schedule.world; ++rank)
        check_memory(&c, rank);
}

/* A replica is a copy: another rank's is the primary. */
static void replicas_are_copies(void **state) {
    Case c;
    assert_true(make(&c, *state, &variants[0], "ma-separation:attention=2,experts=2,groups=2"));
    PlanStage *stage = &c.plan.stages.items[0];
    int64_t given = stage->experts.count;
    for (int64_t i = 0; i < given; ++i) {
        PlanExpert again = stage->experts.items[i];
        again.rank = again.rank == 2 ? 3 : 2;
        again.replica = 1;
        again.layers.begin = 1; /* in the first layer there is one of each */
        *(PlanExpert *)LIST_PUSH(&c.test->arena, &stage->experts) = again;
    }
    c.schedule = (Schedule){0};
    if (schedule_lower(&c.test->arena, &c.plan, &c.schedule, &c.test->diag) != STATUS_OK)
        fail_msg("%s", test_messages(c.test));
    check_coverage(&c);
    assert_int_equal(holders(&c, TENSOR_EXPERT_UP, true) < holders(&c, TENSOR_EXPERT_UP, false), 1);
    for (int64_t rank = 0; rank < c.schedule.world; ++rank)
        check_memory(&c, rank);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_element_has_one_primary),
        TEST(biases_of_sums_are_held_once),
        TEST(tied_heads_share_the_embedding),
        TEST(slots_change_between_layers),
        TEST(replicas_are_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
