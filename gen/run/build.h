/* build: compiles an emitted program with CMake, and knows whether that was done. It knows the names in an
 * emitted directory, not what the files say. */
#pragma once

#include "run/command.h"

/* Check that `dir` is an emitted program (E0714) and give the path that its binary has once built. */
Status build_binary(Run *run, const char *dir, const char **binary);

/* Compile. All output goes to DIR/build/build.log, whose end is shown on failure (E0712). A missing tool is
 * E0710 or E0711 with STATUS_UNAVAILABLE. */
Status build_program(Run *run, const char *dir);

/* Compile if the binary is missing or older than a source, saying why. */
Status build_if_stale(Run *run, const char *dir, const char **binary);
