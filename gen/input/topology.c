/* topology: see topology.h. Texts and lists lie in the caller's arena. It knows nothing of
 * models. */
#include "input/topology.h"

#include <assert.h>
#include <math.h>

#define AT(type, member) .offset = offsetof(type, member)

static const Field link_fields[] = {
    {.name = "type",
     .type = FIELD_TEXT,
     AT(TopologyLink, type),
     .doc = "what joins the GPUs of a node, e.g. nvlink3, pcie4, shared-memory"},
    {.name = "bandwidth",
     .type = FIELD_BANDWIDTH,
     AT(TopologyLink, bandwidth),
     .min = 1,
     .max = INFINITY,
     .doc = "per direction and per GPU [bytes/s]"},
    {.name = "latency",
     .type = FIELD_TIME,
     AT(TopologyLink, latency),
     .min = 0,
     .max = 1,
     .doc = "of one transfer between two GPUs of a node [s]"},
    {0},
};

static const Schema link_schema = {
    .name = "TopologyLink",
    .doc = "The link among the GPUs of a node.",
    .size = sizeof(TopologyLink),
    .fields = link_fields,
    .open = true,
};

static const Field gpu_fields[] = {
    {.name = "type", .type = FIELD_TEXT, AT(TopologyGpu, type), .doc = "e.g. a100-80gb"},
    {.name = "memory",
     .type = FIELD_BYTES,
     AT(TopologyGpu, memory),
     .min = 1,
     .max = INFINITY,
     .doc = "that programs may use [bytes]"},
    {.name = "flops",
     .type = FIELD_FLOPS,
     AT(TopologyGpu, flops),
     .min = 1,
     .max = INFINITY,
     .doc = "dense peak at 16 bits with 32-bit accumulation [1/s]"},
    {.name = "flops_f32",
     .type = FIELD_FLOPS,
     AT(TopologyGpu, flops_f32),
     .min = 1,
     .max = INFINITY,
     .doc = "dense peak at 32 bits [1/s]"},
    {.name = "bandwidth",
     .type = FIELD_BANDWIDTH,
     AT(TopologyGpu, bandwidth),
     .min = 1,
     .max = INFINITY,
     .doc = "of the GPU's memory [bytes/s]"},
    {0},
};

static const Schema gpu_schema = {
    .name = "TopologyGpu",
    .doc = "One GPU of a node.",
    .size = sizeof(TopologyGpu),
    .fields = gpu_fields,
    .open = true,
};

static const Field node_fields[] = {
    {.name = "name", .type = FIELD_TEXT, AT(TopologyNode, name), .doc = "of this kind of node"},
    {.name = "count",
     .type = FIELD_INT,
     AT(TopologyNode, count),
     .fallback = "1",
     .min = 1,
     .max = 65536,
     .doc = "nodes of this kind"},
    {.name = "gpus",
     .type = FIELD_INT,
     AT(TopologyNode, gpus),
     .min = 1,
     .max = 1024,
     .doc = "GPUs per node"},
    {.name = "nics",
     .type = FIELD_INT,
     AT(TopologyNode, nics),
     .min = 0,
     .max = 1024,
     .doc = "network ports per node; 0 if there is no network"},
    {.name = "nic_bandwidth",
     .type = FIELD_BANDWIDTH,
     AT(TopologyNode, nic_bandwidth),
     .fallback = "0 B/s",
     .min = 0,
     .max = INFINITY,
     .doc = "per NIC and direction [bytes/s]"},
    {.name = "gpu",
     .type = FIELD_OBJECT,
     AT(TopologyNode, gpu),
     .of = &gpu_schema,
     .doc = "its GPUs, all alike"},
    {.name = "link",
     .type = FIELD_OBJECT,
     AT(TopologyNode, link),
     .of = &link_schema,
     .doc = "the link among its GPUs"},
    {0},
};

static const Schema node_schema = {
    .name = "TopologyNode",
    .doc = "A kind of node.",
    .size = sizeof(TopologyNode),
    .fields = node_fields,
    .open = true,
};

static const Field network_fields[] = {
    {.name = "type",
     .type = FIELD_TEXT,
     AT(TopologyNetwork, type),
     .fallback = "none",
     .doc = "e.g. infiniband-hdr"},
    {.name = "latency",
     .type = FIELD_TIME,
     AT(TopologyNetwork, latency),
     .fallback = "0 s",
     .min = 0,
     .max = 1,
     .doc = "NIC to NIC [s]"},
    {.name = "oversubscription",
     .type = FIELD_REAL,
     AT(TopologyNetwork, oversubscription),
     .fallback = "1",
     .min = 1,
     .max = 1000,
     .doc = "1: full bisection; 2: half of it when all nodes send"},
    {0},
};

static const Schema network_schema = {
    .name = "TopologyNetwork",
    .doc = "The network between nodes.",
    .size = sizeof(TopologyNetwork),
    .fields = network_fields,
    .open = true,
};

static const Field topology_fields[] = {
    {.name = "name", .type = FIELD_TEXT, AT(Topology, name), .doc = "of the cluster"},
    {.name = "nodes",
     .type = FIELD_LIST,
     AT(Topology, nodes),
     .min = 1,
     .max = 1024,
     .of = &node_schema,
     .doc = "the kinds of node, in the order in which GPUs are numbered"},
    {.name = "network",
     .type = FIELD_OBJECT,
     AT(Topology, network),
     .fallback = "",
     .of = &network_schema,
     .doc = "between nodes; needed where there are several"},
    {.name = "measured",
     .type = FIELD_OBJECT,
     AT(Topology, measured),
     .fallback = "",
     .of = &measured_schema,
     .sparse = true,
     .doc = "what operations cost, as gen calibrate measured it on one machine"},
    {0},
};

