/* Topologies. What is accepted is written and read back equal. */
#include "fuzz.h"
#include "round_trip.h"

#include "input/topology.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    Topology topology = {0};
    Status status = topology_read(&arena, fuzz_file(0, data, size), &topology, &diag);
    fuzz_judge(status, &diag);
    if (status == STATUS_OK) {
        int64_t last = topology_gpu_count(&topology) - 1,
                node = topology_slot_node(&topology, last);
        fuzz_expect(topology_slot(&topology, node, topology_slot_gpu(&topology, last)) == last,
                    "slots are numbered node by node");
        round_trip(&arena, &topology_schema, &topology);
    }
    arena_free(&arena);
    return 0;
}
