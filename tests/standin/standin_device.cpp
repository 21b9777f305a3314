/* standin_device: devices and what they are, modules, kernels, errors. */
#include "standin.h"

#include "shim_run.h"
#include "standin_code.h"

#include <dlfcn.h>
#include <mutex>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

constexpr size_t SHARED = 48 * 1024; /* of a block, without asking for more */

std::atomic<int> sticky{0};
std::atomic<long> launches{0};
thread_local int current_device = 0;

struct Name {
    cudaError_t error;
    const char *name, *text;
};
const Name names[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration",
     "invalid configuration argument"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
     "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorInvalidDeviceFunction, "cudaErrorInvalidDeviceFunction", "invalid device function"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorInvalidKernelImage, "cudaErrorInvalidKernelImage", "device kernel image is invalid"},
    {cudaErrorNoKernelImageForDevice, "cudaErrorNoKernelImageForDevice",
     "no kernel image is available for execution on the device"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorSymbolNotFound, "cudaErrorSymbolNotFound", "named symbol not found"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorLaunchOutOfResources, "cudaErrorLaunchOutOfResources",
     "too many resources requested for launch"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureUnmatched, "cudaErrorStreamCaptureUnmatched",
     "stream capture was not begun here"},
    {cudaErrorStreamCaptureUnjoined, "cudaErrorStreamCaptureUnjoined",
     "capturing stream has unjoined work"},
    {cudaErrorStreamCaptureIsolation, "cudaErrorStreamCaptureIsolation",
     "dependency created on uncaptured work in another stream"},
};

const Name *name_of(cudaError_t error) {
    for (const Name &name : names)
        if (name.error == error)
            return &name;
    return nullptr;
}

/* What each device has beside its number. */
struct Shape {
    int architecture, processors, shared;
    const char *name;
};
const Shape shapes[] = {{80, 108, 163 * 1024, "Stand-in A100"},
                        {86, 84, 99 * 1024, "Stand-in A40"},
                        {89, 142, 99 * 1024, "Stand-in L40S"},
                        {90, 132, 227 * 1024, "Stand-in H100"},
                        {100, 148, 227 * 1024, "Stand-in B200"}};

const Shape *shape() {
    for (const Shape &each : shapes)
        if (each.architecture == standin::architecture())
            return &each;
    return &shapes[0];
}

} // namespace

struct CUkern_st {
    CUlib_st *library;
    std::string name;
    int index;
    size_t allowed = SHARED;
};

struct CUlib_st {
    void *object = nullptr;
    shim_module module;
    std::mutex lock;
    std::vector<std::unique_ptr<CUkern_st>> kernels;
};

namespace standin {

cudaError_t failed() {
    if (device_count() > 0 &&
        setting("STANDIN_DRIVER", CUDART_VERSION) < CUDART_VERSION / 1000 * 1000)
        return cudaErrorInsufficientDriver;
    return (cudaError_t)sticky.load(std::memory_order_relaxed);
}

void fail(cudaError_t error, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    int none = 0;
    if (sticky.compare_exchange_strong(none, (int)error, std::memory_order_relaxed))
        tell("%s", text);
}

} // namespace standin

using namespace standin;

extern "C" {

/* --- errors ----------------------------------------------------------------------------------------------- */

const char *cudaGetErrorName(cudaError_t error) {
    const Name *name = name_of(error);
    return name ? name->name : "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error) {
    const Name *name = name_of(error);
    return name ? name->text : "unrecognized error code";
}

cudaError_t cudaGetLastError(void) {
    return failed();
}

cudaError_t cudaPeekAtLastError(void) {
    return failed();
}

/* --- devices ---------------------------------------------------------------------------------------------- */

cudaError_t cudaDriverGetVersion(int *version) {
    *version = (int)setting("STANDIN_DRIVER", CUDART_VERSION);
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version) {
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count) {
    *count = 0;
    if (cudaError_t error = failed())
        return error;
    *count = device_count();
    return *count > 0 ? cudaSuccess : cudaErrorNoDevice;
}

cudaError_t cudaGetDevice(int *device) {
    *device = current_device;
    return failed();
}

cudaError_t cudaSetDevice(int device) {
    if (cudaError_t error = failed())
        return error;
    if (device < 0 || device >= device_count())
        return device_count() > 0 ? cudaErrorInvalidDevice : cudaErrorNoDevice;
    current_device = device;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device) {
    if (cudaError_t error = failed())
        return error;
    if (device < 0 || device >= device_count())
        return cudaErrorInvalidDevice;
    *properties = {};
    snprintf(properties->name, sizeof properties->name, "%s", shape()->name);
    properties->totalGlobalMem = (size_t)setting("STANDIN_MEMORY", 80ll << 30);
    properties->sharedMemPerBlock = SHARED;
    properties->sharedMemPerBlockOptin = (size_t)shape()->shared;
    properties->major = architecture() / 10;
    properties->minor = architecture() % 10;
    properties->multiProcessorCount = (int)setting("STANDIN_PROCESSORS", 4);
    properties->maxThreadsPerBlock = 1024;
    properties->warpSize = 32;
    properties->pciBusID = 1 + device;
    properties->unifiedAddressing = properties->canMapHostMemory = 1;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device) {
    struct cudaDeviceProp has;
    if (cudaError_t error = cudaGetDeviceProperties(&has, device))
        return error;
    switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
        *value = has.maxThreadsPerBlock;
        break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
        *value = (int)has.sharedMemPerBlock;
        break;
    case cudaDevAttrMultiProcessorCount:
        *value = has.multiProcessorCount;
        break;
    case cudaDevAttrComputeCapabilityMajor:
        *value = has.major;
        break;
    case cudaDevAttrComputeCapabilityMinor:
        *value = has.minor;
        break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        *value = (int)has.sharedMemPerBlockOptin;
        break;
    default:
        return cudaErrorInvalidValue;
    }
    return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char *text, int bytes, int device) {
    if (device < 0 || device >= device_count())
        return cudaErrorInvalidDevice;
    snprintf(text, (size_t)bytes, "0000:%02X:00.0", 1 + device);
    return failed();
}

