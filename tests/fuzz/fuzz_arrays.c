/* Array files, by the reader of gen and by that of programs: whatever one accepts, so does the other. */
#include "fuzz.h"

#include "run/arrays.h"

#include "core/array_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    Arrays ours;
    rt_arrays theirs;
    rt_error error = {0};
    const char *path = fuzz_file(0, data, size);
    Status status = arrays_read(&arena, path, 1 << 20, &ours, &diag);
    fuzz_judge(status, &diag);
    char digest[17] = "0123456789abcdef";
    if (status == STATUS_OK && *ours.digest)
        __builtin_memcpy(digest, ours.digest, sizeof digest);
    rt_status other = rt_arrays_read(&theirs, path, digest, &error);
    fuzz_expect((other == RT_OK) == (*error.text == 0), "the runtime fails and says why");
    fuzz_expect((status == STATUS_OK) == (other == RT_OK), "both readers agree");
    for (int64_t i = 0; other == RT_OK && i < theirs.count; i++) {
        const rt_array *array = &theirs.items[i];
        fuzz_expect(array_bytes(&ours.items.items[i]) >= 0, "an array has a size");
        fuzz_expect((const char *)array->data >= (const char *)theirs.memory &&
                        (const char *)array->data + array_bytes(&ours.items.items[i]) <=
                            (const char *)theirs.memory + size,
                    "an array lies in its file");
    }
    if (other == RT_OK)
        rt_arrays_free(&theirs);
    arena_free(&arena);
    return 0;
}
