/* probe: what the tokenizer makes of texts, for tests that compare it with another one. Texts come on stdin, results go to
 * stdout: each as its length (uint32), then bytes; ids as their number, then int32 each, with those around the text; then
 * the text that they make, once without and once with special tokens.
 *
 * usage: probe TOKENIZER [seconds]      with `seconds`, the processor time of encoding all goes to stderr */
#include "text/tokenizer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void put(const void *data, uint32_t count, size_t size) {
    fwrite(&count, sizeof count, 1, stdout);
    if (count)
        fwrite(data, size, count, stdout);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(int argc, char **argv) {
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    Tokenizer *tokenizer = NULL;
    Status status = argc < 2 ? STATUS_USAGE : tokenizer_read(&arena, argv[1], &tokenizer, &diag);
    double spent = 0;
    uint32_t length;
    while (status == STATUS_OK && fread(&length, sizeof length, 1, stdin) == 1) {
        char *text = malloc(length + 1);
        Ids ids = {0};
        Buf decoded = {0};
        if (!text || fread(text, 1, length, stdin) != length)
            return STATUS_DATA;
        double begin = seconds();
        status = tokenizer_encode(tokenizer, text, length, true, &ids, &diag);
        spent += seconds() - begin;
        put(ids.items, (uint32_t)ids.count, sizeof *ids.items);
        for (int special = 0; special < 2; special++) {
            buf_clear(&decoded);
            tokenizer_decode(tokenizer, ids.items, ids.count, special, &decoded);
            put(decoded.data, (uint32_t)decoded.length, 1);
        }
        buf_free(&decoded);
        ids_free(&ids);
        free(text);
    }
    if (argc > 2)
        fprintf(stderr, "%.6f\n", spent);
    diag_render(&diag, stderr);
    tokenizer_free(tokenizer);
    arena_free(&arena);
    return status;
}