cudaError_t cudaDeviceReset(void) {
    return failed();
}

/* --- modules ---------------------------------------------------------------------------------------------- */

/* Code of an architecture runs on later ones of its generation, from 90 on on its own alone. */
static bool runs_here(const standin_code *code) {
    for (int i = 0; i < code->architectures; ++i) {
        int of = code->architecture[i];
        if (of >= 90 ? of == architecture()
                     : of / 10 == architecture() / 10 && of <= architecture())
            return true;
    }
    return false;
}

static void *open_object(const standin_code *code) {
    int file = memfd_create("module", MFD_CLOEXEC);
    if (file < 0)
        return nullptr;
    const char *at = (const char *)(code + 1), *end = at + code->bytes;
    while (at < end) {
        ssize_t count = write(file, at, (size_t)(end - at));
        if (count <= 0)
            break;
        at += count;
    }
    std::string path = "/proc/self/fd/" + std::to_string(file);
    void *object = at == end ? dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) : nullptr;
    if (!object)
        tell("%s", at == end ? dlerror() : "the module cannot be written");
    close(file);
    return object;
}

cudaError_t cudaLibraryLoadData(cudaLibrary_t *library, const void *data, enum cudaJitOption *,
                                void **, unsigned, enum cudaLibraryOption *, void **, unsigned) {
    if (cudaError_t error = failed())
        return error;
    const standin_code *code = (const standin_code *)data;
    if (memcmp(code->magic, STANDIN_MAGIC, sizeof code->magic) != 0)
        return cudaErrorInvalidKernelImage;
    if (!runs_here(code))
        return cudaErrorNoKernelImageForDevice;
    auto loaded = std::make_unique<CUlib_st>();
    loaded->object = open_object(code);
    if (!loaded->object || !shim_module_of(loaded->object, &loaded->module))
        return cudaErrorInvalidKernelImage;
    *library = loaded.release();
    return cudaSuccess;
}

cudaError_t cudaLibraryUnload(cudaLibrary_t library) {
    /* Its object stays: threads of streams may still have storage in it. */
    delete library;
    return cudaSuccess;
}

cudaError_t cudaLibraryGetKernel(cudaKernel_t *kernel, cudaLibrary_t library, const char *name) {
    std::lock_guard<std::mutex> hold(library->lock);
    int index = shim_module_find(&library->module, name);
    if (index < 0)
        return cudaErrorSymbolNotFound;
    library->kernels.emplace_back(new CUkern_st{library, name, index});
    *kernel = library->kernels.back().get();
    return failed();
}

cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attributes, const void *function) {
    const CUkern_st *kernel = (const CUkern_st *)function;
    *attributes = {};
    attributes->maxThreadsPerBlock = 1024;
    attributes->maxDynamicSharedSizeBytes = (int)kernel->allowed;
    attributes->binaryVersion = architecture();
    return failed();
}

cudaError_t cudaFuncSetAttribute(const void *function, enum cudaFuncAttribute attribute,
                                 int value) {
    CUkern_st *kernel = (CUkern_st *)function;
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize)
        return failed();
    if (value < 0 || value > shape()->shared)
        return cudaErrorInvalidValue;
    kernel->allowed = (size_t)value;
    return failed();
}

/* The arguments, copied, as a launch takes them. */
struct Arguments {
    std::vector<std::vector<char>> values;
    std::vector<void *> at;
};

cudaError_t cudaLaunchKernel(const void *function, dim3 grid, dim3 block, void **arguments,
                             size_t shared, cudaStream_t stream) {
    const CUkern_st *kernel = (const CUkern_st *)function;
    if (logs())
        log("cudaLaunchKernel", "stream=%s\tkernel=%s\tgrid=%u,%u,%u\tblock=%u\tshared=%zu%s",
            shown(stream->name).c_str(), kernel->name.c_str(), grid.x, grid.y, grid.z,
            block.x * block.y * block.z, shared, moves_text(kernel->name, arguments).c_str());
    if (shared > kernel->allowed)
        return cudaErrorInvalidValue;
    if (!grid.x || !grid.y || !grid.z || grid.y > 65535 || grid.z > 65535 || !block.x || !block.y ||
        !block.z || block.x * block.y * block.z > 1024)
        return cudaErrorInvalidConfiguration;
    const shim_kernel *of = &kernel->library->module.kernels[kernel->index];
    auto held = std::make_shared<Arguments>();
    for (int i = 0; i < of->count; ++i) {
        const char *from = (const char *)arguments[i];
        held->values.emplace_back(from, from + of->sizes[i]);
    }
    for (auto &value : held->values)
        held->at.push_back(value.data());
    const long number = 1 + launches.fetch_add(1, std::memory_order_relaxed);
    const bool stuck = number == setting("STANDIN_STUCK", 0);
    const shim_module module = kernel->library->module;
    const int index = kernel->index;
    const shim_grid shape = {{grid.x, grid.y, grid.z}, {block.x, block.y, block.z}, shared};
    return put(stream, [=] {
        while (stuck)
            pause();
        char text[SHIM_TEXT];
        if (!failed() && shim_run(&module, index, &shape, held->at.data(), (unsigned)number, text))
            fail(cudaErrorLaunchFailure, "%s", text);
    });
}

} // extern "C"
