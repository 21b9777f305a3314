/* A tokenizer file, and after a NUL a text for it. Of what is accepted: ids lie in the vocabulary, a second time gives the
 * same ones, and text made token by token is that made at once. */
#include "fuzz.h"

#include "text/tokenizer.h"

#include <string.h>

static size_t file_size(const uint8_t *data, size_t size) {
    const uint8_t *end = memchr(data, 0, size);
    return end ? (size_t)(end - data) : size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    size_t file = file_size(data, size), rest = size - file, changed;
    if (seed % 3 == 0 && rest > 1)
        return file + 1 + LLVMFuzzerMutate(data + file + 1, rest - 1, most - file - 1);
    uint8_t text[1 << 12];
    if (rest > sizeof text || rest > most)
        return LLVMFuzzerMutate(data, size, most);
    memcpy(text, data + file, rest);
    changed = fuzz_mutate_json(data, file, most - rest, seed);
    memcpy(data + changed, text, rest);
    return changed + rest;
}

static void expect_decoding(const Tokenizer *tokenizer, const Ids *ids) {
    Buf whole = {0}, parts = {0};
    TokenizerFlow flow = {0};
    tokenizer_decode(tokenizer, ids->items, ids->count, false, &whole);
    for (int64_t i = 0; i < ids->count; i++) {
        fuzz_expect(ids->items[i] >= 0 && ids->items[i] < tokenizer_size(tokenizer),
                    "an id is in the vocabulary");
        tokenizer_decode_next(tokenizer, &flow, ids->items[i], false, &parts);
    }
    fuzz_expect(whole.length == parts.length &&
                    (!whole.length || memcmp(whole.data, parts.data, whole.length) == 0),
                "token by token it is the same text");
    buf_free(&whole);
    buf_free(&parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    Tokenizer *tokenizer;
    size_t file = file_size(data, size), at = file < size ? file + 1 : size;
    Status status = tokenizer_read(&arena, fuzz_file(0, data, file), &tokenizer, &diag);
    fuzz_judge(status, &diag);
    if (status == STATUS_OK) {
        Ids once = {0}, twice = {0};
        const char *text = (const char *)data + at;
        status = tokenizer_encode(tokenizer, text, size - at, true, &once, &diag);
        fuzz_judge(status, &diag);
        if (status == STATUS_OK) {
            fuzz_expect(
                tokenizer_encode(tokenizer, text, size - at, true, &twice, &diag) == STATUS_OK &&
                    once.count == twice.count &&
                    (!once.count ||
                     memcmp(once.items, twice.items, (size_t)once.count * sizeof *once.items) == 0),
                "a second time it is the same ids");
            expect_decoding(tokenizer, &once);
        }
        ids_free(&once);
        ids_free(&twice);
    }
    tokenizer_free(tokenizer);
    arena_free(&arena);
    return 0;
}
