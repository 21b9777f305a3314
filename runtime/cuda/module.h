/* module: the device code of a program, loaded once a process, and its functions by index. It knows no rank and no slab. */
#pragma once

#include "core/error.h"

#include <cuda_runtime_api.h>

typedef struct rt_cuda_module rt_cuda_module;

/* Load the code of the program for the device that is current, or compile it there, and find its functions and those of
 * `own`, which the runtime has (cuda/moves.h). A launch may ask for as much dynamic shared memory as the device has for a
 * block. RT_UNAVAILABLE where the program has no code for this device; RT_SOFTWARE where a function is not there. */
rt_status rt_cuda_module_load(const rt_program *program, const char *const *own, int owns,
                              rt_cuda_module **module, rt_error *error);

/* Also of NULL. */
void rt_cuda_module_close(rt_cuda_module *module);

/* By the program's index, and by that of `own`. */
cudaKernel_t rt_cuda_module_function(const rt_cuda_module *module, int function);
cudaKernel_t rt_cuda_module_own(const rt_cuda_module *module, int index);
