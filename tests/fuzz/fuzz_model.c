/* Models: our own YAML and a hub's config.json. What is accepted is written and read back equal. */
#include "fuzz.h"
#include "round_trip.h"

#include "input/model.h"

/* What is no JSON is changed as bytes. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    return fuzz_mutate_json(data, size, most, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    Model model = {0};
    Status status = model_read(&arena, fuzz_file(0, data, size), NULL, &model, &diag);
    fuzz_judge(status, &diag);
    if (status == STATUS_OK) {
        fuzz_expect(model_parameters(&model) > 0, "a model has parameters");
        round_trip(&arena, &model_schema, &model);
    }
    arena_free(&arena);
    return 0;
}
