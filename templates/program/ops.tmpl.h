/* Kernels of program $(view.name): ids and arguments. Made by gen: do not edit. Buffers are slab offsets in
 * bytes, -1 where absent. E is the element type ($(view.dtype)), H the hidden size, D the head size,
 * K the choices of a token. */
#pragma once

#include "rt.h"

/* Index into the launch table (kernels/launch.c). */
enum {
//% for _, kernel in ipairs(view.kernels) do
    $(kernel.macro),
//% end
    KERNELS,
};

/* clang-format off */
//% for _, kernel in ipairs(view.kernels) do

//%   for _, line in ipairs(kernel.doc) do
$(line)
//%   end
struct $(kernel.name)_args {
//%   for _, line in ipairs(kernel.lines) do
    $(line)
//%   end
};
rt_status kernel_$(kernel.name)(rt_rank *rank, const void *args);
//% end
/* clang-format on */
