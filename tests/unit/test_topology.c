/* Topologies and workloads: the shipped ones, slots of mixed clusters, and what is refused. */
#include "test.h"

#include "input/topology.h"
#include "input/workload.h"

#include <math.h>

static Topology shipped(Test *test, const char *name) {
    Topology topology;
    char *path = arena_printf(&test->arena, TEST_SOURCE "/topologies/%s.yaml", name);
    if (topology_read(&test->arena, path, &topology, &test->diag) != STATUS_OK)
        fail_msg("%s", test_messages(test));
    assert_int_equal(test->diag.count, 0);
    return topology;
}

static void test_a100(void **state) {
    Topology topology = shipped(*state, "a100-4x4");
    const TopologyNode *node = topology_node(&topology, 3);
    assert_int_equal(topology_node_count(&topology), 4);
    assert_int_equal(topology_gpu_count(&topology), 16);
    assert_int_equal(node->nics, 1);
    assert_true(node->nic_bandwidth == 25e9);
    assert_true(node->link.bandwidth == 300e9);
    assert_true(node->gpu.memory == INT64_C(80) << 30);
    assert_true(node->gpu.flops == 312e12);
    assert_true(topology.network.latency == 5e-6);
}

/* Every slot is found again by its node and GPU. */
static void test_mixed(void **state) {
    Topology topology = shipped(*state, "mixed");
    assert_int_equal(topology_node_count(&topology), 4);
    assert_int_equal(topology_gpu_count(&topology), 24);
    for (int64_t slot = 0; slot < 24; slot++) {
        int64_t node = topology_slot_node(&topology, slot),
                gpu = topology_slot_gpu(&topology, slot);
        assert_int_equal(topology_slot(&topology, node, gpu), slot);
        assert_true(gpu < topology_node(&topology, node)->gpus);
    }
    assert_int_equal(topology_slot_node(&topology, 15), 1);
    assert_int_equal(topology_slot_node(&topology, 16), 2);
    assert_int_equal(topology_slot_gpu(&topology, 21), 1);
    assert_string_equal(topology_node(&topology, 2)->gpu.type, "a100-40gb");
}

static void test_one_host(void **state) {
    Topology topology = shipped(*state, "one-host");
    assert_int_equal(topology_node_count(&topology), 1);
    assert_int_equal(topology_gpu_count(&topology), 16);
}

#define GPU                                                                                        \
    "    gpu: {type: g, memory: 1 GB, flops: 1 TFLOP/s, flops_f32: 1 TFLOP/s, "                    \
    "bandwidth: 1 TB/s}\n"                                                                         \
    "    link: {type: l, bandwidth: 1 GB/s, latency: 1 us}\n"

static void refuse(Test *test, const char *text, const char *messages) {
    Topology topology;
    const char *path = test_file(test, "t.yaml", text);
    assert_int_equal(topology_read(&test->arena, path, &topology, &test->diag), STATUS_DATA);
    const char *got = test_messages(test);
    assert_int_equal(strncmp(got, path, strlen(path)), 0);
    assert_string_equal(got + strlen(path), messages);
}

static void test_refused(void **state) {
    Test *test = *state;
    refuse(test, "name: t\nnodes:\n  - name: a\n    gpus: 2\n" GPU,
           ":3:5: error[E0108]: the key `nics` is missing\n"
           "    3 |   - name: a\n"
           "      |     ^\n"
           "  help: network ports per node; 0 if there is no network\n");
    refuse(test,
           "name: t\nnodes:\n  - name: a\n    count: 2\n    gpus: 2\n    nics: 0\n" GPU
           "network: {latency: 5 us}\n",
           ":6:11: error[E0311]: nodes of kind a have no NIC, but there are 2 nodes\n"
           "    6 |     nics: 0\n"
           "      |           ^\n"
           "  help: write how many network ports such a node has, e.g. nics: 1\n");
    refuse(test,
           "name: t\nnodes:\n  - name: a\n    count: 2\n    gpus: 2\n    nics: 1\n" GPU
           "network: {latency: 5 us}\n",
           ":3:5: error[E0313]: nodes of kind a have NICs without nic_bandwidth\n"
           "    3 |   - name: a\n"
           "      |     ^\n"
           "  help: write it per NIC and direction, e.g. nic_bandwidth: 200 Gb/s\n");
}

