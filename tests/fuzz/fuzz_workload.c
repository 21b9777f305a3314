/* Workloads, and settings over them: the first line is a --set, the rest the file. */
#include "fuzz.h"
#include "round_trip.h"

#include "input/workload.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = {0};
    Diag diag = {.arena = &arena}, said = {.arena = &arena};
    OverrideList settings = {0};
    Workload workload = {0};
    const uint8_t *end = memchr(data, '\n', size);
    size_t first = end ? (size_t)(end - data) : size;
    const char *setting = arena_strndup(&arena, (const char *)data, first);
    fuzz_judge(override_parse(&arena, setting, diag_nowhere(), &settings, &said), &said);
    const char *path = fuzz_file(0, end ? end + 1 : data, end ? size - first - 1 : 0);
    Status status = workload_read_with(&arena, path, &settings, &workload, &diag);
    fuzz_judge(status, &diag);
    if (status == STATUS_OK) {
        workload_complete(&workload, &(Model){.max_positions = 4096});
        round_trip(&arena, &workload_schema, &workload);
    }
    arena_free(&arena);
    return 0;
}
