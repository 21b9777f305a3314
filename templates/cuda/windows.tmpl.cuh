/* windows: what a launch tells its kernels of the windows of an exchange. Plain C, for both sides. */
#pragma once

#include "../constants.h"

/* Where the rows of each source begin in a target; behind the last: all of them. */
struct source_windows {
    int first[SOURCES + 1];
};

/* Where the results of each target begin in a source whose windows are padded. */
struct target_windows {
    int first[TARGETS];
};
