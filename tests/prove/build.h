/* build: compiles emitted programs for a moment's use, without CMake: quickly, and kernels once for all programs that
 * have the same. */
#pragma once

#include "property.h"

/* Run a command in a folder; its output goes to the file LOG there. The exit status, or 128 + signal. */
int build_run(const char *folder, const char *const *argv, const char *log);

/* The binary is FOLDER/program. `cache`: a folder for objects of kernels. */
bool build_make(Arena *arena, const char *folder, const char *cache, Verdict *verdict);

/* The last lines of a file, at most `most` bytes. */
const char *build_tail(Arena *arena, const char *folder, const char *log, size_t most);

void build_remove(const char *folder);
