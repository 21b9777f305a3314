/* The matrix that nvidia-smi topo -m prints. */
#include "fuzz.h"

#include "input/nvidia_smi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    NvidiaSmi smi = {0};
    Status status = nvidia_smi_read(&arena, fuzz_file(0, data, size), &smi, &diag);
    fuzz_judge(status, &diag);
    for (int64_t a = 0; status == STATUS_OK && a < smi.gpus + smi.nics; a++)
        fuzz_expect(nvidia_smi_cell(&smi, a, a)->link == NVIDIA_SMI_SELF, "the diagonal is X");
    arena_free(&arena);
    return 0;
}
