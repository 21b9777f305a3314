/* module: see module.h. */
#include "cuda/module.h"

#include "cuda/nvrtc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct rt_cuda_module {
    cudaLibrary_t library;
    char *code;    /* compiled here, or NULL */
    int functions; /* of the program, behind which lie the runtime's own */
    int total;
    cudaKernel_t kernel[];
};

static rt_status told(cudaError_t code, const char *what, rt_error *error) {
    return rt_error_set(error, code == cudaErrorMemoryAllocation ? RT_UNAVAILABLE : RT_SOFTWARE,
                        "%s: %s (%s)", what, cudaGetErrorString(code), cudaGetErrorName(code));
}

#define CUDA_TRY(call)                                                                             \
    do {                                                                                           \
        cudaError_t cuda_error_ = (call);                                                          \
        if (cuda_error_ != cudaSuccess)                                                            \
            return told(cuda_error_, #call, error);                                                \
    } while (0)

/* --- which code ------------------------------------------------------------------------------------------- */

/* Code of an architecture runs on later ones of its generation; from 90 on it is made for one alone (sm_90a). */
static bool runs_on(int architecture, int device) {
    return architecture >= 90 ? architecture == device
                              : architecture / 10 == device / 10 && architecture <= device;
}

static const char *suffix(int architecture) {
    return architecture >= 90 ? "a" : "";
}

/* "sm_80, sm_90a" */
static void list_architectures(const rt_module *module, char *text, size_t size) {
    size_t length = 0;
    *text = 0;
    for (int i = 0; i < module->architectures && length < size; ++i)
        length += (size_t)snprintf(text + length, size - length, "%ssm_%d%s", i ? ", " : "",
                                   module->architecture[i], suffix(module->architecture[i]));
}

static rt_status check_device(const rt_program *program, int device, rt_error *error) {
    const rt_module *module = program->module;
    char has[128];
    bool fits = false;
    int least = module->architectures ? module->architecture[0] : 0;
    for (int i = 0; i < module->architectures; ++i) {
        fits = fits || runs_on(module->architecture[i], device);
        least = module->architecture[i] < least ? module->architecture[i] : least;
    }
    list_architectures(module, has, sizeof has);
    if (module->binary && !fits)
        return rt_error_set(
            error, RT_UNAVAILABLE,
            "this GPU is sm_%d, and %s has kernels for %s: make the program again with --arch "
            "sm_%d%s, or with --kernels nvrtc, and build it",
            device, program->name, has, device, suffix(device));
    if (!module->binary && device < least)
        return rt_error_set(
            error, RT_UNAVAILABLE,
            "this GPU is sm_%d, and the kernels of %s need sm_%d or later: run it on a newer GPU",
            device, program->name, least);
    return RT_OK;
}

/* --- loading ---------------------------------------------------------------------------------------------- */

/* Dynamic shared memory: all that the function's own leaves of what a block may have. */
static rt_status allow_shared(cudaKernel_t kernel, int most, rt_error *error) {
    struct cudaFuncAttributes has;
    CUDA_TRY(cudaFuncGetAttributes(&has, (const void *)kernel));
    CUDA_TRY(cudaFuncSetAttribute((const void *)kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                  most - (int)has.sharedSizeBytes));
    return RT_OK;
}

static rt_status find(rt_cuda_module *module, int index, const char *name, int shared,
                      rt_error *error) {
    if (cudaLibraryGetKernel(&module->kernel[index], module->library, name) != cudaSuccess)
        return rt_error_set(error, RT_SOFTWARE, "the kernels have no function %s", name);
    return allow_shared(module->kernel[index], shared, error);
}

static rt_status load(const rt_program *program, const char *const *own, rt_cuda_module *module,
                      rt_error *error) {
    const rt_module *from = program->module;
    int device, major, minor, shared;
    size_t bytes;
    CUDA_TRY(cudaGetDevice(&device));
    CUDA_TRY(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
    CUDA_TRY(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device));
    CUDA_TRY(cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
    RT_TRY(check_device(program, 10 * major + minor, error));
    if (!from->binary)
        RT_TRY(rt_nvrtc_compile(from, 10 * major + minor, &module->code, &bytes, error));
    CUDA_TRY(cudaLibraryLoadData(&module->library,
                                 from->binary ? (const void *)from->binary : module->code, NULL,
                                 NULL, 0, NULL, NULL, 0));
    for (int i = 0; i < module->total; ++i)
        RT_TRY(find(module, i,
                    i < module->functions ? from->function[i] : own[i - module->functions], shared,
                    error));
    return RT_OK;
}

rt_status rt_cuda_module_load(const rt_program *program, const char *const *own, int owns,
                              rt_cuda_module **module, rt_error *error) {
    int functions = program->module->functions, total = functions + owns;
    *module = calloc(1, sizeof **module + (size_t)total * sizeof(cudaKernel_t));
    if (!*module)
        return rt_error_set(error, RT_UNAVAILABLE, "no memory for a table of %d functions", total);
    (*module)->functions = functions;
    (*module)->total = total;
    rt_status status = load(program, own, *module, error);
    if (status == RT_OK)
        return RT_OK;
    rt_cuda_module_close(*module);
    *module = NULL;
    return status;
}

void rt_cuda_module_close(rt_cuda_module *module) {
    if (!module)
        return;
    if (module->library)
        cudaLibraryUnload(module->library);
    free(module->code);
    free(module);
}

cudaKernel_t rt_cuda_module_function(const rt_cuda_module *module, int function) {
    assert(function >= 0 && function < module->functions);
    return module->kernel[function];
}

cudaKernel_t rt_cuda_module_own(const rt_cuda_module *module, int index) {
    assert(index >= 0 && module->functions + index < module->total);
    return module->kernel[module->functions + index];
}
