/* The index of a checkpoint in shards, which lies beside one shard that is good. */
#include "fuzz.h"

#include "input/safetensors.h"

#include <stdio.h>
#include <string.h>

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    return fuzz_mutate_json(data, size, most, seed);
}

static void write_file(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    fuzz_expect(file && fwrite(data, 1, size, file) == size && fclose(file) == 0,
                "the file takes the input");
}

static void write_shard(const char *path) {
    static const char header[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                                 "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}";
    char bytes[8 + sizeof header - 1 + 12] = {0};
    uint64_t length = sizeof header - 1;
    memcpy(bytes, &length, sizeof length);
    memcpy(bytes + 8, header, sizeof header - 1);
    write_file(path, bytes, sizeof bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char index[128], shard[128];
    if (!*shard) {
        snprintf(index, sizeof index, "%s/model.safetensors.index.json", fuzz_folder());
        snprintf(shard, sizeof shard, "%s/model-1.safetensors", fuzz_folder());
        write_shard(shard);
    }
    write_file(index, data, size);
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    Safetensors checkpoint;
    fuzz_judge(safetensors_open(&arena, fuzz_folder(), 0, &checkpoint, &diag), &diag);
    arena_free(&arena);
    return 0;
}
