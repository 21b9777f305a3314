/* The launch table of program $(view.name), target host: kernels by id. The one file of host code that every
 * target has and that differs. */
#include "kernel.h"

const rt_kernel_fn kernels[KERNELS] = {
//% for _, kernel in ipairs(view.kernels) do
    [$(kernel.macro)] = kernel_$(kernel.name),
//% end
};

/* These kernels are functions of the host. */
const rt_module module = {0};
