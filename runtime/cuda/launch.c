/* launch: what the host side of kernels calls (rt_cuda.h), but for products, reads and tables. */
#include "cuda/device.h"
#include "cuda/module.h"
#include "cuda/moves_launch.h"

static rt_status launch(rt_rank *rank, cudaKernel_t kernel, const char *name, rt_grid grid,
                        void **arguments) {
    if (grid.x == 0 || grid.y == 0 || grid.z == 0)
        return RT_OK;
    cudaError_t error =
        cudaLaunchKernel((const void *)kernel, (dim3){grid.x, grid.y, grid.z},
                         (dim3){grid.threads, 1, 1}, arguments, grid.shared, rank->backend->stream);
    if (error == cudaErrorInvalidValue || error == cudaErrorInvalidConfiguration ||
        error == cudaErrorLaunchOutOfResources)
        return rt_fail(rank, RT_SOFTWARE,
                       "%s: %u x %u x %u blocks of %u threads with %u bytes of shared memory "
                       "cannot be launched: %s",
                       name, grid.x, grid.y, grid.z, grid.threads, grid.shared,
                       cudaGetErrorString(error));
    return rt_device_told(rank, error, "cudaLaunchKernel");
}

rt_status rt_cuda_launch(rt_rank *rank, int function, rt_grid grid, void **arguments) {
    const rt_module *module = rank->program->module;
    if (function < 0 || function >= module->functions)
        return rt_fail(rank, RT_SOFTWARE, "the module has no function %d", function);
    return launch(rank, rt_cuda_module_function(rank->backend->process->module, function),
                  module->function[function], grid, arguments);
}

rt_status rt_device_launch(rt_rank *rank, int index, rt_grid grid, void **arguments) {
    return launch(rank, rt_cuda_module_own(rank->backend->process->module, index),
                  rt_cuda_moves_names[index], grid, arguments);
}

rt_status rt_cuda_clear(rt_rank *rank, void *at, int64_t bytes) {
    RT_CUDA(rank, cudaMemsetAsync(at, 0, (size_t)bytes, rank->backend->stream));
    return RT_OK;
}

const uint64_t *rt_cuda_choice_keys(const rt_rank *rank) {
    return rank->backend->keys_device;
}

struct rt_fault *rt_cuda_fault(rt_rank *rank) {
    return rank->backend->fault_device;
}

/* The layer counts from 1 here: 0 is none. */
int32_t rt_cuda_tag(const rt_rank *rank) {
    return (rank->backend->layer + 1) << 16 | (rank->backend->op & 0xffff);
}

int32_t rt_cuda_processors(const rt_rank *rank) {
    return rank->backend->process->processors;
}

int32_t rt_cuda_shared_bytes(const rt_rank *rank) {
    return rank->backend->process->shared_bytes;
}
