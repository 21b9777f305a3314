/* shim_run: run a kernel of a module that the stand-in's nvcc made. The module is a shared object; who calls holds it. */
#pragma once

#include "shim_kernel.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct shim_module {
    const shim_kernel *kernels;
    int count;
    unsigned char *(*dynamic)(void);
} shim_module;

typedef struct shim_grid {
    unsigned grid[3], block[3];
    size_t shared;
} shim_grid;

enum { SHIM_TEXT = 512 };

/* The module of a shared object that dlopen has opened; false: it is none. */
int shim_module_of(void *library, shim_module *module);
/* Index of a kernel, -1: none of that name. */
int shim_module_find(const shim_module *module, const char *name);

/* All blocks of a kernel, in an order of chance that `seed` gives. 0, or 1 with the reason in text[SHIM_TEXT]: its fibres are
 * gone then, what it wrote stays. */
int shim_run(const shim_module *module, int kernel, const shim_grid *grid, void **arguments,
             unsigned seed, char *text);

#ifdef __cplusplus
}
#endif
