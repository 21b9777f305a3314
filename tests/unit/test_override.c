/* Settings over what files say: of every input, by path, over hub configs, the last word winning; what sets nothing
 * is refused (the words: tests/cli/bad-input/set-*). */
#include "test.h"

#include "input/topology.h"
#include "input/workload.h"

static void set(Test *test, OverrideList *list, const char *text) {
    if (override_parse(&test->arena, text, diag_nowhere(), list, &test->diag) != STATUS_OK)
        fail_msg("%s", test_messages(test));
}

static void test_model(void **state) {
    Test *test = *state;
    OverrideList list = {0};
    Model model;
    set(test, &list, "model.experts=64");
    set(test, &list, "kv_heads=4");
    set(test, &list, "experts=32");      /* the last word */
    set(test, &list, "nodes[0].nics=3"); /* not the model's */
    Status status = model_read_with(&test->arena, TEST_SOURCE "/models/ma-small.yaml", NULL, &list,
                                    &model, &test->diag);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(model.experts, 32);
    assert_int_equal(model.kv_heads, 4);
    assert_int_equal(model.hidden, 256);
}

/* What one size implies of others is derived from what was set. */
static void test_derived(void **state) {
    Test *test = *state;
    OverrideList list = {0};
    Model model;
    const char *path = test_file(test, "m.yaml",
                                 "name: m\nlayers: 1\nhidden: 64\nheads: 4\nvocabulary: 16\n"
                                 "max_positions: 8\nnorm: rms\nnorm_eps: 1e-6\nposition: rope\n"
                                 "activation: silu\ngated: true\nnum_experts: 2\n"
                                 "expert_hidden: 8\ntop_k: 1\nrenormalize: true\n");
    set(test, &list, "heads=8");
    set(test, &list, "gated=false");
    set(test, &list, "experts=6"); /* the file has it under another name */
    Status status = model_read_with(&test->arena, path, NULL, &list, &model, &test->diag);
    if (status != STATUS_OK)
        fail_msg("%s", test_messages(test));
    assert_int_equal(model.head_dim, 8);
    assert_int_equal(model.kv_heads, 8);
    assert_int_equal(model.experts, 6);
    assert_false(model_has(&model, TENSOR_EXPERT_GATE));
}

static void test_hub(void **state) {
    Test *test = *state;
    OverrideList list = {0};
    Model model;
    set(test, &list, "top_k=3");
    Status status =
        model_read_with(&test->arena, TEST_DATA "/mixtral-tiny", NULL, &list, &model, &test->diag);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(model.top_k, 3);
}

static void test_topology(void **state) {
    Test *test = *state;
    OverrideList list = {0};
    Topology topology;
    set(test, &list, "nodes[0].nics=4");
    set(test, &list, "nodes[0].gpu.memory=40 GB");
    set(test, &list, "topology.network.latency=2 us");
    set(test, &list, "topology.name=other");
    Status status = topology_read_with(&test->arena, TEST_SOURCE "/topologies/a100-4x4.yaml", &list,
                                       &topology, &test->diag);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(topology.nodes.items[0].nics, 4);
    assert_int_equal(topology.nodes.items[0].gpu.memory, INT64_C(40000000000));
    assert_true(topology.network.latency == 2e-6);
    assert_string_equal(topology.name, "other");
    list = (OverrideList){0};
    set(test, &list, "nodes[1].nics=4");
    assert_int_equal(topology_read_with(&test->arena, TEST_SOURCE "/topologies/a100-4x4.yaml",
                                        &list, &topology, &test->diag),
                     STATUS_USAGE);
}

/* A mapping that the file does not have is made. */
static void test_new_mapping(void **state) {
    Test *test = *state;
    OverrideList list = {0};
    Topology topology;
    set(test, &list, "nodes[0].count=2");
    set(test, &list, "nodes[0].nics=1");
    set(test, &list, "nodes[0].nic_bandwidth=10 GB/s");
    set(test, &list, "network.latency=7 us");
    Status status = topology_read_with(&test->arena, TEST_SOURCE "/topologies/one-host.yaml", &list,
                                       &topology, &test->diag);
    if (status != STATUS_OK)
        fail_msg("%s", test_messages(test));
    assert_true(topology.network.latency == 7e-6);
    assert_int_equal(topology_node_count(&topology), 2);
}

static void test_workload(void **state) {
    Test *test = *state;
    OverrideList list = {0};
    Workload workload;
    set(test, &list, "dtype=f32");
    Status status = override_add(&test->arena, OVERRIDE_WORKLOAD, "batch", "3", diag_nowhere(),
                                 &list, &test->diag);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(workload_read_with(&test->arena, NULL, &list, &workload, &test->diag),
                     STATUS_OK);
    assert_int_equal(workload.batch, 3);
    assert_int_equal(workload.dtype, ELEMENT_F32);
    assert_int_equal(workload.context, 0); /* is the model's to say */
}

static void test_refused(void **state) {
    static const char *const texts[] = {
        "experts",
        "=4",
        "experts[0]=4",
        "experts.x=4",
        "nodes[0]=4",
        "nodes[0].=4",
        "nodes[x].nics=4",
        "nodes[0].gpu=4",
        "network=4",
        ".experts=4",
        "model.=4",
        "experts=4.5",
        "batch=0",
        "nodes[0].nic_bandwidth=200",
        "nodes[99999999999999999999].nics=1",
        "nodes[0=1",
    };
    Test *test = *state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        OverrideList list = {0};
        Status status = override_parse(&test->arena, texts[i], diag_nowhere(), &list, &test->diag);
        if (status != STATUS_USAGE || list.count || test->diag.errors != 1)
            fail_msg("'%s' was taken, or told %d times", texts[i], (int)test->diag.errors);
        test_messages(test);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_model),       TEST(test_derived),  TEST(test_hub),     TEST(test_topology),
        TEST(test_new_mapping), TEST(test_workload), TEST(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
