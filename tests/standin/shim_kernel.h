/* shim_kernel: an entry of a module's table, as shim.h makes it and shim_run.h takes it. */
#pragma once

#include <stddef.h>

typedef struct shim_kernel {
    const char *name;
    void (*call)(void **arguments);
    int count;
    const size_t *sizes; /* of its parameters */
} shim_kernel;
