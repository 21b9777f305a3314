/* The launch table of program $(view.name), target host: kernels by id. The one table that differs by target. */
#include "kernel.h"

const rt_kernel_fn kernels[KERNELS] = {
//% for _, kernel in ipairs(view.kernels) do
    [$(kernel.macro)] = kernel_$(kernel.name),
//% end
};
