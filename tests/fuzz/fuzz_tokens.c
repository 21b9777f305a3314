/* Token files. What is accepted lies within the bounds. */
#include "fuzz.h"

#include "run/tokens.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    return fuzz_mutate_json(data, size, most, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const TokensBounds bounds = {.vocabulary = 100, .prompt = 8, .context = 16};
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    Tokens tokens;
    Status status = tokens_read(&arena, fuzz_file(0, data, size), &bounds, 0, &tokens, &diag);
    fuzz_judge(status, &diag);
    for (int64_t s = 0; status == STATUS_OK && s < tokens.sequences; s++)
        for (int64_t i = 0; i < tokens.lengths[s]; i++)
            fuzz_expect(tokens.ids[s * tokens.longest + i] >= 0 &&
                            tokens.ids[s * tokens.longest + i] < bounds.vocabulary,
                        "an id is in the vocabulary");
    arena_free(&arena);
    return 0;
}
