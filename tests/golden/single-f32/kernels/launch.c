/* The launch table of program single-f32, target host: kernels by id. The one file of host code that every
 * target has and that differs. */
#include "kernel.h"

const rt_kernel_fn kernels[KERNELS] = {
    [K_EMBED] = kernel_embed,
    [K_RMS_NORM] = kernel_rms_norm,
    [K_LINEAR] = kernel_linear,
    [K_ROPE_APPEND] = kernel_rope_append,
    [K_ATTENTION] = kernel_attention,
    [K_ADD] = kernel_add,
    [K_ROUTE] = kernel_route,
    [K_PACK] = kernel_pack,
    [K_WEIGHTED_SUM] = kernel_weighted_sum,
    [K_HEAD] = kernel_head,
    [K_CHOOSE] = kernel_choose,
    [K_EXPERT_FFN] = kernel_expert_ffn,
};

/* These kernels are functions of the host. */
const rt_module module = {0};
