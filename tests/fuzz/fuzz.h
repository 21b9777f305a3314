/* fuzz: what the targets share. A target is one file with LLVMFuzzerTestOneInput: it gives the bytes to a reader and
 * goes on with what the reader accepts. Linked with libFuzzer where clang is, with replay.c everywhere. Nothing here
 * knows a reader. */
#pragma once

#include "base/arena.h"
#include "base/diag.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libFuzzer's own mutation of bytes, which replay.c replaces by one of its own. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

/* A structural mutation of JSON (json_mutate.c), for targets that define LLVMFuzzerCustomMutator by it. */
size_t fuzz_mutate_json(uint8_t *data, size_t size, size_t most, unsigned seed);
/* Whether it is JSON; what fuzz_mutate_json made last is not parsed again. */
int fuzz_is_json(const uint8_t *data, size_t size);
uint64_t fuzz_hash(const void *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

/* A path that reads as these bytes, until the next call with the same slot (0 .. 3). */
const char *fuzz_file(int slot, const void *data, size_t size);

/* A folder of this process for what must have a name; removed at the end. */
const char *fuzz_folder(void);

/* End the process unless it holds: a broken promise counts as a crash. */
void fuzz_expect(int holds, const char *what);

/* What every reader promises: it succeeds without an error, or fails and says why; messages can be rendered. */
void fuzz_judge(Status status, const Diag *diag);
