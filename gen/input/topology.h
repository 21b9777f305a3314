/* topology: the cluster. Nodes of one or several kinds, each with GPUs, a link among them and
 * NICs; a network between nodes. Bandwidth is per direction, per GPU (links) or per NIC. GPUs are
 * numbered node by node in the order written: the "slot" of a GPU is its number in the whole
 * cluster. */
#pragma once

#include "input/measured.h"
#include "input/override.h"

typedef struct TopologyLink {
    const char *type; /* e.g. "nvlink3", "pcie4", "shared-memory" */
    double bandwidth; /* [bytes/s] per direction and per GPU */
    double latency;   /* [s] */
} TopologyLink;

typedef struct TopologyGpu {
    const char *type; /* e.g. "a100-80gb" */
    int64_t memory;   /* [bytes] that programs may use */
    double flops;     /* [1/s] dense peak at 16-bit with 32-bit accumulation */
    double flops_f32; /* [1/s] */
    double bandwidth; /* [bytes/s] of device memory */
} TopologyGpu;

typedef struct TopologyNode {
    const char *name;     /* of the kind, e.g. "dgx" */
    int64_t count;        /* nodes of this kind */
    int64_t gpus;         /* per node */
    int64_t nics;         /* per node; required, because it moves the answer threefold */
    double nic_bandwidth; /* [bytes/s] per NIC and direction */
    TopologyGpu gpu;
    TopologyLink link;
} TopologyNode;

typedef struct TopologyNetwork {
    const char *type;        /* e.g. "infiniband-hdr" */
    double latency;          /* [s] NIC to NIC */
    double oversubscription; /* 1: full bisection; 2: half of it */
} TopologyNetwork;

typedef struct Topology {
    const char *name;
    LIST_OF(TopologyNode) nodes; /* kinds */
    TopologyNetwork network;
    Measured measured; /* on one machine, where gen calibrate was there */
} Topology;

extern const Schema topology_schema;

/* Read and check a topology (E03xx); several nodes need a NIC each (E0311). */
Status topology_read(Arena *arena, const char *path, Topology *topology, Diag *diag);

/* The same with settings of OVERRIDE_TOPOLOGY laid over it, or NULL. */
Status topology_read_with(Arena *arena, const char *path, const OverrideList *settings,
                          Topology *topology, Diag *diag);

/* Check one that was read as `root` by the schema alone. */
Status topology_check(const Topology *topology, const YamlNode *root, Diag *diag);

int64_t topology_node_count(const Topology *topology);
int64_t topology_gpu_count(const Topology *topology);

/* Kind of a node, node of a slot, GPU number of a slot within its node. */
const TopologyNode *topology_node(const Topology *topology, int64_t node);
int64_t topology_slot_node(const Topology *topology, int64_t slot);
int64_t topology_slot_gpu(const Topology *topology, int64_t slot);
int64_t topology_slot(const Topology *topology, int64_t node, int64_t gpu);
