/* locate: where the runtime is: its sources, and the library built from them along with this gen. */
#pragma once

#include "run/command.h"

/* Folder with rt.h: --runtime, or at its place beside this binary, installed or in the build folder; else E0713
 * with STATUS_UNAVAILABLE. */
Status locate_runtime(Run *run, const char **dir);

/* Folder "models" or "topologies" of those that come with gen, at its place beside this binary; else E0716 with
 * STATUS_UNAVAILABLE. */
Status locate_inputs(Run *run, const char *folder, const char **dir);

/* The CUDA toolkit of scripts/cuda-packages.sh beside the build folder, or NULL. */
const char *locate_toolkit(Run *run);

/* The runtime library built together with this gen (hence with its flags), or NULL: then programs compile
 * the runtime's sources. */
const char *locate_library(Run *run);
