/* Certificates with their schedules: the text of a schedule, a line break, that of a certificate. The digest is made to
 * fit, as an enemy would; a certificate that is accepted is one of a schedule in which, by the proof's walk and by a
 * replay without certificate, all ranks come to their end and no buffer loses a value or is raced for. */
#include "fuzz.h"
#include "schedule_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CACHED = 64, SCHEDULES_IN = 3 /* one mutation in so many is of the schedule */ };

/* Where the certificate begins; `size`: there is none. */
static size_t second(const uint8_t *data, size_t size) {
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
    return line ? (size_t)(line - data) + 1 : size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    size_t at = second(data, size);
    if (at == size)
        return LLVMFuzzerMutate(data, size, most);
    if (seed % SCHEDULES_IN != 0)
        return at + fuzz_mutate_json(data + at, size - at, most - at, seed / SCHEDULES_IN);
    uint8_t *room = malloc(most);
    memcpy(room, data, at - 1);
    size_t length = fuzz_mutate_json(room, at - 1, most - (size - at) - 1, seed / SCHEDULES_IN);
    memmove(data + length + 1, data + at, size - at);
    memcpy(data, room, length);
    data[length] = '\n';
    free(room);
    return length + 1 + size - at;
}

static int64_t whole, held;

static void tell(void) {
    fprintf(stderr, "certificates: %lld with a schedule, %lld hold\n", (long long)whole,
            (long long)held);
}

/* Schedules that were read before: most mutations leave them as they are. */
typedef struct Cached {
    uint64_t hash;
    Arena arena;
    Schedule schedule;
    int good;
} Cached;

static const Schedule *read_schedule(const char *text, size_t length) {
    static Cached cache[CACHED];
    uint64_t hash = fuzz_hash(text, length);
    Cached *entry = &cache[hash % CACHED];
    if (entry->hash == hash)
        return entry->good ? &entry->schedule : NULL;
    arena_free(&entry->arena);
    *entry = (Cached){.hash = hash};
    Diag diag = {.arena = &entry->arena};
    Status status =
        schedule_parse(&entry->arena, "schedule.json", text, length, &entry->schedule, &diag);
    fuzz_judge(status, &diag);
    entry->good = status == STATUS_OK && fuzz_is_small(&entry->schedule);
    return entry->good ? &entry->schedule : NULL;
}

static void hold(Arena *arena, const Schedule *schedule, Certificate *certificate) {
    Diag diag = {.arena = arena};
    Buf text = {0};
    if (!whole++)
        atexit(tell);
    certificate_write(certificate, &text);
    Certificate again;
    Status status = certificate_parse(arena, "again", text.data, text.length, &again, &diag);
    fuzz_expect(status == STATUS_OK, "a certificate that is written can be read");
    buf_free(&text);
    status = certify(schedule, certificate->schedule_digest, NULL, certificate, &diag);
    fuzz_judge(status, &diag);
    if (status != STATUS_OK)
        return;
    ++held;
    fuzz_expect(fuzz_walks(schedule), "what is certified comes to its end");
    fuzz_expect(fuzz_lives(schedule), "what is certified loses no value and has no race");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t at = second(data, size);
    if (at == size)
        return 0;
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    Certificate certificate;
    Status status = certificate_parse(&arena, "certificate.json", (const char *)data + at,
                                      size - at, &certificate, &diag);
    fuzz_judge(status, &diag);
    const Schedule *schedule =
        status == STATUS_OK ? read_schedule((const char *)data, at - 1) : NULL;
    if (schedule)
        hold(&arena, schedule, &certificate);
    arena_free(&arena);
    return 0;
}
