/* Schedules. One that the reader accepts is written again the same, safe to walk, and safe to certify: what the small
 * checker says of the certificate that follows from it, it says without fault. */
#include "fuzz.h"
#include "schedule_support.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    AGAIN_IN =
        4 /* one of so many accepted schedules is read again: reading is what takes the time */
};

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    return fuzz_mutate_json(data, size, most, seed);
}

/* What became of the schedules, so that a run shows whether it got anywhere. */
static int64_t accepted, ended, certified;

static void tell(void) {
    fprintf(stderr, "schedules: %lld accepted, %lld end, %lld certified\n", (long long)accepted,
            (long long)ended, (long long)certified);
}

static void round_trip(Arena *arena, const Schedule *schedule, const Buf *text) {
    Diag diag = {.arena = arena};
    Schedule again;
    Buf twice = {0};
    Status status = schedule_parse(arena, "schedule.json", text->data, text->length, &again, &diag);
    fuzz_judge(status, &diag);
    fuzz_expect(status == STATUS_OK, "a schedule that is written can be read");
    schedule_write(&again, &twice);
    fuzz_expect(twice.length == text->length &&
                    __builtin_memcmp(twice.data, text->data, text->length) == 0,
                "a schedule is written again as it was");
    buf_free(&twice);
}

static void go_on(Arena *arena, const Schedule *schedule, uint64_t hash) {
    Diag diag = {.arena = arena};
    Certificate certificate;
    Buf text = {0};
    if (!accepted++)
        atexit(tell);
    schedule_write(schedule, &text);
    if (hash % AGAIN_IN == 0)
        round_trip(arena, schedule, &text);
    const char *digest = plan_digest(arena, text.data, text.length);
    buf_free(&text);
    Status status = certificate_make(arena, schedule, "plan", digest, &certificate, &diag);
    fuzz_judge(status, &diag);
    fuzz_expect((status == STATUS_OK) == fuzz_walks(schedule),
                "a schedule that ends has a certificate");
    if (status != STATUS_OK)
        return;
    ++ended;
    status = certify(schedule, digest, NULL, &certificate, &diag);
    fuzz_judge(status, &diag);
    if (status != STATUS_OK)
        return;
    ++certified;
    fuzz_expect(fuzz_lives(schedule), "what is certified loses no value and has no race");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!fuzz_is_json(data, size))
        return 0;
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    Schedule schedule;
    Status status =
        schedule_parse(&arena, "schedule.json", (const char *)data, size, &schedule, &diag);
    fuzz_judge(status, &diag);
    if (status == STATUS_OK && fuzz_is_small(&schedule))
        go_on(&arena, &schedule, fuzz_hash(data, size));
    arena_free(&arena);
    return 0;
}
