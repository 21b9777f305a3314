/* The header of one safetensors file. What is accepted tiles the file. */
#include "fuzz.h"

#include "input/safetensors.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    if (size <= 8 || seed % 4 == 0)
        return LLVMFuzzerMutate(data, size, most);
    size_t length = fuzz_mutate_json(data + 8, size - 8, most - 8, seed);
    uint64_t header = length;
    __builtin_memcpy(data, &header, sizeof header); /* data of no bytes follow */
    return 8 + length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    Safetensors checkpoint;
    const char *path = fuzz_file(0, data, size);
    Status status = safetensors_open(&arena, path, 0, &checkpoint, &diag);
    fuzz_judge(status, &diag);
    for (int64_t i = 0; status == STATUS_OK && i < checkpoint.tensors.count; i++) {
        const SafetensorsTensor *tensor = &checkpoint.tensors.items[i];
        fuzz_expect(tensor->offset >= 8 && tensor->bytes >= 0 &&
                        tensor->offset + tensor->bytes <= (int64_t)size,
                    "a tensor lies in its file");
        fuzz_expect(safetensors_find(&checkpoint, tensor->name) != NULL, "a tensor has its name");
        safetensors_require(&checkpoint, tensor->name, 4, 2, &diag);
    }
    if (status == STATUS_OK)
        safetensors_require(&checkpoint, "model.embed_tokens.weight", 4, 2, &diag);
    arena_free(&arena);
    return 0;
}
