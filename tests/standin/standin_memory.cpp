/* standin_memory: memory of devices and pinned memory, copies. An allocation lies between pages that nobody may touch and is
 * not used again once freed, so that what reads or writes beside it, or later, ends by a signal. */
#include "standin.h"

#include <map>
#include <mutex>
#include <string.h>
#include <sys/mman.h>

namespace {

constexpr size_t PAGE = 4096, ALIGN = 256, FILL = 4 << 20;
constexpr int GARBAGE = 0xff; /* NaN in every type */

struct Piece {
    size_t bytes, mapped;
    char *base;
    bool device;
};

std::mutex lock; /* of all that follows */
std::map<const char *, Piece> pieces;
long long used, mallocs;

/* At the end of its pages as far as alignment lets, so that what runs over it is noticed. */
void *allocate(size_t bytes, bool device) {
    size_t room = (bytes + ALIGN - 1) / ALIGN * ALIGN, pages = (room + PAGE - 1) / PAGE * PAGE;
    void *base = mmap(nullptr, pages + 2 * PAGE, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED || mprotect((char *)base + PAGE, pages, PROT_READ | PROT_WRITE) != 0)
        return nullptr;
    char *at = (char *)base + PAGE + pages - room;
    memset(at, GARBAGE, bytes < FILL ? bytes : FILL);
    pieces[at] = {bytes, pages + 2 * PAGE, (char *)base, device};
    return at;
}

/* Only the address space is kept. */
bool release(void *at, bool device) {
    auto found = pieces.find((const char *)at);
    if (found == pieces.end() || found->second.device != device)
        return false;
    const Piece &piece = found->second;
    if (mmap(piece.base, piece.mapped, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
        return false;
    pieces.erase(found);
    return true;
}

bool lies_in(const void *at, size_t bytes, bool device) {
    std::lock_guard<std::mutex> hold(lock);
    auto after = pieces.upper_bound((const char *)at);
    if (after == pieces.begin())
        return false;
    --after;
    return after->second.device == device &&
           (const char *)at + bytes <= after->first + after->second.bytes;
}

} // namespace

namespace standin {

bool is_device(const void *at, size_t bytes) {
    return lies_in(at, bytes, true);
}

bool is_pinned(const void *at, size_t bytes) {
    return lies_in(at, bytes, false);
}

/* Where a copy begins and ends, as its kind says. */
static bool copy_holds(const void *to, const void *from, size_t to_bytes, size_t from_bytes,
                       enum cudaMemcpyKind kind, bool async) {
    const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    const void *ends[] = {to, from};
    const size_t sizes[] = {to_bytes, from_bytes};
    const bool devices[] = {to_device, from_device};
    for (int i = 0; i < 2; ++i) {
        const char *side = i ? "from" : "to";
        bool device = is_device(ends[i], sizes[i]), pinned = is_pinned(ends[i], sizes[i]);
        if (kind == cudaMemcpyDefault ? async && !device && !pinned : devices[i] && !device) {
            tell("a copy of %zu bytes %s %p, which is no memory of a device", sizes[i], side,
                 ends[i]);
            return false;
        }
        if (kind != cudaMemcpyDefault && !devices[i] && (device || (async && !pinned))) {
            tell("a copy of %zu bytes %s %p, which is no %smemory of the host", sizes[i], side,
                 ends[i], async ? "pinned " : "");
            return false;
        }
    }
    return true;
}

} // namespace standin

using namespace standin;

extern "C" {

cudaError_t cudaMalloc(void **at, size_t bytes) {
    if (cudaError_t error = failed())
        return error;
    std::lock_guard<std::mutex> hold(lock);
    const long long total = setting("STANDIN_MEMORY", 80ll << 30);
    ++mallocs;
    if (used + (long long)bytes > total || mallocs == setting("STANDIN_FAIL_MALLOC", 0))
        return cudaErrorMemoryAllocation;
    *at = bytes ? allocate(bytes, true) : nullptr;
    if (bytes && !*at)
        return cudaErrorMemoryAllocation;
    used += (long long)bytes;
    log("cudaMalloc", "at=%p\tbytes=%zu", *at, bytes);
    return cudaSuccess;
}

cudaError_t cudaFree(void *at) {
    if (!at)
        return failed();
    std::lock_guard<std::mutex> hold(lock);
    auto found = pieces.find((const char *)at);
    size_t bytes = found == pieces.end() ? 0 : found->second.bytes;
    if (!release(at, true)) {
        tell("cudaFree of %p, which is no memory of a device", at);
        return cudaErrorInvalidValue;
    }
    used -= (long long)bytes;
    return failed();
}

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total_bytes) {
    std::lock_guard<std::mutex> hold(lock);
    const long long total = setting("STANDIN_MEMORY", 80ll << 30);
    *total_bytes = (size_t)total;
    *free_bytes = used < total ? (size_t)(total - used) : 0;
    return failed();
}

cudaError_t cudaHostAlloc(void **at, size_t bytes, unsigned) {
    if (cudaError_t error = failed())
        return error;
    std::lock_guard<std::mutex> hold(lock);
    *at = allocate(bytes ? bytes : 1, false);
    return *at ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaMallocHost(void **at, size_t bytes) {
    return cudaHostAlloc(at, bytes, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void *at) {
    std::lock_guard<std::mutex> hold(lock);
    if (at && !release(at, false)) {
        tell("cudaFreeHost of %p, which is no pinned memory", at);
        return cudaErrorInvalidValue;
    }
    return failed();
}

cudaError_t cudaHostGetDevicePointer(void **device, void *host, unsigned) {
    if (!is_pinned(host, 1))
        return cudaErrorInvalidValue;
    *device = host;
    return failed();
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind) {
    if (cudaError_t error = failed())
        return error;
    if (bytes && !copy_holds(to, from, bytes, bytes, kind, false))
        return cudaErrorInvalidValue;
    memmove(to, from, bytes);
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream) {
    if (logs())
        log("cudaMemcpyAsync", "stream=%s\tto=%p\tfrom=%p\tbytes=%zu\tkind=%d",
            shown(stream->name).c_str(), to, from, bytes, (int)kind);
    if (bytes == 0)
        return failed();
    if (!copy_holds(to, from, bytes, bytes, kind, true))
        return cudaErrorInvalidValue;
    return put(stream, [=] { memmove(to, from, bytes); });
}

cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch,
                              size_t width, size_t height, enum cudaMemcpyKind kind,
                              cudaStream_t stream) {
    if (logs())
        log("cudaMemcpy2DAsync",
            "stream=%s\tto=%p\tfrom=%p\tto_pitch=%zu\tfrom_pitch=%zu\twidth=%zu\theight=%zu\tkind=%"
            "d",
            shown(stream->name).c_str(), to, from, to_pitch, from_pitch, width, height, (int)kind);
    if (width == 0 || height == 0)
        return failed();
    if (width > to_pitch || width > from_pitch ||
        !copy_holds(to, from, (height - 1) * to_pitch + width, (height - 1) * from_pitch + width,
                    kind, true))
        return cudaErrorInvalidValue;
    return put(stream, [=] {
        for (size_t row = 0; row < height; ++row)
            memcpy((char *)to + row * to_pitch, (const char *)from + row * from_pitch, width);
    });
}

cudaError_t cudaMemset(void *at, int value, size_t bytes) {
    if (!is_device(at, bytes))
        return cudaErrorInvalidValue;
    memset(at, value, bytes);
    return failed();
}

cudaError_t cudaMemsetAsync(void *at, int value, size_t bytes, cudaStream_t stream) {
    if (logs())
        log("cudaMemsetAsync", "stream=%s\tto=%p\tvalue=%d\tbytes=%zu", shown(stream->name).c_str(),
            at, value, bytes);
    if (bytes == 0)
        return failed();
    if (!is_device(at, bytes)) {
        tell("%zu bytes from %p are to be set, which are no memory of a device", bytes, at);
        return cudaErrorInvalidValue;
    }
    return put(stream, [=] { memset(at, value, bytes); });
}

} // extern "C"
