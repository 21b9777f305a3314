/* Records of calls: the reader, and the comparison of what it accepts with a schedule. Bytes alone hardly get past the
 * reader, so mutations also begin with the record that a rank of that schedule writes, and change it word by
 * word. */
#include "fuzz.h"

#include "../unit/record_writer.h"
#include "plan/planner.h"
#include "schedule/record.h"

#include <stdlib.h>

static const char digest[] = "00112233445566aa";
static const char schedule_digest[] = "0011223344556677";
static Arena arena;
static Plan plan;
static Schedule schedule;
static Buf good; /* what rank 1 writes */

static void release(void) {
    buf_free(&good);
    arena_free(&arena);
}

static void prepare(void) {
    Diag diag = {.arena = &arena};
    PlanInputs *inputs = &plan.inputs;
    PlannerRequest request = {.strategy = "ma-separation:attention=2,experts=2,microbatches=1"};
    inputs->workload =
        (Workload){.batch = 4, .prefill = 3, .context = 6, .dtype = ELEMENT_F32, .candidates = 1};
    Status status =
        model_read(&arena, TEST_SOURCE "/tests/data/mixtral-tiny", NULL, &inputs->model, &diag);
    if (status == STATUS_OK)
        status = topology_read(&arena, TEST_SOURCE "/topologies/a100-4x4.yaml", &inputs->topology,
                               &diag);
    if (status == STATUS_OK)
        status = planner_run(&arena, &request, &plan, &diag);
    if (status == STATUS_OK)
        status = schedule_lower(&arena, &plan, &schedule, &diag);
    fuzz_expect(status == STATUS_OK, "there is a schedule");
    good = record_write(&schedule, digest, schedule_digest, 1, 1, 1);
    atexit(release);
}

static uint64_t next(uint64_t *state) {
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    return z ^ (z >> 31);
}

/* A word of it becomes another one: a neighbour, an edge, or that of another place. */
static void change(uint8_t *data, size_t words, uint64_t *state) {
    static const int64_t edges[] = {0, -1, 1, INT64_MAX, INT64_MIN, INT32_MAX, 1 << 20};
    size_t at = 8 * (next(state) % words), from = 8 * (next(state) % words);
    int64_t word;
    memcpy(&word, data + at, sizeof word);
    switch (next(state) % 4) {
    case 0:
        word = (int64_t)((uint64_t)word + (next(state) % 2 ? 1 : UINT64_MAX));
        break;
    case 1:
        word = edges[next(state) % (sizeof edges / sizeof *edges)];
        break;
    case 2:
        memcpy(&word, data + from, sizeof word);
        break;
    default:
        word ^= (int64_t)(UINT64_C(1) << (next(state) % 64));
    }
    memcpy(data + at, &word, sizeof word);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    uint64_t state = seed;
    if (!good.length)
        prepare();
    if (next(&state) % 8 == 0)
        return LLVMFuzzerMutate(data, size, most);
    if (good.length <= most && (size < 1024 || next(&state) % 4 == 0)) {
        memcpy(data, good.data, good.length);
        size = good.length;
    }
    for (uint64_t i = next(&state) % 3 + 1; i > 0 && size >= 8; i--)
        change(data, size / 8, &state);
    if (next(&state) % 8 == 0 && size > sizeof(rt_record_header)) { /* as a rank that was killed */
        uint64_t bytes = next(&state) % size / 8 * 8;
        memcpy(data + offsetof(rt_record_header, bytes), &bytes, sizeof bytes);
    }
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena scratch = {0};
    Diag diag = {.arena = &scratch};
    Record record;
    if (!good.length)
        prepare();
    Status status = record_read(&scratch, fuzz_file(0, data, size), &record, &diag);
    fuzz_judge(status, &diag);
    const RecordExpected expected = {&plan, digest, &schedule, schedule_digest, &schedule};
    if (status == STATUS_OK) {
        for (int64_t rank = 0; rank < schedule.world; rank++) {
            RecordDifference found = record_check(&scratch, &expected, rank, &record);
            fuzz_expect((found.code == NULL) == (found.text == NULL), "a difference is told");
            fuzz_expect(found.code || rank == 1, "no other rank does what rank 1 does");
        }
    }
    fuzz_expect(size != good.length || memcmp(data, good.data, size) != 0 || status == STATUS_OK,
                "what a rank writes is read");
    arena_free(&scratch);
    return 0;
}