const Schema topology_schema = {
    .name = "Topology",
    .doc = "A cluster: nodes of one or several kinds, and the network between them.",
    .size = sizeof(Topology),
    .fields = topology_fields,
    .open = true,
};

enum { GPUS_MAX = 65536 }; /* keeps every table by rank small */

/* The mapping of node kind `index`, or one of its keys when that was written. */
static DiagPlace node_place(const YamlNode *root, int64_t index, const char *key) {
    const YamlNode *node = yaml_get(root, "nodes")->items[index];
    const YamlNode *value = yaml_get(node, key);
    return value ? value->place : node->place;
}

/* Several nodes reach each other through NICs only, each of a stated rate. */
static Status check_network(const Topology *topology, const YamlNode *root, Diag *diag) {
    if (topology_node_count(topology) == 1)
        return STATUS_OK;
    Status status = STATUS_OK;
    for (int64_t i = 0; i < topology->nodes.count; i++) {
        const TopologyNode *node = &topology->nodes.items[i];
        if (node->nics == 0)
            status = diag_error(diag, node_place(root, i, "nics"), "E0311",
                                "write how many network ports such a node has, e.g. nics: 1",
                                "nodes of kind %s have no NIC, but there are %lld nodes",
                                node->name, (long long)topology_node_count(topology));
        else if (node->nic_bandwidth <= 0)
            status = diag_error(diag, node_place(root, i, "nic_bandwidth"), "E0313",
                                "write it per NIC and direction, e.g. nic_bandwidth: 200 Gb/s",
                                "nodes of kind %s have NICs without nic_bandwidth", node->name);
    }
    const YamlNode *network = yaml_get(root, "network");
    if (!network || !yaml_get(network, "latency"))
        status = diag_error(diag, network ? network->place : root->place, "E0314",
                            "write network: {type: infiniband-hdr, latency: 5 us}",
                            "the latency of the network between %lld nodes is missing",
                            (long long)topology_node_count(topology));
    return status;
}

Status topology_read(Arena *arena, const char *path, Topology *topology, Diag *diag) {
    return topology_read_with(arena, path, NULL, topology, diag);
}

Status topology_read_with(Arena *arena, const char *path, const OverrideList *settings,
                          Topology *topology, Diag *diag) {
    YamlNode *root;
    TRY(yaml_read(arena, path, yaml_config_limits, &root, diag));
    TRY(override_apply(arena, settings, OVERRIDE_TOPOLOGY, root, diag));
    TRY(schema_read(&topology_schema, root, topology, arena, diag));
    return topology_check(topology, root, diag);
}

Status topology_check(const Topology *topology, const YamlNode *root, Diag *diag) {
    if (topology_gpu_count(topology) > GPUS_MAX)
        return diag_error(diag, root->place, "E0315", "check count and gpus",
                          "the cluster has %lld GPUs, over the limit of %d",
                          (long long)topology_gpu_count(topology), GPUS_MAX);
    const YamlNode *measured = yaml_get(root, "measured");
    if (measured)
        TRY(measured_check(&topology->measured, measured->place, diag));
    return check_network(topology, root, diag);
}

int64_t topology_node_count(const Topology *topology) {
    int64_t count = 0;
    for (int64_t i = 0; i < topology->nodes.count; i++)
        count += topology->nodes.items[i].count;
    return count;
}

int64_t topology_gpu_count(const Topology *topology) {
    int64_t count = 0;
    for (int64_t i = 0; i < topology->nodes.count; i++)
        count += topology->nodes.items[i].count * topology->nodes.items[i].gpus;
    return count;
}

const TopologyNode *topology_node(const Topology *topology, int64_t node) {
    for (int64_t i = 0; i < topology->nodes.count; i++) {
        if (node < topology->nodes.items[i].count)
            return &topology->nodes.items[i];
        node -= topology->nodes.items[i].count;
    }
    assert(!"the node is in the topology");
    return NULL;
}

/* Node and GPU in it at once: kinds are few, so they are walked, never the nodes. */
static void locate(const Topology *topology, int64_t slot, int64_t *node, int64_t *gpu) {
    int64_t first = 0;
    for (int64_t i = 0; i < topology->nodes.count; i++) {
        const TopologyNode *kind = &topology->nodes.items[i];
        if (slot < kind->count * kind->gpus) {
            *node = first + slot / kind->gpus;
            *gpu = slot % kind->gpus;
            return;
        }
        slot -= kind->count * kind->gpus;
        first += kind->count;
    }
    assert(!"the slot is in the topology");
    *node = *gpu = -1;
}

int64_t topology_slot_node(const Topology *topology, int64_t slot) {
    int64_t node, gpu;
    locate(topology, slot, &node, &gpu);
    return node;
}

int64_t topology_slot_gpu(const Topology *topology, int64_t slot) {
    int64_t node, gpu;
    locate(topology, slot, &node, &gpu);
    return gpu;
}

int64_t topology_slot(const Topology *topology, int64_t node, int64_t gpu) {
    int64_t slot = 0;
    for (int64_t i = 0; i < topology->nodes.count; i++) {
        const TopologyNode *kind = &topology->nodes.items[i];
        if (node < kind->count)
            return slot + node * kind->gpus + gpu;
        slot += kind->count * kind->gpus;
        node -= kind->count;
    }
    assert(!"the node is in the topology");
    return -1;
}