static void test_network(void **state) {
    Test *test = *state;
    refuse(test,
           "name: t\nnodes:\n  - name: a\n    count: 2\n    gpus: 2\n    nics: 1\n"
           "    nic_bandwidth: 200\n" GPU,
           ":7:20: error[E0312]: nic_bandwidth needs a unit\n"
           "    7 |     nic_bandwidth: 200\n"
           "      |                    ^^^\n"
           "  help: write 200 Gb/s (InfiniBand HDR) or 200 GB/s\n");
    refuse(test,
           "name: t\nnodes:\n  - name: a\n    count: 2\n    gpus: 2\n    nics: 1\n"
           "    nic_bandwidth: 200 Gb/s\n" GPU "network: {type: x}\n",
           ":10:10: error[E0314]: the latency of the network between 2 nodes is missing\n"
           "   10 | network: {type: x}\n"
           "      |          ^\n"
           "  help: write network: {type: infiniband-hdr, latency: 5 us}\n");
    refuse(test, "name: t\nnodes: []\n",
           ":2:8: error[E0110]: nodes has 0 items, but must have at "
           "least 1\n"
           "    2 | nodes: []\n"
           "      |        ^\n"
           "  help: the kinds of node, in the order in which GPUs "
           "are numbered\n");
    refuse(test,
           "name: t\nnodes:\n  - {name: a, count: 65536, gpus: 2, nics: 1, nic_bandwidth: 1 "
           "GB/s,\n"
           "     gpu: {type: g, memory: 1 GB, flops: 1 TFLOP/s, flops_f32: 1 TFLOP/s, "
           "bandwidth: 1 TB/s},\n"
           "     link: {type: l, bandwidth: 1 GB/s, latency: 1 us}}\n"
           "network: {latency: 5 us}\n",
           ":1:1: error[E0315]: the cluster has 131072 GPUs, over the limit of 65536\n"
           "    1 | name: t\n"
           "      | ^\n"
           "  help: check count and gpus\n");
}

static void test_descriptive_keys(void **state) {
    Test *test = *state;
    Topology topology;
    const char *path = test_file(test, "t.yaml",
                                 "name: t\nrack: [1, 2]\nnodes:\n  - name: a\n    gpus: 2\n"
                                 "    nics: 0\n    cpu: epyc\n    hosts: [n0]\n" GPU);
    assert_int_equal(topology_read(&test->arena, path, &topology, &test->diag), STATUS_OK);
    assert_int_equal(test->diag.count, 0);
    assert_int_equal(topology.nodes.items[0].count, 1);
    assert_true(topology.network.oversubscription == 1);
}

static void test_workload(void **state) {
    Test *test = *state;
    Workload workload;
    const char *path = test_file(test, "w.yaml", "prefill: 100\n");
    assert_int_equal(workload_read(&test->arena, path, &workload, &test->diag), STATUS_OK);
    assert_int_equal(workload.batch, 64);
    assert_int_equal(workload.prefill, 100);
    assert_int_equal(workload.dtype, ELEMENT_BF16);
    Model model = {.name = "m", .max_positions = 4096};
    workload_complete(&workload, &model);
    assert_int_equal(workload.prefill, 100);
    assert_int_equal(workload.context, 1024);
    model.max_positions = 512;
    assert_int_equal(workload_check(&workload, &model, diag_nowhere(), &test->diag), STATUS_DATA);
    assert_string_equal(test_messages(test),
                        "gen: error[E0402]: context 1024 is over the 512 positions of model m\n"
                        "  help: make context smaller\n");
    workload.context = 64;
    assert_int_equal(workload_check(&workload, &model, diag_nowhere(), &test->diag), STATUS_DATA);
    assert_string_equal(test_messages(test), "gen: error[E0402]: prefill 100 is over context 64\n"
                                             "  help: make context at least prefill\n");
    workload.context = 100;
    assert_int_equal(workload_check(&workload, &model, diag_nowhere(), &test->diag), STATUS_OK);
    static const int64_t bounds[][2] = {{4096, 512}, {1024, 512}, {256, 128}, {7, 4}, {1, 1}};
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        workload.prefill = workload.context = 0;
        model.max_positions = bounds[i][0];
        workload_complete(&workload, &model);
        assert_int_equal(workload.prefill, bounds[i][1]);
        assert_int_equal(workload_check(&workload, &model, diag_nowhere(), &test->diag), STATUS_OK);
    }
    path = test_file(test, "w.yaml", "dtype: fp16\nbatch: 0\n");
    assert_int_equal(workload_read(&test->arena, path, &workload, &test->diag), STATUS_DATA);
    const char *got = test_messages(test);
    assert_non_null(strstr(got, "dtype must be one of f32, bf16, f16, not fp16\n"));
    assert_non_null(strstr(got, "help: did you mean f16?\n"));
    assert_non_null(strstr(got, "batch must be at least 1, not 0\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a100),     TEST(test_mixed),   TEST(test_one_host),
        TEST(test_refused),  TEST(test_network), TEST(test_descriptive_keys),
        TEST(test_workload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
